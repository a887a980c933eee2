//! The places where clients look for documents (RFC 8414 §3.1 and §5, OIDC Discovery §4, RFC 9728 §3.1).

use crate::oauth::url::Issuer;

/// A document with a well-known place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WellKnown {
    /// About the authorization server (RFC 8414).
    AuthorizationServer,
    /// The same for OIDC clients.
    OpenIdConfiguration,
    /// About a protected resource (RFC 9728).
    ProtectedResource,
}

impl WellKnown {
    /// The place when nothing is inserted.
    pub fn path(self) -> &'static str {
        match self {
            Self::AuthorizationServer => "/.well-known/oauth-authorization-server",
            Self::OpenIdConfiguration => "/.well-known/openid-configuration",
            Self::ProtectedResource => "/.well-known/oauth-protected-resource",
        }
    }

    /// Where the metadata of `issuer` is, in all three forms; the last two are one for an issuer without path.
    pub fn paths_of(issuer: &Issuer) -> Vec<String> {
        let path = issuer.as_url().path().trim_end_matches('/');
        let mut paths = vec![
            format!("{}{path}", Self::AuthorizationServer.path()),
            format!("{}{path}", Self::OpenIdConfiguration.path()),
            format!("{path}{}", Self::OpenIdConfiguration.path()),
        ];
        paths.dedup();
        paths
    }
}

/// What a request for a well-known place asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WellKnownRequest<'a> {
    /// The document.
    pub document: WellKnown,
    /// The path of the issuer, without a slash at its end, or of the resource as it stands; empty for the root.
    pub path: &'a str,
}

impl<'a> WellKnownRequest<'a> {
    /// Takes the path of a request apart; `None` if it is no well-known place.
    pub fn of_path(path: &'a str) -> Option<Self> {
        for document in
            [WellKnown::AuthorizationServer, WellKnown::OpenIdConfiguration, WellKnown::ProtectedResource]
        {
            let Some(inserted) = path.strip_prefix(document.path()) else { continue };
            // Otherwise it is another document whose name only begins like this one's.
            if !inserted.is_empty() && !inserted.starts_with('/') {
                continue;
            }
            let path = match document {
                // RFC 9728 §3.1 removes a slash only where nothing else follows the host.
                WellKnown::ProtectedResource if inserted != "/" => inserted,
                _ => inserted.trim_end_matches('/'),
            };
            return Some(Self { document, path });
        }
        // Only OIDC Discovery §4 appends its place.
        let document = WellKnown::OpenIdConfiguration;
        let before = path.strip_suffix(document.path()).filter(|before| before.starts_with('/'))?;
        Some(Self { document, path: before.trim_end_matches('/') })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::metadata::well_known_urls;

    #[test]
    fn requests_are_taken_apart() {
        use WellKnown::{AuthorizationServer, OpenIdConfiguration, ProtectedResource};
        let table = [
            ("/.well-known/oauth-authorization-server", Some((AuthorizationServer, ""))),
            ("/.well-known/oauth-authorization-server/", Some((AuthorizationServer, ""))),
            ("/.well-known/oauth-authorization-server/s/dev", Some((AuthorizationServer, "/s/dev"))),
            ("/.well-known/openid-configuration", Some((OpenIdConfiguration, ""))),
            ("/.well-known/openid-configuration/s/dev/", Some((OpenIdConfiguration, "/s/dev"))),
            ("/s/dev/.well-known/openid-configuration", Some((OpenIdConfiguration, "/s/dev"))),
            ("/.well-known/oauth-protected-resource", Some((ProtectedResource, ""))),
            ("/.well-known/oauth-protected-resource/", Some((ProtectedResource, ""))),
            ("/.well-known/oauth-protected-resource/mcp/", Some((ProtectedResource, "/mcp/"))),
            ("/.well-known/oauth-protected-resources", None),
            ("/.well-known/openid-configuration2", None),
            ("/.well-known/", None),
            ("/s/dev/.well-known/oauth-authorization-server", None),
            ("s/.well-known/openid-configuration", None),
            ("/oauth/token", None),
            ("", None),
        ];
        for (path, expected) in table {
            let found = WellKnownRequest::of_path(path).map(|request| (request.document, request.path));
            assert_eq!(found, expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn clients_look_where_documents_are(path in "(/[a-z]{1,4}){0,3}/?") {
            let issuer = Issuer::parse(&format!("https://as.example{path}")).unwrap();
            let looked: Vec<String> =
                well_known_urls(&issuer).iter().map(|url| url.as_url().path().to_owned()).collect();
            prop_assert_eq!(&looked, &WellKnown::paths_of(&issuer));
            for place in &looked {
                let request = WellKnownRequest::of_path(place).unwrap();
                prop_assert_eq!(request.path, path.trim_end_matches('/'));
            }
        }
    }
}
