//! The whole server in one process, on the memory store, with a clock that is moved by hand.

mod administration;
mod consent;
mod device;
mod expected_user;
mod families;
mod first_code;
mod grants;
mod key;
mod logout;
mod metadata_documents;
mod passkeys;
mod password_reset;
mod proofs;
mod pushed;
mod registration;
mod session_tokens;
mod sign_in;
mod stage;
mod tidying;
mod web;
