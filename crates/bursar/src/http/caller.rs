//! Who is calling, as far as the connection tells.

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The process at the other end of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Its number, where the system tells it.
    pub process: Option<u32>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}
