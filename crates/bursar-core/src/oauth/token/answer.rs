//! Reads token answers (RFC 6749 §5.1, §5.2) as providers really write them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::document::{Document, at, read_document, text};
use super::expiry::{Received, number};
use super::{TokenAnswer, TokenSet};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::scope::Scope;
use crate::ports::upstream::Response;
use crate::provider::{ExpiryUnit, FieldExpiry, Provider};
use crate::secret::Secret;

/// What `response` says, by the rules of `provider`.
///
/// `received_at` is our clock when the answer arrived, `clock_skew` how far the provider's clock is ahead of it. An
/// error counts whatever the status, except that tokens in a 2xx answer win: dropping a token that was issued may end a
/// login, a needless error cannot be worse.
pub fn read_token_answer(
    provider: &Provider,
    response: &Response,
    received_at: Timestamp,
    clock_skew: SignedDuration,
) -> TokenAnswer {
    let document = match read_document(response, provider.token_response.format) {
        Ok(document) => document,
        Err(reason) => return TokenAnswer::Unreadable(reason),
    };
    let is_success = response.status().is_success();
    let is_ok = is_success && !is_declared_failure(provider, &document);
    if is_ok && let Some(root) = token_root(provider, &document) {
        let received = Received { at: received_at, skew: clock_skew };
        return match token_set(provider, &document, root, received) {
            Some(tokens) => TokenAnswer::Issued(Box::new(tokens)),
            None => TokenAnswer::Unreadable("the answer has no access token"),
        };
    }
    match refusal(provider, &document) {
        Some(error) if response.status().is_server_error() && !is_known(provider, &error) => {
            TokenAnswer::Unreadable("the answer is a server's failure, not a refusal")
        }
        Some(error) => TokenAnswer::Refused(error),
        None if is_success && !is_ok => TokenAnswer::Refused(unnamed_refusal()),
        None if is_success => TokenAnswer::Unreadable("the answer has no access token"),
        None => TokenAnswer::Unreadable("the answer has an error status but no error code"),
    }
}

/// Whether the error is one of OAuth's or one that the catalogue knows.
///
/// Gateways write `{"error": "Bad Gateway"}` too, and what they say proves nothing about the grant.
fn is_known(provider: &Provider, error: &OAuthError) -> bool {
    error.code.is_registered() || provider.errors.class_of(error).is_some()
}

/// Whether the provider's own mark of success is there and says no.
fn is_declared_failure(provider: &Provider, document: &Document) -> bool {
    let mark = provider.token_response.ok_path.as_deref().and_then(|path| document.at(path));
    match mark {
        Some(Value::Bool(ok)) => !ok,
        Some(Value::String(word)) => {
            ["false", "error", "fail", "failed"].contains(&word.to_ascii_lowercase().as_str())
        }
        Some(Value::Number(number)) => number.as_i64().is_some_and(|code| code < 0),
        _ => false,
    }
}

fn unnamed_refusal() -> OAuthError {
    OAuthError { code: ErrorCode::Extension("not_ok".to_owned()), description: None }
}

/// The error of an answer, from where the provider puts it or from where RFC 6749 §5.2 puts it.
fn refusal(provider: &Provider, document: &Document) -> Option<OAuthError> {
    let rules = &provider.token_response;
    if rules.error_path.is_none() && rules.error_description_path.is_none() {
        return OAuthError::from_json(document.value());
    }
    let code = document.at(rules.error_path.as_deref().unwrap_or("error"));
    let description = document.at(rules.error_description_path.as_deref().unwrap_or("error_description"));
    code.filter(|code| !code.is_null())
        .and_then(|code| OAuthError::from_json(&json!({ "error": code, "error_description": description })))
        .or_else(|| OAuthError::from_json(document.value()))
}

/// The first object that holds an access token.
fn token_root<'a>(provider: &Provider, document: &'a Document) -> Option<&'a Value> {
    let rules = &provider.token_response;
    rules
        .roots
        .iter()
        .filter_map(|path| document.at(path))
        .find(|root| at(root, &rules.paths.access_token).and_then(text).is_some())
}

fn token_set(provider: &Provider, document: &Document, root: &Value, received: Received) -> Option<TokenSet> {
    let rules = &provider.token_response;
    let secret = |path: &str| at(root, path).and_then(text).map(Secret::new);
    let access_token = secret(&rules.paths.access_token)?;
    // A token type that is not at the root is at the top: nested answers repeat only what differs.
    let token_type = at(root, &rules.paths.token_type)
        .or_else(|| document.at(&rules.paths.token_type))
        .and_then(text)
        .unwrap_or_else(|| "Bearer".to_owned());
    Some(TokenSet {
        token_type,
        // An empty refresh token would overwrite a working one.
        refresh_token: secret(&rules.paths.refresh_token),
        id_token: secret(&rules.paths.id_token)
            .or_else(|| document.at(&rules.paths.id_token).and_then(text).map(Secret::new)),
        scope: at(root, &rules.paths.scope).and_then(|value| granted(value, rules.scope_separator)),
        access_expires_at: access_end(provider, root, &access_token, received),
        refresh_expires_at: refresh_end(provider, root, received),
        kept: kept(provider, document),
        access_token,
    })
}

fn access_end(
    provider: &Provider,
    root: &Value,
    access_token: &Secret,
    received: Received,
) -> Option<Timestamp> {
    let rules = &provider.token_response.expiry;
    let told = match rules.unit {
        ExpiryUnit::JwtExp => received.end_of_jwt(access_token),
        unit => at(root, &rules.field).and_then(|value| received.end(value, unit)),
    };
    told.or_else(|| {
        #[expect(clippy::cast_precision_loss, reason = "lifetimes are far below 2^53 seconds")]
        let assumed = rules.default_seconds? as f64;
        Some(received.after(assumed))
    })
}

/// The end of the refresh token, from the provider's own fields or those in common use.
///
/// Zero means "no end" in at least one widespread server, so a lifetime that is not positive tells nothing.
fn refresh_end(provider: &Provider, root: &Value, received: Received) -> Option<Timestamp> {
    let common =
        COMMON_REFRESH_FIELDS.map(|field| FieldExpiry { field: field.to_owned(), unit: ExpiryUnit::Seconds });
    provider.token_response.refresh_expiry.iter().chain(&common).find_map(|rule| {
        let value = at(root, &rule.field)?;
        if number(value).is_some_and(|number| number <= 0.0) {
            return None;
        }
        received.end(value, rule.unit)
    })
}

/// GitHub, `LinkedIn` and others; Keycloak; Intuit.
const COMMON_REFRESH_FIELDS: [&str; 3] =
    ["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"];

/// The granted scopes, written as text or as a list.
fn granted(value: &Value, separator: char) -> Option<Scope> {
    let scope = match value {
        Value::String(words) => Scope::from_answer(&words.replace(separator, " ")),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            Scope::from_answer(&words.join(" "))
        }
        _ => return None,
    };
    (!scope.is_empty()).then_some(scope)
}

fn kept(provider: &Provider, document: &Document) -> Map<String, Value> {
    provider
        .token_response
        .keep
        .iter()
        .filter_map(|path| Some((path.clone(), document.at(path).filter(|value| !value.is_null())?.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
