//! Events over the line.

use bursar_core::ports::store::StoredEvent;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that happened, told without secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventDocument {
    /// Version of this document.
    schema: u32,
    /// Its place in the log; larger is later.
    id: u64,
    /// When (RFC 3339).
    at: String,
    /// What, as `noun.verb`.
    name: String,
    /// To whom or what.
    subject: String,
    /// Facts.
    #[schema(value_type = Object)]
    detail: serde_json::Map<String, serde_json::Value>,
}

impl From<StoredEvent> for EventDocument {
    fn from(stored: StoredEvent) -> Self {
        let event = stored.event;
        Self {
            schema: 1,
            id: stored.id,
            at: event.at.to_string(),
            name: event.name,
            subject: event.subject,
            detail: event.detail,
        }
    }
}
