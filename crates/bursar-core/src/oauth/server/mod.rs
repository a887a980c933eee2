//! The wire rules from the server's side: what clients may send to the authorization server, and what it answers.
//!
//! Pure like everything in `oauth`: what is known, remembered or looked up is given. The use cases are in
//! `engine::issuer`.

pub mod access_token;
pub mod authorization_request;
pub mod authorization_response;
pub mod client_assertion;
pub mod client_metadata;
pub mod dpop;
pub mod id_token;
pub mod logout_token;
pub mod metadata_document;
pub mod redirect_uri;
pub mod resource;
pub mod resource_metadata;
pub mod server_metadata;
pub mod session_token;
pub mod uri_text;
