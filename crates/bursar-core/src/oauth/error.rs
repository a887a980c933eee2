//! Errors as they travel (RFC 6749 §4.1.2.1 and §5.2, and the codes that later documents registered).
//!
//! Reads them from whatever shape a provider gives them, and bounds what strangers can make us print. What an error
//! means for a login is decided in `lifecycle`.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::form::Parameters;
use crate::secret::Secret;

/// An error code. The registered ones are closed; everything else is a provider's own word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ErrorCode {
    /// Something is missing, repeated or malformed (RFC 6749 §4.1.2.1, §5.2).
    InvalidRequest,
    /// The client is unknown or failed to prove itself (RFC 6749 §5.2).
    InvalidClient,
    /// The code, refresh token or assertion is not valid, or no longer (RFC 6749 §5.2).
    InvalidGrant,
    /// The client may not use this grant type or response type (RFC 6749 §4.1.2.1, §5.2).
    UnauthorizedClient,
    /// The server does not know the grant type (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The scope is unknown, malformed or wider than what was granted (RFC 6749 §4.1.2.1, §5.2).
    InvalidScope,
    /// The user or the server said no (RFC 6749 §4.1.2.1, RFC 8628 §3.5).
    AccessDenied,
    /// The server does not give codes this way (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// The server failed; stands for status 500 in a redirect (RFC 6749 §4.1.2.1).
    ServerError,
    /// The server is overloaded; stands for status 503 in a redirect (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// The user has not decided yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// As before, and the next question must come later (RFC 8628 §3.5).
    SlowDown,
    /// The device code has expired (RFC 8628 §3.5).
    ExpiredToken,
    /// The server cannot revoke tokens of this type (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// The resource is unknown or not acceptable (RFC 8707 §2, RFC 8693 §2.2.2).
    InvalidTarget,
    /// The access token is expired, revoked or malformed (RFC 6750 §3.1).
    InvalidToken,
    /// The access token does not reach far enough (RFC 6750 §3.1).
    InsufficientScope,
    /// The user must have signed in better or more recently (RFC 9470 §3).
    InsufficientUserAuthentication,
    /// The user must do something that the request ruled out (OIDC Core §3.1.2.6).
    InteractionRequired,
    /// The user must sign in (OIDC Core §3.1.2.6).
    LoginRequired,
    /// The user must choose an account (OIDC Core §3.1.2.6).
    AccountSelectionRequired,
    /// The user must consent (OIDC Core §3.1.2.6).
    ConsentRequired,
    /// The request URI cannot be read (OIDC Core §3.1.2.6, RFC 9101 §7).
    InvalidRequestUri,
    /// The request object is not valid (OIDC Core §3.1.2.6, RFC 9101 §7, RFC 9126 §2.3).
    InvalidRequestObject,
    /// The server takes no request objects (OIDC Core §3.1.2.6, RFC 9101 §7).
    RequestNotSupported,
    /// The server takes no request URIs (OIDC Core §3.1.2.6, RFC 9101 §7).
    RequestUriNotSupported,
    /// The server takes no registration parameter (OIDC Core §3.1.2.6).
    RegistrationNotSupported,
    /// The authorization details are not acceptable (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// A redirect URI is not acceptable (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// A value of the client's metadata is not acceptable (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The software statement is not valid (RFC 7591 §3.2.2).
    InvalidSoftwareStatement,
    /// The software statement is not approved here (RFC 7591 §3.2.2).
    UnapprovedSoftwareStatement,
    /// The proof of possession is not valid (RFC 9449 §5).
    InvalidDpopProof,
    /// The proof of possession must carry the server's nonce (RFC 9449 §8).
    UseDpopNonce,
    /// A provider's own word, bounded and printable when it was read by this module.
    Extension(String),
}

impl ErrorCode {
    /// The code as it travels.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ConsentRequired => "consent_required",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::Extension(word) => word,
        }
    }

    /// Whether a document defines the code. Only then did an OAuth endpoint certainly answer: gateways put words like
    /// `Bad Gateway` into the same place.
    pub fn is_registered(&self) -> bool {
        !matches!(self, Self::Extension(_))
    }
}

impl FromStr for ErrorCode {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let registered = REGISTERED.iter().find(|code| code.as_str() == text).cloned();
        // RFC 6749 §5.2 allows these characters; the longest word seen in the wild has 40.
        let allowed =
            |character: &char| matches!(character, '\x20' | '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        Ok(registered.unwrap_or_else(|| Self::Extension(text.chars().filter(allowed).take(80).collect())))
    }
}

impl From<&str> for ErrorCode {
    fn from(text: &str) -> Self {
        let Ok(code) = text.parse();
        code
    }
}

