//! The authorization response (RFC 6749 §4.1.2) and who it came from (RFC 9207 §2).

use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::form::{FormError, Parameters};
use crate::oauth::url::Issuer;
use crate::secret::Secret;

/// What the answer to one request must look like.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The state that was sent.
    pub state: &'a Secret,
    /// The server that was asked, if its name is known; an `iss` in the answer must be this.
    pub issuer: Option<&'a Issuer>,
    /// Whether the server promised to name itself (RFC 9207 §3).
    pub issuer_required: bool,
}

/// The answer that arrives at the redirect URI.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationResponse;

impl AuthorizationResponse {
    /// Reads the query of the redirect and returns the code.
    ///
    /// # Errors
    /// The answer is not for this request, not from this server, or an error. The state is judged before anything
    /// else is believed: otherwise any page could end a login by calling the listener with an error.
    pub fn read(query: &str, expected: &Expected<'_>) -> Result<Secret, AuthorizationError> {
        let query = query.strip_prefix('?').unwrap_or(query);
        let parameters = Parameters::parse_form(query.as_bytes()).map_err(AuthorizationError::Malformed)?;
        judge(&parameters, expected)
    }
}

/// An answer that brought no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// The user or the server said no.
    #[error("the login was denied{}", of(.0))]
    Denied(OAuthError),
    /// The server could not or would not go on.
    #[error("the provider refused the login: {0}")]
    Refused(OAuthError),
    /// The answer belongs to another login, or to an attack (RFC 6749 §10.12).
    #[error("the answer does not belong to this login (its state is missing or different)")]
    StateMismatch,
    /// The answer came from another server than was asked (RFC 9207 §2.4).
    #[error("the answer is from `{found}`, but `{expected}` was asked")]
    IssuerMismatch {
        /// Who was asked.
        expected: String,
        /// Who answered, shortened and free of control characters.
        found: String,
    },
    /// The server promised to name itself and did not (RFC 9207 §2.4).
    #[error("the answer does not name its issuer, although the provider promises that")]
    IssuerMissing,
    /// Neither a code nor an error.
    #[error("the answer holds no authorization code")]
    NoCode,
    /// A pasted code without its state: nobody can tell whose login it completes.
    #[error("only a code was pasted; paste the whole address from the browser, or `code#state`")]
    PasteWithoutState,
    /// The query cannot be read.
    #[error("the answer is malformed")]
    Malformed(#[source] FormError),
}

pub(super) fn judge(parameters: &Parameters, expected: &Expected<'_>) -> Result<Secret, AuthorizationError> {
    let state = parameters.value("state").map(Secret::new);
    // The comparison takes the same time wherever the texts differ; an empty state protects nothing.
    if expected.state.is_empty() || state.as_ref() != Some(expected.state) {
        return Err(AuthorizationError::StateMismatch);
    }
    // RFC 9207 §2.4: errors are judged only after the issuer, too.
    match (parameters.value("iss"), expected.issuer) {
        (Some(found), Some(issuer)) if found != issuer.as_str() => {
            return Err(AuthorizationError::IssuerMismatch {
                expected: issuer.to_string(),
                found: shown(found),
            });
        }
        (None, _) if expected.issuer_required => return Err(AuthorizationError::IssuerMissing),
        _ => {}
    }
    match (OAuthError::from_parameters(parameters), parameters.value("code")) {
        (Some(error), _) if error.code == ErrorCode::AccessDenied => Err(AuthorizationError::Denied(error)),
        (Some(error), _) => Err(AuthorizationError::Refused(error)),
        (None, Some(code)) => Ok(Secret::new(code)),
        (None, None) => Err(AuthorizationError::NoCode),
    }
}

fn of(error: &OAuthError) -> String {
    error.description.as_ref().map(|description| format!(": {description}")).unwrap_or_default()
}

