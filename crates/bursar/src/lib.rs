//! bursar as a library: the command line, and the real world behind the ports of the engine.

pub mod browser;
pub mod child_environment;
pub mod cli;
pub mod config;
pub mod desk;
pub mod exit;
mod failure;
pub mod locks;
pub mod loopback;
pub mod master_key;
pub mod system;
pub mod upstream_http;
pub mod wiring;

pub use cli::run;
