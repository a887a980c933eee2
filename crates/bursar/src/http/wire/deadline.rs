//! The calendar over the line.

use bursar_core::lifecycle::calendar::Deadline;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::note::deadline_command;
use crate::account_view::rfc3339;

/// One date of one login.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeadlineDocument {
    /// Version of this document.
    schema: u32,
    /// The account's reference.
    #[serde(rename = "ref")]
    reference: String,
    /// The provider's name.
    provider: String,
    /// The account's nickname.
    account: String,
    /// Who it is at the provider, for people.
    identity: Option<String>,
    /// What happens then: `login_required`, `token_ends`, `login_ends`, `login_unused` or `rotate_after`.
    occasion: &'static str,
    /// When (RFC 3339); in the past until somebody acts.
    #[schema(format = DateTime)]
    at: String,
    /// Until then; negative afterwards.
    seconds_left: i64,
    /// The command that helps.
    command: String,
}

impl DeadlineDocument {
    /// Describes `deadline` as it is at `now`.
    pub fn of(deadline: &Deadline<'_>, now: Timestamp) -> Self {
        let account = deadline.account;
        Self {
            schema: 1,
            reference: account.reference.to_string(),
            provider: account.reference.provider.to_string(),
            account: account.reference.nickname.to_string(),
            identity: account.identity.as_ref().map(|identity| identity.label.clone()),
            occasion: deadline.occasion.as_str(),
            at: rfc3339(deadline.at),
            seconds_left: deadline.at.duration_since(now).as_secs(),
            command: deadline_command(deadline).trim_matches('`').to_owned(),
        }
    }
}
