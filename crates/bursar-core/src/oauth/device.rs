//! The device authorization grant (RFC 8628): a login on a machine without a browser.
//!
//! [`device_request`] and [`read_device_answer`] begin it, [`Poll`] says after each answer of the token endpoint how
//! long to wait or how it ended. Waiting and sending are somebody else's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::client_authentication::{Client, ClientAuthentication};
use super::error::{ErrorCode, OAuthError};
use super::form::Parameters;
use super::scope::Scope;
use super::token::request::{
    RequestError, Signature, add_fixed, assemble, authenticate, complete, fixed_headers, rename,
};
use super::token::{TokenAnswer, TokenSet, read_document};
use super::url::EndpointUrl;
use crate::ports::random::Random;
use crate::ports::upstream::{Request, Response};
use crate::provider::{AnswerFormat, ErrorClass, Provider, RequestMethod};
use crate::secret::Secret;

/// The device authorization request (RFC 8628 §3.1).
pub fn device_request(
    provider: &Provider,
    client: &Client,
    scope: Option<&Scope>,
    resource: &[String],
    now: Timestamp,
    random: &dyn Random,
) -> Result<Request, RequestError> {
    let url = complete("device", provider.endpoints.device.as_ref())?;
    let rules = &provider.token_request;
    let mut parameters = Parameters::new();
    if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
        let joined = scope.joined(provider.authorize.scope_separator);
        parameters.set(&provider.authorize.scope_parameter, &joined);
    }
    for indicator in resource {
        parameters.append("resource", indicator);
    }
    add_fixed(&mut parameters, &provider.device.parameters);
    let mut headers = fixed_headers(&rules.accept, &rules.headers)?;
    let signature = Signature { url: &url, now, random };
    if provider.device.authenticate {
        authenticate(provider, client, &mut parameters, &mut headers, &signature)?;
    } else {
        let public = Client { id: client.id.clone(), authentication: ClientAuthentication::None };
        authenticate(provider, &public, &mut parameters, &mut headers, &signature)?;
    }
    rename(&mut parameters, &rules.rename);
    assemble(&url, RequestMethod::Post, rules.format, &parameters, headers)
}

/// What the user must do, and how to ask whether it is done (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// Exchanged for tokens in the end.
    pub device_code: Secret,
    /// What the user types; printable characters only.
    pub user_code: String,
    /// Where the user types it: an `https` URL.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// When both codes end.
    pub expires_at: Timestamp,
    /// The least time between two questions.
    pub interval: Duration,
}

/// What a device authorization answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// The login has begun.
    Begun(Box<DeviceAuthorization>),
    /// The provider refuses.
    Refused(OAuthError),
    /// Neither.
    Unreadable(&'static str),
}

/// Reads a device authorization answer, dialects included: `verification_url`, numbers written as text.
pub fn read_device_answer(response: &Response, received_at: Timestamp) -> DeviceAnswer {
    let document = match read_document(response, AnswerFormat::Auto) {
        Ok(document) => document,
        Err(reason) => return DeviceAnswer::Unreadable(reason),
    };
    if let Some(error) = OAuthError::from_json(document.value()) {
        return DeviceAnswer::Refused(error);
    }
    if !response.status().is_success() {
        return DeviceAnswer::Unreadable("the answer has an error status but no error code");
    }
    let member = |names: &[&str]| names.iter().find_map(|name| document.at(name)).and_then(printable);
    let Some(device_code) =
        document.at("device_code").and_then(Value::as_str).filter(|code| !code.is_empty())
    else {
        return DeviceAnswer::Unreadable("the answer has no device code");
    };
    let Some(user_code) = member(&["user_code"]) else {
        return DeviceAnswer::Unreadable("the answer has no user code");
    };
    let Some(verification_uri) = member(&["verification_uri", "verification_url"]).filter(|url| is_page(url))
    else {
        return DeviceAnswer::Unreadable("the answer has no acceptable page to visit");
    };
    let seconds = |name: &str| document.at(name).and_then(whole_number);
    let lifetime = seconds("expires_in").filter(|seconds| *seconds > 0).unwrap_or(ASSUMED_LIFETIME);
    let interval = seconds("interval").filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_INTERVAL);
    let lifetime = SignedDuration::from_secs(lifetime.min(LONGEST_LIFETIME).cast_signed());
    DeviceAnswer::Begun(Box::new(DeviceAuthorization {
        device_code: Secret::new(device_code),
        user_code,
        verification_uri,
        verification_uri_complete: member(&["verification_uri_complete", "verification_url_complete"])
            .filter(|url| is_page(url)),
        expires_at: received_at.checked_add(lifetime).unwrap_or(Timestamp::MAX),
        interval: Duration::from_secs(interval.min(LONGEST_WAIT)),
    }))
}

