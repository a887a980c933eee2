//! Accounts over the line.

use bursar_core::engine::logout::RevocationReport;
use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::lifecycle::account::LoginMethod;
use bursar_core::lifecycle::failure::CauseKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::{AccountView, LastError, rfc3339};
use crate::logged_out::LoggedOut;

/// One account with how it is doing. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountDocument {
    /// Version of this document.
    schema: u32,
    /// `PROVIDER:NICKNAME`, good for every call.
    #[serde(rename = "ref")]
    reference: String,
    /// The provider's name.
    provider: String,
    /// The account's nickname.
    account: String,
    /// The sandbox it is in; absent: it is the installation's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    /// Who it is at the provider, for people.
    identity: Option<String>,
    /// Whether it is usable as it stands: `valid`, `expiring` or `expired`.
    status: &'static str,
    /// The exact state: `valid`, `expiring`, `expired`, `failing`, `uncertain`, `login_required`, `revoked` or `paused`.
    state: &'static str,
    /// When the access token ends (RFC 3339); `null`: no known end.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When the login itself ends and only a person can go on (RFC 3339); `null`: no known end.
    #[schema(format = DateTime)]
    grant_expires_at: Option<String>,
    /// What is left of the access token; `null`: no known end.
    seconds_left: Option<i64>,
    /// When the tokens were last renewed (RFC 3339).
    #[schema(format = DateTime)]
    last_refreshed: Option<String>,
    /// When it was last handed out, to the minute (RFC 3339).
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// When the login was made (RFC 3339).
    #[schema(format = DateTime)]
    created_at: String,
    /// Whole days since then.
    login_age_days: u64,
    /// From when on a reminder asks to make the login anew (RFC 3339); `null`: never.
    #[schema(format = DateTime)]
    rotate_after: Option<String>,
    /// What was granted, separated by spaces.
    scope: String,
    /// How the token is presented.
    token_type: String,
    /// How the login was made: `browser`, `device`, `paste`, `client_credentials`, `jwt_bearer` or `api_key`.
    #[schema(value_type = String)]
    method: LoginMethod,
    /// Counts the changes of the account's tokens.
    generation: u64,
    /// How many running uses there are.
    sessions: usize,
    /// Whether the provider's bare name means it.
    default: bool,
    /// Whether it is withheld from callers.
    paused: bool,
    /// What happens next, or what to do, in words.
    note: Option<String>,
    /// What went wrong last and still matters.
    last_error: Option<LastErrorDocument>,
    /// When a failing refresh is tried again (RFC 3339).
    #[schema(format = DateTime)]
    next_try: Option<String>,
}

/// What went wrong with an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LastErrorDocument {
    /// A stable word, such as `unreachable` or `grant_refused`.
    #[schema(value_type = String)]
    kind: CauseKind,
    /// The sentence.
    detail: String,
    /// When it began (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
}

impl From<&AccountView> for AccountDocument {
    fn from(view: &AccountView) -> Self {
        Self {
            schema: 1,
            reference: view.reference.to_string(),
            provider: view.reference.provider.to_string(),
            account: view.reference.nickname.to_string(),
            sandbox: view.surroundings.sandbox.as_ref().map(SandboxName::to_string),
            identity: view.identity.clone(),
            status: view.state.bucket().as_str(),
            state: view.state.as_str(),
            expires_at: view.expires_at.map(rfc3339),
            grant_expires_at: view.grant_expires_at.map(rfc3339),
            seconds_left: view.seconds_left,
            last_refreshed: view.last_refreshed.map(rfc3339),
            last_used: view.surroundings.last_used.map(rfc3339),
            created_at: rfc3339(view.created_at),
            login_age_days: view.login_age_days,
            rotate_after: view.rotate_after.map(rfc3339),
            scope: view.scope.clone(),
            token_type: view.token_type.clone(),
            method: view.method,
            generation: view.generation,
            sessions: view.surroundings.sessions,
            default: view.surroundings.default,
            paused: view.paused,
            note: view.note.clone(),
            last_error: view.last_error.as_ref().map(LastErrorDocument::from),
            next_try: view.next_try.map(rfc3339),
        }
    }
}

impl From<&LastError> for LastErrorDocument {
    fn from(error: &LastError) -> Self {
        Self { kind: error.kind, detail: error.detail.clone(), at: rfc3339(error.at) }
    }
}

/// A login that has been given up: it is gone here in every case.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogoutDocument {
    /// Version of this document.
    schema: u32,
    /// The reference it had.
    #[serde(rename = "ref")]
    reference: String,
    /// The provider's name.
    provider: String,
    /// The nickname it had.
    account: String,
    /// Who it was at the provider, for people.
    identity: Option<String>,
    /// What became of its tokens at the provider.
    revocation: RevocationWord,
    /// What went wrong with the revocation, if it is tried again.
    detail: Option<String>,
    /// How long it is tried again (RFC 3339).
    #[schema(format = DateTime)]
    tried_until: Option<String>,
    /// How many running uses it had.
    sessions: usize,
    /// When tokens that were not revoked end by themselves (RFC 3339).
    #[schema(format = DateTime)]
    ends_at: Option<String>,
}

/// What became of a login's tokens at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationWord {
    /// The provider has revoked them.
    Revoked,
    /// The provider knew them no more.
    AlreadyGone,
    /// The provider offers no revocation.
    NotOffered,
    /// Not yet; it is tried again.
    Queued,
}

impl From<&LoggedOut> for LogoutDocument {
    fn from(logged_out: &LoggedOut) -> Self {
        let account = &logged_out.account;
        let (revocation, detail, until) = match &logged_out.report {
            RevocationReport::Revoked => (RevocationWord::Revoked, None, None),
            RevocationReport::AlreadyGone => (RevocationWord::AlreadyGone, None, None),
            RevocationReport::NotOffered => (RevocationWord::NotOffered, None, None),
            RevocationReport::Queued { detail, until } => {
                (RevocationWord::Queued, Some(detail.clone()), Some(format!("{until:.0}")))
            }
        };
        let still_good = matches!(revocation, RevocationWord::NotOffered | RevocationWord::Queued);
        Self {
            schema: 1,
            reference: account.reference.to_string(),
            provider: account.reference.provider.to_string(),
            account: account.reference.nickname.to_string(),
            identity: account.identity.as_ref().map(|identity| identity.label.clone()),
            revocation,
            detail,
            tried_until: until,
            sessions: logged_out.sessions,
            ends_at: logged_out.ends_by_itself_at().filter(|_| still_good).map(|end| format!("{end:.0}")),
        }
    }
}
