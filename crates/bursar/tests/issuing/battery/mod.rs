//! The attack battery: every line of the checklist that an authorization server is held to is a test of its number.

mod authorization;
mod client_authentication;
mod code;
mod consent;
mod coverage;
mod device;
mod hostile;
mod metadata;
mod metadata_documents;
mod passwords;
mod proofs;
mod rebinding;
mod refresh;
mod registration;
mod tokens;
