//! The whole server in one process, on the memory store, with a clock that is moved by hand.

mod administration;
mod consent;
mod device;
mod families;
mod key;
mod metadata_documents;
mod registration;
mod logout;
mod proofs;
mod pushed;
mod session_tokens;
mod sign_in;
mod first_code;
mod stage;
mod web;
