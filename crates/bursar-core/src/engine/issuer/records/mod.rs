//! The kinds of records the issuing side keeps, one a file. The list of all kinds is in
//! `engine::records`.

pub mod browser_session;
pub mod client;
pub mod client_use;
pub mod code;
pub mod device;
pub mod family;
pub mod grant;
pub mod logout_notice;
pub mod passkey;
pub mod pushed;
pub mod reset_code;
pub mod resource;
pub mod revoked;
pub mod sign_out;
pub mod signing_key;
pub mod spent;
pub mod user;