impl From<String> for ErrorCode {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An error that somebody sent us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}{}{}", if description.is_some() { ": " } else { "" }, description.as_deref().unwrap_or_default())]
pub struct OAuthError {
    /// What kind of error.
    pub code: ErrorCode,
    /// The sender's words for a human: at most 300 characters, none of them a control character.
    pub description: Option<String>,
}

impl OAuthError {
    /// An error with a description that is cut to what may be shown.
    pub fn new(code: ErrorCode, description: Option<&str>) -> Self {
        Self { code, description: description.and_then(shown) }
    }

    /// The same without `secrets`: some servers repeat in their errors what they were sent.
    #[must_use]
    pub fn without<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        for secret in secrets {
            if let ErrorCode::Extension(word) = &mut self.code {
                *word = secret.masked_in(word);
            }
            self.description = self.description.map(|text| secret.masked_in(&text));
        }
        self
    }

    /// Finds an error in an answer, in the standard's shape or one of the usual others: an object under `error`
    /// (`code`, `type`, `status` or `message`), and descriptions that are numbers or have another name.
    ///
    /// A code that [is not registered](ErrorCode::is_registered) proves nothing about who answered.
    pub fn from_json(answer: &Value) -> Option<Self> {
        let error = answer.get("error")?;
        let (code, detail) = match error {
            Value::Object(_) => {
                let code = ["code", "type", "status", "error"]
                    .iter()
                    .find_map(|name| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()))
                    .map(str::to_owned)
                    .or_else(|| text_of(error.get("code")?))
                    .or_else(|| text_of(error.get("message")?))?;
                (code, description_in(error).or_else(|| description_in(answer)))
            }
            other => (text_of(other)?, description_in(answer)),
        };
        Some(Self::new(ErrorCode::from(code), detail.as_deref()))
    }

    /// Finds an error among the parameters of a redirect or a form-encoded answer (RFC 6749 §4.1.2.1).
    pub fn from_parameters(parameters: &Parameters) -> Option<Self> {
        let code = parameters.value("error")?;
        Some(Self::new(ErrorCode::from(code), parameters.value("error_description")))
    }
}

static REGISTERED: [ErrorCode; 34] = [
    ErrorCode::InvalidRequest,
    ErrorCode::InvalidClient,
    ErrorCode::InvalidGrant,
    ErrorCode::UnauthorizedClient,
    ErrorCode::UnsupportedGrantType,
    ErrorCode::InvalidScope,
    ErrorCode::AccessDenied,
    ErrorCode::UnsupportedResponseType,
    ErrorCode::ServerError,
    ErrorCode::TemporarilyUnavailable,
    ErrorCode::AuthorizationPending,
    ErrorCode::SlowDown,
    ErrorCode::ExpiredToken,
    ErrorCode::UnsupportedTokenType,
    ErrorCode::InvalidTarget,
    ErrorCode::InvalidToken,
    ErrorCode::InsufficientScope,
    ErrorCode::InsufficientUserAuthentication,
    ErrorCode::InteractionRequired,
    ErrorCode::LoginRequired,
    ErrorCode::AccountSelectionRequired,
    ErrorCode::ConsentRequired,
    ErrorCode::InvalidRequestUri,
    ErrorCode::InvalidRequestObject,
    ErrorCode::RequestNotSupported,
    ErrorCode::RequestUriNotSupported,
    ErrorCode::RegistrationNotSupported,
    ErrorCode::InvalidAuthorizationDetails,
    ErrorCode::InvalidRedirectUri,
    ErrorCode::InvalidClientMetadata,
    ErrorCode::InvalidSoftwareStatement,
    ErrorCode::UnapprovedSoftwareStatement,
    ErrorCode::InvalidDpopProof,
    ErrorCode::UseDpopNonce,
];

fn description_in(answer: &Value) -> Option<String> {
    ["error_description", "description", "message", "error_message", "detail"]
        .iter()
        .find_map(|name| answer.get(name).and_then(text_of))
}

/// A text or a number other than zero, as text; zero and `false` are how some say that nothing is wrong.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) if number.as_f64() != Some(0.0) => Some(number.to_string()),
        _ => None,
    }
}

fn shown(description: &str) -> Option<String> {
    // Three lines of a terminal; longer ones are stack traces.
    let words: String = description
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !(character.is_control() || reorders_text(*character)))
        .take(300)
        .collect();
    let words = words.trim();
    (!words.is_empty()).then(|| words.to_owned())
}

