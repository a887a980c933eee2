//! Refusals, explained.

use bursar_core::engine::issuer::administration::refusals::NotedRefusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// Why a request got nothing, for whoever runs the server. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RefusalDocument {
    /// Version of this document.
    schema: u32,
    /// The correlation id.
    id: String,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// Which path was asked for, without its query.
    endpoint: String,
    /// Which client asked, as it said itself.
    client: Option<String>,
    /// What the program was told.
    code: String,
    /// What its author was told.
    description: String,
    /// The whole reason.
    reason: String,
    /// What helps.
    advice: Option<&'static str>,
    /// Where the request came from.
    address: Option<String>,
    /// What the program called itself.
    user_agent: Option<String>,
}

impl From<&NotedRefusal> for RefusalDocument {
    fn from(refusal: &NotedRefusal) -> Self {
        Self {
            schema: 1,
            id: refusal.id.clone(),
            at: rfc3339(refusal.at),
            endpoint: refusal.endpoint.clone(),
            client: refusal.client.clone(),
            code: refusal.code.as_str().to_owned(),
            description: refusal.description.clone(),
            reason: refusal.reason.clone(),
            advice: refusal.advice(),
            address: refusal.address.map(|address| address.to_string()),
            user_agent: refusal.user_agent.clone(),
        }
    }
}
