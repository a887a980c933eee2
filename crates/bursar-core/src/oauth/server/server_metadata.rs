//! What this authorization server says about itself (RFC 8414 §2, OIDC Discovery 1.0 §3), and where.
//!
//! One document serves both standards, because clients look for either and compare. Only what is switched on is
//! announced. Serving it is for `http`; reading other servers' documents is for `oauth::metadata`.

mod document;
mod endpoint;
mod well_known;

pub use document::{AuthorizationServerMetadata, Feature, ServerDescription};
pub use endpoint::Endpoint;
pub use well_known::{WellKnown, WellKnownRequest};
