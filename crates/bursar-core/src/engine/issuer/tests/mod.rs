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
mod logout_notices;
mod metadata_documents;
mod passkeys;
mod password_reset;
mod proofs;
mod pushed;
mod registration;
mod rekeying;
mod restored;
mod session_tokens;
mod sign_in;
mod signing_in_again;
mod signing_keys;
mod stage;
mod telling;
mod tidying;
mod web;