/// Whether a character can make the rest of a terminal line read differently.
fn reorders_text(character: char) -> bool {
    matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_sent_is_masked_wherever_it_comes_back() {
        let secret = Secret::new("mbp_refresh_0123456789");
        let sent = [&secret];
        let error = OAuthError::new(
            ErrorCode::from("unknown:mbp_refresh_0123456789"),
            Some("mbp_refresh_0123456789?"),
        );
        let masked = error.without(sent);
        assert_eq!(masked.to_string(), "unknown:…: …?");
        // The description is cut in the middle of it.
        let long = format!("{}mbp_refresh_0123456789", "-".repeat(285));
        let masked = OAuthError::new(ErrorCode::InvalidGrant, Some(&long)).without(sent);
        assert_eq!(masked.description, Some(format!("{}…", "-".repeat(285))));
    }

    #[test]
    fn every_registered_code_is_read_back() {
        let texts: HashSet<&str> = REGISTERED.iter().map(ErrorCode::as_str).collect();
        assert_eq!(texts.len(), REGISTERED.len());
        for code in &REGISTERED {
            assert_eq!(&ErrorCode::from(code.as_str()), code);
            assert!(code.is_registered());
        }
    }

    #[test]
    fn examples_of_the_rfcs_are_read() {
        // RFC 6749 §4.1.2.1 and §5.2.
        let redirect = Parameters::parse_form(b"error=access_denied&state=xyz").unwrap();
        assert_eq!(OAuthError::from_parameters(&redirect).unwrap().to_string(), "access_denied");
        assert_eq!(
            OAuthError::from_json(&json!({"error": "invalid_request"})).unwrap().code,
            ErrorCode::InvalidRequest
        );
        // RFC 7009 §2.2.1 names the code, RFC 8628 §3.5 and RFC 9449 §8 show them in answers like this.
        let nonce = json!({"error": "use_dpop_nonce", "error_description": "Authorization server requires nonce in DPoP proof"});
        assert_eq!(
            OAuthError::from_json(&nonce).unwrap().to_string(),
            "use_dpop_nonce: Authorization server requires nonce in DPoP proof"
        );
    }

    #[test]
    fn shapes_of_providers_are_read() {
        let table = [
            (json!({"error": "invalid_grant", "error_description": 40013}), "invalid_grant: 40013"),
            (json!({"error": "bad_refresh_token", "error_uri": "x"}), "bad_refresh_token"),
            (json!({"ok": false, "error": "token_revoked"}), "token_revoked"),
            (
                json!({"error": {"message": "used before", "type": "invalid_request_error", "code": "refresh_token_reused"}}),
                "refresh_token_reused: used before",
            ),
            (
                json!({"type": "error", "error": {"type": "invalid_grant", "message": "no"}}),
                "invalid_grant: no",
            ),
            (
                json!({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}}),
                "UNAUTHENTICATED: no",
            ),
            (json!({"error": {"code": 190}}), "190"),
            (json!({"error": {"message": "Gone away"}}), "Gone away: Gone away"),
            (json!({"error": 17, "message": "odd"}), "17: odd"),
        ];
        for (answer, expected) in table {
            assert_eq!(
                OAuthError::from_json(&answer).map(|error| error.to_string()).as_deref(),
                Some(expected),
                "{answer}"
            );
        }
    }

    #[test]
    fn answers_without_an_error_have_none() {
        let table = [
            json!({"access_token": "x"}),
            json!({"error": null}),
            json!({"error": ""}),
            json!({"error": 0}),
            json!({"error": false}),
            json!({"error": {}}),
            json!({"error": []}),
            json!("error"),
            json!([{"error": "x"}]),
        ];
        for answer in table {
            assert_eq!(OAuthError::from_json(&answer), None, "{answer}");
        }
    }

    #[test]
    fn words_of_strangers_are_bounded_and_printable() {
        let long = "x".repeat(1000);
        let error = OAuthError::from_json(&json!({"error": long, "error_description": long})).unwrap();
        assert_eq!(error.code.as_str().len(), 80);
        assert_eq!(error.description.unwrap().len(), 300);
        let error = OAuthError::new(ErrorCode::from("a\x1b[31m\"b"), Some(" two\r\nlines\x1b[0m\u{202e}\0 "));
        assert_eq!(error.to_string(), "a[31mb: two  lines[0m");
        assert_eq!(OAuthError::new(ErrorCode::InvalidGrant, Some("\n")).description, None);
    }

    proptest! {
        #[test]
        fn any_code_survives_a_round_trip(text in ".{0,120}") {
            let code = ErrorCode::from(text);
            prop_assert_eq!(ErrorCode::from(code.as_str()), code);
        }
    }
}
