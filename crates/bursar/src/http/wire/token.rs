//! Hand-outs over the line.

use std::collections::BTreeMap;
use std::fmt;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::{Generation, Identity};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::scope::Scope;
use bursar_core::secret::{Fingerprint, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// What a caller wants of an access token.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The token should live at least so many seconds; left out: the account's general lead.
    pub min_valid: Option<u32>,
    /// The token the caller saw refused; another one is handed out, or the reason why not.
    #[schema(value_type = Option<String>)]
    pub rejected: Option<Secret>,
    /// The same by the first 128 bits of its SHA-256 in base64url, for a caller who does not want to show it.
    #[schema(value_type = Option<String>)]
    pub rejected_fingerprint: Option<Fingerprint>,
    /// How many seconds to wait for a refresh; 0: not at all; left out: 30.
    pub wait: Option<u32>,
    /// Hand out the stored token without a look at its end.
    #[serde(default)]
    pub unchecked: bool,
    /// The folder the caller works in, for rules that choose an account.
    pub directory: Option<String>,
    /// Variables of the caller's environment that choose an account: `BURSAR_ACCOUNT_<PROVIDER>`, and those that rules
    /// look at, `null` where they are not set.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
}

/// An access token with what a caller may want to know about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenDocument<'a> {
    /// Version of this document.
    schema: u32,
    /// The account's reference.
    #[serde(rename = "ref")]
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    reference: &'a AccountReference,
    /// The provider's name.
    provider: &'a str,
    /// The account's nickname.
    account: &'a str,
    /// Who the account is at its provider, for people.
    identity: Option<&'a str>,
    /// Who it is at its provider, for programs.
    subject: Option<&'a str>,
    /// The token.
    access_token: &'a str,
    /// The identity token that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_token: Option<&'a str>,
    /// How it is presented.
    token_type: &'a str,
    /// What it is good for, separated by spaces.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    scope: &'a Scope,
    /// When it was issued (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    issued_at: Option<Timestamp>,
    /// When it ends (RFC 3339); `null`: no known end.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// What is left of it; `null`: no known end.
    seconds_left: Option<i64>,
    /// Counts the changes of the account's tokens.
    generation: u64,
    /// Fields of the provider's answer that its tools need.
    #[schema(value_type = Object)]
    kept: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> TokenDocument<'a> {
    /// Describes `handed` as it is at `now`.
    pub fn of(handed: &'a HandOut, now: Timestamp) -> Self {
        Self {
            schema: 1,
            reference: &handed.reference,
            provider: handed.reference.provider.as_str(),
            account: handed.reference.nickname.as_str(),
            identity: handed.identity.as_ref().map(|identity| identity.label.as_str()),
            subject: handed.identity.as_ref().map(|identity| identity.subject.as_str()),
            access_token: handed.token.expose(),
            identity_token: handed.identity_token.as_ref().map(Secret::expose),
            token_type: &handed.token_type,
            scope: &handed.scope,
            issued_at: handed.issued_at,
            expires_at: handed.expires_at,
            seconds_left: handed.remaining(now).map(|left| left.as_secs()),
            generation: handed.generation.0,
            kept: &handed.kept,
        }
    }
}

fn shown<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// A [`TokenDocument`] on the caller's side.
#[derive(Deserialize)]
pub struct ReceivedToken {
    #[serde(rename = "ref")]
    reference: String,
    access_token: Secret,
    #[serde(default)]
    identity_token: Option<Secret>,
    identity: Option<String>,
    subject: Option<String>,
    token_type: String,
    scope: String,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    generation: u64,
    #[serde(default)]
    kept: serde_json::Map<String, serde_json::Value>,
}

impl ReceivedToken {
    /// The hand-out of `reference`; `None` if it tells of another account.
    pub fn of(self, reference: &AccountReference) -> Option<HandOut> {
        if AccountReference::parse(&self.reference)?.key() != reference.key() {
            return None;
        }
        let identity = self.subject.zip(self.identity);
        Some(HandOut {
            token: self.access_token,
            identity_token: self.identity_token,
            reference: reference.clone(),
            identity: identity.map(|(subject, label)| Identity { subject, label }),
            token_type: self.token_type,
            scope: Scope::parse(&self.scope).unwrap_or_default(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            kept: self.kept,
            generation: Generation(self.generation),
        })
    }
}

impl fmt::Debug for ReceivedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ReceivedToken").finish_non_exhaustive()
    }
}

/// How a refresh is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// How many seconds to wait for it; left out: 30.
    pub wait: Option<u32>,
    /// Refresh only if the account's `generation` is not larger than this: a call that is repeated refreshes once.
    pub newer_than: Option<u64>,
}
