//! Grants.

use bursar_core::engine::issuer::records::grant::Grant;
use bursar_core::oauth::server::resource::ResourceIndicator;
use bursar_core::ports::document::Document as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// All that one user lets one client do. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct GrantDocument {
    /// Version of this document.
    schema: u32,
    /// Its id.
    pub(crate) id: String,
    /// The user's id.
    pub(crate) user: String,
    /// The client's id.
    pub(crate) client: String,
    /// What the user agreed to.
    pub(crate) consents: Vec<ConsentDocument>,
    /// When the first consent was given (RFC 3339).
    #[schema(format = DateTime)]
    created_at: String,
    /// When the last one was (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) changed_at: String,
}

/// One thing a user agreed to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConsentDocument {
    /// Where the tokens are for; `null`: this server alone.
    pub(crate) resource: Option<String>,
    /// What they are good for, separated by spaces.
    pub(crate) scope: String,
}

impl From<&Grant> for GrantDocument {
    fn from(grant: &Grant) -> Self {
        Self {
            schema: 1,
            id: grant.key(),
            user: grant.user.clone(),
            client: grant.client.clone(),
            consents: grant
                .consents
                .iter()
                .map(|consent| ConsentDocument {
                    resource: consent.resource.as_ref().map(ResourceIndicator::to_string),
                    scope: consent.scope.to_string(),
                })
                .collect(),
            created_at: rfc3339(grant.created_at),
            changed_at: rfc3339(grant.changed_at),
        }
    }
}
