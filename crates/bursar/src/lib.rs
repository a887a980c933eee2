//! bursar as a library: the command line, and the real world behind the ports of the engine.

mod account_view;
pub mod agent;
pub mod browser;
pub mod child_environment;
pub mod cli;
pub mod config;
pub mod context;
mod demo;
pub mod desk;
pub mod exit;
mod failure;
pub mod first_start;
pub mod gateway;
pub mod http;
pub mod issuing;
mod issuing_failure;
pub mod locks;
pub mod log_file;
mod logged_out;
mod login_plan;
mod logins;
pub mod loopback;
pub mod master_key;
pub mod passwords;
pub mod processes;
pub mod sandboxes;
pub mod server;
pub mod service;
pub mod system;
pub mod upstream_http;
pub mod wiring;

pub use cli::run;
