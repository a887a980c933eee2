//! Executable-sourced credentials of Google's libraries (AIP-4117): the answers, version 1. Pure.

use bursar_core::secret::Secret;
use jiff::Timestamp;
use serde::Serialize;

use crate::exit::{Exit, Failure};

/// What the token is called; the same as `subject_token_type` in the caller's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum TokenType {
    /// An identity token (OIDC Core §2).
    #[serde(rename = "urn:ietf:params:oauth:token-type:id_token")]
    IdToken,
    /// Any JWT.
    #[serde(rename = "urn:ietf:params:oauth:token-type:jwt")]
    Jwt,
}

/// Reads `GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE`. `None`: a type there is no token of, such as SAML's.
pub(super) fn wanted(token_type: Option<&str>) -> Option<TokenType> {
    match token_type {
        None | Some("urn:ietf:params:oauth:token-type:id_token") => Some(TokenType::IdToken),
        Some("urn:ietf:params:oauth:token-type:jwt") => Some(TokenType::Jwt),
        Some(_) => None,
    }
}

/// The answer with a token: one line.
pub(super) fn success(token_type: TokenType, token: &Secret, expires_at: Option<Timestamp>) -> String {
    line(&Document {
        version: 1,
        success: true,
        token_type,
        id_token: token.expose(),
        expiration_time: expires_at.map(Timestamp::as_second),
    })
}

/// The answer without one: one line.
pub(super) fn refusal(failure: &Failure) -> String {
    let message = match &failure.hint {
        Some(hint) => format!("{}; {hint}", failure.message),
        None => failure.message.clone(),
    };
    line(&Refusal { version: 1, success: false, code: code(failure.exit), message })
}

/// The libraries only show it; these are the codes of HTTP that say the same.
fn code(exit: Exit) -> &'static str {
    match exit {
        Exit::Usage => "400",
        Exit::LoginRequired => "401",
        Exit::Denied => "403",
        Exit::NoSuchAccount => "404",
        Exit::Unavailable | Exit::Unreachable => "503",
        _ => "500",
    }
}

fn line(answer: &impl Serialize) -> String {
    // Strings, numbers and truth values are always JSON.
    serde_json::to_string(answer).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    success: bool,
    token_type: TokenType,
    id_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<i64>,
}

#[derive(Serialize)]
struct Refusal {
    version: u8,
    success: bool,
    code: &'static str,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_byte_exact() {
        let end = Some("2026-11-21T15:00:00.9Z".parse().unwrap());
        assert_eq!(
            success(TokenType::IdToken, &Secret::new("t0ken"), end),
            "{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:oauth:token-type:id_token\",\
             \"id_token\":\"t0ken\",\"expiration_time\":1795273200}\n"
        );
        assert_eq!(
            success(TokenType::Jwt, &Secret::new("t0ken"), None),
            "{\"version\":1,\"success\":true,\"token_type\":\"urn:ietf:params:oauth:token-type:jwt\",\
             \"id_token\":\"t0ken\"}\n"
        );
        assert_eq!(
            refusal(&Failure::new(Exit::LoginRequired, "gone").hint("log in")),
            "{\"version\":1,\"success\":false,\"code\":\"401\",\"message\":\"gone; log in\"}\n"
        );
    }

    #[test]
    fn there_are_no_saml_tokens() {
        assert_eq!(wanted(None), Some(TokenType::IdToken));
        assert_eq!(wanted(Some("urn:ietf:params:oauth:token-type:jwt")), Some(TokenType::Jwt));
        assert_eq!(wanted(Some("urn:ietf:params:oauth:token-type:saml2")), None);
    }
}