fn shown(issuer: &str) -> String {
    // Long enough to recognise any real issuer, short enough for one line of a terminal.
    issuer.chars().filter(|character| !character.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<String, AuthorizationError> {
        let expected = Expected { state: &Secret::new("xyz"), issuer: None, issuer_required: false };
        AuthorizationResponse::read(query, &expected).map(|code| code.expose().to_owned())
    }

    fn read_from(query: &str, issuer: &str, issuer_required: bool) -> Result<String, AuthorizationError> {
        let issuer = Issuer::parse(issuer).unwrap();
        let expected = Expected { state: &Secret::new("xyz"), issuer: Some(&issuer), issuer_required };
        AuthorizationResponse::read(query, &expected).map(|code| code.expose().to_owned())
    }

    #[test]
    fn examples_of_rfc_6749_are_read() {
        // RFC 6749 §4.1.2 and §4.1.2.1.
        assert_eq!(read("code=SplxlOBeZQQYbYS6WxSbIA&state=xyz").unwrap(), "SplxlOBeZQQYbYS6WxSbIA");
        let denied = OAuthError::new(ErrorCode::AccessDenied, None);
        assert_eq!(read("error=access_denied&state=xyz"), Err(AuthorizationError::Denied(denied)));
    }

    #[test]
    fn examples_of_rfc_9207_are_read() {
        // RFC 9207 §2.1, with the state of this login and the issuer of the example.
        let success = "code=x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58&state=xyz&iss=https%3A%2F%2Fhonest.as.example";
        assert_eq!(
            read_from(success, "https://honest.as.example", true).unwrap(),
            "x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58"
        );
        // RFC 9207 §2.2.
        let error = "error=access_denied&state=xyz&iss=https%3A%2F%2Fhonest.as.example";
        assert!(matches!(
            read_from(error, "https://honest.as.example", true),
            Err(AuthorizationError::Denied(_))
        ));
    }

    #[test]
    fn nothing_is_believed_before_the_state() {
        for query in [
            "code=abc",
            "code=abc&state=",
            "code=abc&state=xy",
            "code=abc&state=xyzz",
            "code=abc&state=XYZ",
            "error=access_denied",
            "error=access_denied&state=other",
            "state=other&iss=https%3A%2F%2Fevil.example",
            "",
        ] {
            assert_eq!(
                read_from(query, "https://as.example", true),
                Err(AuthorizationError::StateMismatch),
                "{query}"
            );
        }
        let empty = Expected { state: &Secret::new(""), issuer: None, issuer_required: false };
        assert_eq!(
            AuthorizationResponse::read("code=a&state=", &empty),
            Err(AuthorizationError::StateMismatch)
        );
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte_before_code_and_error() {
        for found in
            ["https://as.example/", "https://AS.example", "https://evil.example", "https://as.example:443"]
        {
            for answer in ["code=abc", "error=server_error"] {
                let query = format!("{answer}&state=xyz&iss={found}");
                assert_eq!(
                    read_from(&query, "https://as.example", false),
                    Err(AuthorizationError::IssuerMismatch {
                        expected: "https://as.example".to_owned(),
                        found: found.to_owned()
                    })
                );
            }
        }
    }

    #[test]
    fn a_promised_issuer_must_be_there_and_an_unpromised_one_may_be_missing() {
        assert_eq!(
            read_from("code=abc&state=xyz", "https://as.example", true),
            Err(AuthorizationError::IssuerMissing)
        );
        assert_eq!(read_from("code=abc&state=xyz", "https://as.example", false).unwrap(), "abc");
        assert_eq!(read("code=abc&state=xyz&iss=https%3A%2F%2Fas.example").unwrap(), "abc");
    }

    #[test]
    fn other_answers_have_their_own_errors() {
        let refused = OAuthError::new(ErrorCode::InvalidScope, Some("no such scope"));
        assert_eq!(
            read("?error=invalid_scope&error_description=no+such+scope&state=xyz&code=abc"),
            Err(AuthorizationError::Refused(refused))
        );
        assert_eq!(read("state=xyz"), Err(AuthorizationError::NoCode));
        assert_eq!(read("state=xyz&code="), Err(AuthorizationError::NoCode));
        assert_eq!(
            read("state=xyz&code=a&code=b"),
            Err(AuthorizationError::Malformed(FormError::Repeated { name: "code".to_owned() }))
        );
        assert_eq!(read("state=xyz&code=%zz"), Err(AuthorizationError::Malformed(FormError::Escape)));
    }

    #[test]
    fn a_denial_shows_the_provider_s_words() {
        let error = read("error=access_denied&error_description=You+said+no&state=xyz").unwrap_err();
        assert_eq!(error.to_string(), "the login was denied: You said no");
    }

    proptest! {
        #[test]
        fn no_answer_with_another_state_brings_a_code(query in ".{0,80}", state in "[a-w]{1,8}") {
            prop_assert!(read(&query).is_err());
            prop_assert_eq!(read(&format!("code=abc&state={state}")), Err(AuthorizationError::StateMismatch));
        }
    }
}
