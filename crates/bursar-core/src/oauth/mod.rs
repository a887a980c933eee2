//! The wire rules of OAuth 2.0 and its extensions: what a request must say and what an answer means.
//!
//! Everything here is pure: no network, no clock, no ambient randomness. Operations come as pairs, a builder of a
//! request and a reader of its answer; `engine` sends the one and feeds the other.

pub mod authorization;
pub mod challenge;
pub mod client_authentication;
pub mod device;
pub mod error;
pub mod form;
pub mod http_fields;
pub mod identity_token;
pub mod introspection;
pub mod jose;
pub mod jwt_bearer;
pub mod metadata;
pub mod pkce;
pub mod proof;
pub mod protected_resource;
pub mod registration;
pub mod revocation;
pub mod scope;
pub mod server;
pub mod signing;
pub mod token;
pub mod url;