/// What came of one question to the token endpoint.
#[derive(Clone, Debug)]
pub enum PollAnswer {
    /// An answer, read by [`super::token::read_token_answer`].
    Answer(TokenAnswer),
    /// None at all: timeout, no connection.
    Unreachable,
}

/// What to do after one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollStep {
    /// Ask again after this time.
    Wait(Duration),
    /// The user agreed.
    Done(Box<TokenSet>),
    /// The user said no.
    Denied,
    /// Nobody did anything in time; a new login must begin.
    Expired,
    /// The provider refuses for another reason.
    Failed(OAuthError),
}

/// How often to ask, and until when (RFC 8628 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    interval: Duration,
    wait: Duration,
    expires_at: Timestamp,
}

impl Poll {
    /// Begins with the interval of the answer; the first question comes one interval after it.
    pub fn new(authorization: &DeviceAuthorization) -> Self {
        let interval = authorization.interval;
        Self { interval, wait: interval, expires_at: authorization.expires_at }
    }

    /// How long to wait before the first question.
    pub fn first_wait(&self) -> Duration {
        self.wait
    }

    /// What to do after `answer`, which arrived at `now`.
    ///
    /// `slow_down` adds five seconds for good; no answer, or none that can be read, doubles the wait until the next
    /// good one. What the provider's entry calls transient counts as no answer.
    pub fn next(&mut self, provider: &Provider, answer: PollAnswer, now: Timestamp) -> PollStep {
        match answer {
            PollAnswer::Answer(TokenAnswer::Issued(tokens)) => return PollStep::Done(tokens),
            PollAnswer::Answer(TokenAnswer::Refused(error)) => match meaning(provider, &error) {
                Meaning::Pending => self.wait = self.interval,
                Meaning::SlowDown => {
                    self.interval = (self.interval + SLOW_DOWN).min(Duration::from_secs(LONGEST_WAIT));
                    self.wait = self.interval;
                }
                Meaning::Denied => return PollStep::Denied,
                Meaning::Expired => return PollStep::Expired,
                Meaning::Transient => self.back_off(),
                Meaning::Final => return PollStep::Failed(error),
            },
            PollAnswer::Answer(TokenAnswer::Unreadable(_)) | PollAnswer::Unreachable => self.back_off(),
        }
        if now >= self.expires_at { PollStep::Expired } else { PollStep::Wait(self.wait) }
    }

    fn back_off(&mut self) {
        self.wait = (self.wait * 2).min(Duration::from_secs(LONGEST_WAIT)).max(self.interval);
    }
}

enum Meaning {
    Pending,
    SlowDown,
    Denied,
    Expired,
    Transient,
    Final,
}

fn meaning(provider: &Provider, error: &OAuthError) -> Meaning {
    match error.code {
        ErrorCode::AuthorizationPending => Meaning::Pending,
        ErrorCode::SlowDown => Meaning::SlowDown,
        ErrorCode::AccessDenied => Meaning::Denied,
        ErrorCode::ExpiredToken => Meaning::Expired,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Meaning::Transient,
        _ => match error.code.as_str() {
            // Words of providers for the codes of RFC 8628 §3.5.
            "authorization_declined" => Meaning::Denied,
            "token_expired" | "code_expired" => Meaning::Expired,
            _ if provider.errors.class_of(error) == Some(ErrorClass::Transient) => Meaning::Transient,
            _ => Meaning::Final,
        },
    }
}

/// Text for a terminal: whatever could move the cursor or hide a letter makes it unacceptable.
fn printable(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let is_plain =
        text.chars().all(|letter| !letter.is_control() && (letter.is_ascii() || letter.is_alphanumeric()));
    (is_plain && (1..=LONGEST_TEXT).contains(&text.len())).then(|| text.to_owned())
}

/// A page a user may be sent to: an address that is fit for an endpoint, which may name a place in the page too.
///
/// What a browser would have to repair first is refused: the user would read one address and arrive at another.
fn is_page(text: &str) -> bool {
    EndpointUrl::parse(text.split('#').next().unwrap_or_default()).is_ok()
}

fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// RFC 8628 §3.2: what to assume when the answer says nothing, in seconds.
const DEFAULT_INTERVAL: u64 = 5;

/// RFC 8628 §3.5.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// A lifetime is required, but a user who already sees the code is better served with 15 minutes, which is usual.
const ASSUMED_LIFETIME: u64 = 15 * 60;

/// Nobody types a code after a day.
const LONGEST_LIFETIME: u64 = 24 * 60 * 60;

/// After a minute without a question users think that nothing happens any more.
const LONGEST_WAIT: u64 = 60;

/// Longer codes and addresses are no codes and addresses.
const LONGEST_TEXT: usize = 2048;

#[cfg(test)]
mod tests;
