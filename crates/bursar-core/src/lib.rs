//! Decides everything bursar does with tokens, and does nothing itself.
//!
//! Rules are pure (`oauth`, `passkey`, `provider`, `lifecycle`), use cases (`engine`) reach the world only through `ports`.
//! No socket, no SQL, no file and no runtime is known here; the crates `bursar-store` and `bursar` bring them.

pub mod engine;
pub mod identifier;
pub mod lifecycle;
pub mod memory;
pub mod oauth;
pub mod passkey;
pub mod ports;
pub mod provider;
pub mod secret;
pub mod together;
