//! Signing keys.

use bursar_core::engine::issuer::records::signing_key::SigningKeyRecord;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// A key that signs tokens, without its private half. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyDocument {
    /// Version of this document.
    schema: u32,
    /// Its name in tokens (`kid`).
    pub(crate) id: String,
    /// The one algorithm it is for.
    pub(crate) algorithm: &'static str,
    /// `waiting` until all who verify know it, `signing`, or `retiring` until the last token it signed has ended.
    pub(crate) state: &'static str,
    /// When it was published (RFC 3339).
    #[schema(format = DateTime)]
    published_at: String,
    /// From when on it signs (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) signs_from: String,
    /// Until when it signs (RFC 3339); `null`: it has no successor yet.
    #[schema(format = DateTime)]
    pub(crate) signs_until: Option<String>,
    /// Until when it is published (RFC 3339); `null`: it has no successor yet.
    #[schema(format = DateTime)]
    pub(crate) published_until: Option<String>,
    /// The public half (RFC 7517).
    #[schema(value_type = Object)]
    public: Map<String, Value>,
}

impl KeyDocument {
    pub(crate) fn new(key: &SigningKeyRecord, now: Timestamp) -> Self {
        Self {
            schema: 1,
            id: key.id.clone(),
            algorithm: key.algorithm.name(),
            state: if key.signs_from > now {
                "waiting"
            } else if key.has_ended(now) {
                "retiring"
            } else {
                "signing"
            },
            published_at: rfc3339(key.published_at),
            signs_from: rfc3339(key.signs_from),
            signs_until: key.signs_until.map(rfc3339),
            published_until: key.published_until.map(rfc3339),
            public: key.public.clone(),
        }
    }
}
