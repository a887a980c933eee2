//! The authorization code flow up to the code (RFC 6749 §4.1).
//!
//! Builds the URL that a browser opens and judges the answer that comes back, by redirect or by hand. Redeeming the
//! code is for `token`; listening for the redirect is for the caller.

mod pasted;
mod request;
mod response;

pub use request::{AuthorizationRequest, authorization_url};
pub use response::{AuthorizationError, AuthorizationResponse, Expected};
