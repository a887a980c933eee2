//! What a protected resource wants, read from its refusal (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).
//!
//! Reads `WWW-Authenticate` fields as clients meet them. It believes nothing: where the metadata is and which scopes are
//! named there are only hints, and `oauth::protected_resource` checks what they lead to.

use http::header::WWW_AUTHENTICATE;

use crate::oauth::scope::Scope;
use crate::ports::upstream::Response;

/// What one challenge of the scheme `Bearer` or `DPoP` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceHint {
    /// Where the resource's metadata is (RFC 9728 §5.1).
    pub resource_metadata: Option<String>,
    /// The scopes that are needed; `None` if it does not say (RFC 6750 §3).
    pub scope: Option<Scope>,
    /// The error code.
    pub error: Option<String>,
}

impl ResourceHint {
    /// The challenge in an answer; the one that says where the metadata is goes before others.
    pub fn of(response: &Response) -> Option<Self> {
        let fields = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let hints = fields.filter_map(|field| field.to_str().ok()).filter_map(Self::read);
        hints.reduce(|first, next| {
            if first.resource_metadata.is_none() && next.resource_metadata.is_some() { next } else { first }
        })
    }

    /// The challenge in the text of a field; `None` if none is about tokens.
    pub fn read(field: &str) -> Option<Self> {
        let about_tokens = challenges(field).into_iter().filter(|challenge| {
            ["bearer", "dpop"].iter().any(|scheme| challenge.scheme.eq_ignore_ascii_case(scheme))
        });
        let hints = about_tokens.map(|challenge| Self {
            resource_metadata: challenge.parameter("resource_metadata"),
            scope: challenge.parameter("scope").map(|scope| Scope::from_answer(&scope)),
            error: challenge.parameter("error"),
        });
        hints.reduce(|first, next| {
            if first.resource_metadata.is_none() && next.resource_metadata.is_some() { next } else { first }
        })
    }

    /// Whether a token was refused because it does not reach far enough (RFC 6750 §3.1).
    pub fn wants_more_scope(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }
}

/// One challenge as it is written.
struct Challenge<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Challenge<'_> {
    /// The first parameter of this name; an empty value says nothing.
    fn parameter(&self, name: &str) -> Option<String> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }
}

/// Takes a field apart. A comma separates parameters as well as challenges, so a name without `=` begins a challenge.
fn challenges(field: &str) -> Vec<Challenge<'_>> {
    let mut found: Vec<Challenge<'_>> = Vec::new();
    let mut rest = field;
    while found.len() < MOST_CHALLENGES {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = rest.split_at(rest.find(|letter| !is_token_letter(letter)).unwrap_or(rest.len()));
        if name.is_empty() {
            // What is no token is no challenge either: the next one may begin after a comma.
            let Some(comma) = rest.find(',') else { break };
            rest = &rest[comma..];
            continue;
        }
        let trimmed = after.trim_start_matches([' ', '\t']);
        match trimmed.strip_prefix('=') {
            Some(value) if !found.is_empty() => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                if let Some(challenge) = found.last_mut() {
                    challenge.parameters.push((name, value));
                }
                rest = after;
            }
            _ => {
                found.push(Challenge { scheme: name, parameters: Vec::new() });
                rest = without_token68(trimmed);
            }
        }
    }
    found
}

/// Skips the credentials-like word that some schemes have instead of parameters (RFC 9110 §11.2).
fn without_token68(text: &str) -> &str {
    let end = text.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-._~+/".contains(letter)));
    let after = &text[end.unwrap_or(text.len())..];
    let padding = after.trim_start_matches('=');
    let is_last = padding.trim_start_matches([' ', '\t']).is_empty()
        || padding.trim_start_matches([' ', '\t']).starts_with(',');
    let is_padded = padding.len() < after.len();
    // A word before a comma would be a scheme without parameters; only padding tells a token68 apart for sure.
    if is_padded && is_last { padding } else { text }
}

/// A value, quoted or not, and what stands after it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            letter => value.push(letter),
        }
    }
    // The quote is never closed: what came so far may be half of something.
    (String::new(), "")
}

/// RFC 9110 §5.6.2.
fn is_token_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter)
}

/// Servers offer one or two; a list is somebody's joke.
const MOST_CHALLENGES: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(field: &str) -> ResourceHint {
        ResourceHint::read(field).unwrap()
    }

    #[test]
    fn the_examples_of_the_standards_are_read() {
        // RFC 9728 §5.1.
        let hint = read(
            r#"Bearer resource_metadata="https://resource.example.com/.well-known/oauth-protected-resource""#,
        );
        assert_eq!(
            hint.resource_metadata.as_deref(),
            Some("https://resource.example.com/.well-known/oauth-protected-resource")
        );
        // RFC 6750 §3.
        let hint = read(
            r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#,
        );
        assert_eq!((hint.error.as_deref(), hint.scope), (Some("invalid_token"), None));
        // RFC 9110 §11.6.1: two challenges in one field.
        let hint = read(
            r#"Basic realm="simple", Bearer scope="a b", title="Login to \"apps\", \\ all", error=insufficient_scope"#,
        );
        assert_eq!(hint.scope, Some(Scope::parse("a b").unwrap()));
        assert!(hint.wants_more_scope());
    }

    #[test]
    fn what_servers_really_write_is_understood() {
        assert_eq!(read("Bearer"), ResourceHint::default());
        assert_eq!(read("bearer  scope = x ,").scope, Some(Scope::parse("x").unwrap()));
        assert_eq!(read("Bearer error=\"x\" , scope=\"\"").scope, None);
        for scheme in ["Negotiate YII+a/b==", "Negotiate YII+a/b", "Negotiate abc"] {
            let field = format!("{scheme}, Bearer error=\"x\"");
            assert_eq!(read(&field).error.as_deref(), Some("x"), "{field}");
        }
        let both = r#"DPoP algs="ES256", Bearer resource_metadata="https://a.example/m""#;
        assert_eq!(read(both).resource_metadata.as_deref(), Some("https://a.example/m"));
        assert_eq!(ResourceHint::read(r#"Basic realm="Bearer scope=all""#), None);
        assert_eq!(read("Bearer scope=\"never closed"), ResourceHint::default());
    }

    #[test]
    fn the_challenge_with_metadata_wins_over_several_fields() {
        let response = http::Response::builder()
            .header(WWW_AUTHENTICATE, "Bearer")
            .header(WWW_AUTHENTICATE, "Bearer resource_metadata=\"https://a.example/m\"")
            .body(crate::ports::upstream::Body::default())
            .unwrap();
        assert!(ResourceHint::of(&response).unwrap().resource_metadata.is_some());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,120}") {
            let _ = ResourceHint::read(&text);
        }

        #[test]
        fn pieces_of_challenges_are_judged_without_panic(
            pieces in proptest::collection::vec(prop_oneof!["Bearer ", "[a-z]{1,4}=", "\"[a-z\\\\ ]{0,5}\"", ",", "=", " "], 0..20)
        ) {
            let _ = ResourceHint::read(&pieces.concat());
        }
    }
}
