//! `WWW-Authenticate` of a protected resource (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).

use http::{HeaderValue, StatusCode};

use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;

/// What a resource answers to a request it does not serve.
#[derive(Clone, Copy, Debug)]
pub struct ResourceChallenge<'a> {
    /// How tokens are to be presented.
    pub scheme: ChallengeScheme<'a>,
    /// Where the resource's metadata is.
    pub resource_metadata: Option<&'a str>,
    /// All scopes the refused operation needs; `offline_access` among them is left out.
    pub scope: Option<&'a Scope>,
    /// What is wrong with the request; nothing is if it only came without a token (RFC 6750 §3.1).
    pub refusal: Option<Refusal<'a>>,
}

/// How tokens are to be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeScheme<'a> {
    /// The token alone.
    Bearer,
    /// The token and a proof, signed with one of these algorithms (RFC 9449 §7.1).
    Dpop(&'a [&'a str]),
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// The request is malformed, such as with two tokens.
    InvalidRequest,
    /// The token is expired, revoked, malformed or for another resource.
    InvalidToken,
    /// The token does not reach far enough.
    InsufficientScope,
    /// The user must have signed in better or more recently (RFC 9470 §3).
    InsufficientUserAuthentication {
        /// The kinds of sign-in that are enough, separated by spaces.
        acr_values: Option<&'a str>,
        /// How many seconds ago it may have been.
        max_age: Option<u64>,
    },
    /// The proof of possession is wrong or missing.
    InvalidDpopProof,
    /// The proof must carry the nonce that is sent along (RFC 9449 §9).
    UseDpopNonce,
}

impl Refusal<'_> {
    fn code(self) -> ErrorCode {
        match self {
            Self::InvalidRequest => ErrorCode::InvalidRequest,
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::InsufficientScope => ErrorCode::InsufficientScope,
            Self::InsufficientUserAuthentication { .. } => ErrorCode::InsufficientUserAuthentication,
            Self::InvalidDpopProof => ErrorCode::InvalidDpopProof,
            Self::UseDpopNonce => ErrorCode::UseDpopNonce,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is malformed",
            Self::InvalidToken => "The access token is expired, revoked, or not for this resource",
            Self::InsufficientScope => "The access token does not allow this",
            Self::InsufficientUserAuthentication { .. } => "A stronger or more recent sign-in is required",
            Self::InvalidDpopProof => "The DPoP proof is missing or not valid",
            Self::UseDpopNonce => "The DPoP proof must carry the nonce that is sent along",
        }
    }
}

impl ResourceChallenge<'_> {
    /// The status of the answer (RFC 6750 §3.1).
    pub fn status(&self) -> StatusCode {
        match self.refusal {
            Some(Refusal::InvalidRequest) => StatusCode::BAD_REQUEST,
            Some(Refusal::InsufficientScope) => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The value of the field.
    pub fn to_text(&self) -> String {
        let mut parameters: Vec<String> = Vec::new();
        let mut add = |name: &str, value: &str| parameters.push(format!("{name}={}", quoted(value)));
        if let Some(refusal) = self.refusal {
            add("error", refusal.code().as_str());
            add("error_description", refusal.description());
            if let Refusal::InsufficientUserAuthentication { acr_values, max_age } = refusal {
                if let Some(values) = acr_values {
                    add("acr_values", values);
                }
                if let Some(seconds) = max_age {
                    add("max_age", &seconds.to_string());
                }
            }
        }
        let scope = self.scope.map(super::announced).unwrap_or_default().join(" ");
        if !scope.is_empty() {
            add("scope", &scope);
        }
        if let Some(url) = self.resource_metadata {
            add("resource_metadata", url);
        }
        let scheme = match self.scheme {
            ChallengeScheme::Bearer => "Bearer",
            ChallengeScheme::Dpop(algorithms) => {
                add("algs", &algorithms.join(" "));
                "DPoP"
            }
        };
        if parameters.is_empty() { scheme.to_owned() } else { format!("{scheme} {}", parameters.join(", ")) }
    }

    /// The field itself.
    pub fn to_header(&self) -> HeaderValue {
        // Quoting leaves printable ASCII only, which every field may hold.
        HeaderValue::from_str(&self.to_text()).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}

/// A quoted string (RFC 9110 §5.6.4), without characters that no field can hold.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().filter(|character| matches!(character, ' '..='~')) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: ResourceChallenge<'static> = ResourceChallenge {
        scheme: ChallengeScheme::Bearer,
        resource_metadata: None,
        scope: None,
        refusal: None,
    };

    #[test]
    fn a_request_without_token_learns_where_to_get_one() {
        let scope = Scope::parse("read offline_access write").unwrap();
        let challenge = ResourceChallenge {
            resource_metadata: Some("https://resource.example.com/.well-known/oauth-protected-resource"),
            scope: Some(&scope),
            ..PLAIN
        };
        assert_eq!(challenge.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge.to_header(),
            "Bearer scope=\"read write\", \
             resource_metadata=\"https://resource.example.com/.well-known/oauth-protected-resource\""
        );
        assert_eq!(PLAIN.to_header(), "Bearer");
    }

    #[test]
    fn refusals_have_the_code_and_status_of_their_standard() {
        let step_up = Refusal::InsufficientUserAuthentication { acr_values: Some("mfa"), max_age: Some(60) };
        let table = [
            (Refusal::InvalidRequest, 400, "invalid_request"),
            (Refusal::InvalidToken, 401, "invalid_token"),
            (Refusal::InsufficientScope, 403, "insufficient_scope"),
            (step_up, 401, "insufficient_user_authentication"),
            (Refusal::InvalidDpopProof, 401, "invalid_dpop_proof"),
            (Refusal::UseDpopNonce, 401, "use_dpop_nonce"),
        ];
        for (refusal, status, code) in table {
            let challenge = ResourceChallenge { refusal: Some(refusal), ..PLAIN };
            assert_eq!(challenge.status(), status);
            assert!(challenge.to_text().starts_with(&format!("Bearer error=\"{code}\", ")));
        }
        let challenge = ResourceChallenge { refusal: Some(step_up), ..PLAIN };
        assert!(challenge.to_text().ends_with("acr_values=\"mfa\", max_age=\"60\""));
    }

    #[test]
    fn the_dpop_scheme_names_its_algorithms() {
        let challenge = ResourceChallenge {
            scheme: ChallengeScheme::Dpop(&["ES256", "EdDSA"]),
            refusal: Some(Refusal::InvalidToken),
            ..PLAIN
        };
        let text = challenge.to_text();
        assert!(text.starts_with("DPoP error=\"invalid_token\"") && text.ends_with("algs=\"ES256 EdDSA\""));
    }

    proptest! {
        #[test]
        fn quoting_can_be_undone_and_never_ends_early(text in ".{0,40}") {
            let quoted = quoted(&text);
            let inside = &quoted[1..quoted.len() - 1];
            let mut unquoted = String::new();
            let mut characters = inside.chars();
            while let Some(character) = characters.next() {
                prop_assert_ne!(character, '"');
                unquoted.push(if character == '\\' { characters.next().unwrap() } else { character });
            }
            let kept: String = text.chars().filter(|character| matches!(character, ' '..='~')).collect();
            prop_assert_eq!(unquoted, kept);
            prop_assert!(HeaderValue::from_str(&quoted).is_ok());
        }
    }
}
