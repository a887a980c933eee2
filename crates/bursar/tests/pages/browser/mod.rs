//! What people do in a browser, and what can go wrong there.

mod account;
mod consent;
mod mishaps;
mod passkeys;
mod pictures;
mod policy;
