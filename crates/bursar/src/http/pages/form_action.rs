//! Where a page's forms may lead: the `form-action` directive (CSP Level 3 §6.4.1).
//!
//! Chromium holds every redirect after a POST against it. So a form whose answer sends the browser to a client must
//! name that client's place, or the button does nothing.

use url::{Host, Url};

/// Where the forms of one page may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormAction {
    /// The page has no form.
    Nowhere,
    /// Forms end on this server.
    Here,
    /// Forms end on this server or send the browser on to a place, in the directive's words.
    HereThen(String),
}

impl FormAction {
    /// Forms that may send the browser on to `redirect_uri`, where there is one.
    pub(super) fn then(redirect_uri: Option<&Url>) -> Self {
        redirect_uri.map_or(Self::Here, |url| Self::HereThen(source(url)))
    }

    /// The directive's value.
    pub(super) fn sources(&self) -> String {
        match self {
            Self::Nowhere => "'none'".to_owned(),
            Self::Here => "'self'".to_owned(),
            Self::HereThen(source) => format!("'self' {source}"),
        }
    }
}

/// The narrowest source expression that covers `url`: its origin, or its scheme where the grammar has no word for the
/// host. IPv6 addresses have none, and URLs allow hosts with `;` and `,`, which would end the directive.
fn source(url: &Url) -> String {
    let scheme = url.scheme();
    let host = match url.host() {
        Some(Host::Domain(name)) if matches!(scheme, "http" | "https") && is_plain(name) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        _ => return format!("{scheme}:"),
    };
    match url.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_is_allowed_as_narrowly_as_the_grammar_can() {
        let cases = [
            ("https://app.example/callback?x=1", "https://app.example"),
            ("https://APP.example:8443/", "https://app.example:8443"),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
            ("http://localhost:3000/callback", "http://localhost:3000"),
            ("http://127.0.0.1:53682/", "http://127.0.0.1:53682"),
            ("http://[::1]:3000/", "http:"),
            ("cursor://anysphere.cursor-mcp/oauth", "cursor:"),
            ("com.example.app:/callback", "com.example.app:"),
            ("https://a;sandbox/", "https:"),
            ("https://a,default-src/", "https:"),
            ("https://a'b/", "https:"),
            ("custom://a;sandbox/", "custom:"),
        ];
        for (url, expected) in cases {
            let sources = FormAction::then(Some(&Url::parse(url).unwrap())).sources();
            assert_eq!(sources, format!("'self' {expected}"), "{url}");
        }
    }
}
