//! How a route's token is carried: in a header, as a query parameter, or as a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::form_urlencoded;

/// Where the token goes, and what the caller may therefore not say itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Injection {
    /// Into a header.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value; `{token}` stands for the token.
        template: String,
    },
    /// Into the query.
    Query {
        /// The parameter.
        name: String,
    },
    /// Into `Authorization` as a password (RFC 7617).
    Basic {
        /// The user name that goes with it.
        user: String,
    },
}

impl Injection {
    /// The header that is set, if one is.
    pub(super) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Header { name, .. } => Some(name),
            Self::Basic { .. } => Some(&AUTHORIZATION),
            Self::Query { .. } => None,
        }
    }

    /// Sets the header that carries `token`; `None`: the token has a character no header can carry.
    pub(super) fn set_header(&self, headers: &mut HeaderMap, token: &Secret) -> Option<()> {
        let (name, text) = match self {
            Self::Header { name, template } => (name, Secret::new(template.replace(TOKEN, token.expose()))),
            Self::Basic { user } => {
                let pair = Secret::new(format!("{user}:{}", token.expose()));
                (&AUTHORIZATION, Secret::new(format!("Basic {}", STANDARD.encode(pair.expose()))))
            }
            Self::Query { .. } => return Some(()),
        };
        let mut value = HeaderValue::from_str(text.expose()).ok()?;
        // Kept out of debug output, and of HTTP/2's compression tables (RFC 7541 §7.1.3).
        value.set_sensitive(true);
        headers.insert(name, value);
        Some(())
    }

    /// The query to send: the caller's, without the parameter that carries the token, and with it set anew.
    pub(super) fn query(&self, query: Option<&str>, token: &Secret) -> Option<String> {
        let Self::Query { name } = self else { return query.map(str::to_owned) };
        let mut sent: Vec<&str> = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !names(pair, name))
            .collect();
        let mut own = form_urlencoded::Serializer::new(String::new());
        let own = own.append_pair(name, token.expose()).finish();
        sent.push(&own);
        Some(sent.join("&"))
    }
}

/// Whether a pair of a query is about `name`, however it is written.
fn names(pair: &str, name: &str) -> bool {
    let key = pair.split_once('=').map_or(pair, |(key, _)| key);
    form_urlencoded::parse(key.as_bytes()).next().is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
}

/// Whether a header can carry a token at all: these say how the message itself is read.
pub(super) fn can_carry(name: &HeaderName) -> bool {
    ![HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].contains(name)
}

/// Stands for the token in templates.
pub(super) const TOKEN: &str = "{token}";

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Secret {
        Secret::new("a+b/c")
    }

    #[test]
    fn headers_carry_the_token_as_their_template_says_and_print_nothing_of_it() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("private-token");
        let injection = Injection::Header { name: name.clone(), template: "v1 {token}".to_owned() };
        injection.set_header(&mut headers, &token()).unwrap();
        assert_eq!(headers[&name], "v1 a+b/c");
        assert!(!format!("{headers:?}").contains("a+b/c"));
        let broken = Secret::new("a\nb");
        assert_eq!(injection.set_header(&mut headers, &broken), None);
    }

    #[test]
    fn basic_puts_the_token_where_the_password_stands() {
        let mut headers = HeaderMap::new();
        let injection = Injection::Basic { user: "oauth2".to_owned() };
        injection.set_header(&mut headers, &token()).unwrap();
        assert_eq!(headers[AUTHORIZATION], format!("Basic {}", STANDARD.encode("oauth2:a+b/c")));
    }

    #[test]
    fn the_callers_own_parameter_goes_however_it_is_written() {
        let injection = Injection::Query { name: "access_token".to_owned() };
        for (query, sent) in [
            (None, "access_token=a%2Bb%2Fc"),
            (Some(""), "access_token=a%2Bb%2Fc"),
            (Some("q=1&q=2"), "q=1&q=2&access_token=a%2Bb%2Fc"),
            (Some("access_token=mine&q=1"), "q=1&access_token=a%2Bb%2Fc"),
            (Some("ACCESS_TOKEN=mine&access%5Ftoken=mine&access_token"), "access_token=a%2Bb%2Fc"),
            (Some("q=a%20b&&x"), "q=a%20b&x&access_token=a%2Bb%2Fc"),
        ] {
            assert_eq!(injection.query(query, &token()).as_deref(), Some(sent), "{query:?}");
        }
        let header = Injection::Basic { user: String::new() };
        assert_eq!(header.query(Some("access_token=1"), &token()).as_deref(), Some("access_token=1"));
    }
}
