//! The authorization request (RFC 6749 §4.1.1; RFC 7636 §4.3; RFC 8707 §2).

use ::url::Url;

use crate::oauth::form::Parameters;
use crate::oauth::pkce::Challenge;
use crate::oauth::url::EndpointUrl;
use crate::secret::Secret;

/// What to ask the user's browser to ask for.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// The authorization endpoint; its own query is kept (RFC 6749 §3.1).
    pub endpoint: &'a EndpointUrl,
    /// Who asks.
    pub client_id: &'a str,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// The parameter's name, usually `scope`, and its value, already joined as the provider likes it.
    pub scope: Option<(&'a str, &'a str)>,
    /// Ties the answer to this request (RFC 6749 §10.12).
    pub state: &'a Secret,
    /// Ties the code to this request (RFC 7636); left out only for providers that cannot take it.
    pub challenge: Option<&'a Challenge>,
    /// Ties the ID token to this request (OIDC Core §3.1.2.1).
    pub nonce: Option<&'a Secret>,
    /// The resources the token is for (RFC 8707 §2).
    pub resource: &'a [String],
    /// What else the provider wants to hear. It never replaces one of the parameters above.
    pub extra: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// The URL to open. It carries the state, so it is not for logs.
    pub fn url(&self) -> Url {
        authorization_url(self.endpoint, &self.parameters())
    }

    /// The parameters alone: for providers with their own words, and for pushed requests (RFC 9126 §2.1).
    pub fn parameters(&self) -> Parameters {
        let mut parameters = Parameters::new();
        parameters.set("response_type", "code");
        parameters.set("client_id", self.client_id);
        parameters.set("redirect_uri", self.redirect_uri);
        if let Some((name, scope)) = self.scope {
            parameters.set(name, scope);
        }
        parameters.set("state", self.state.expose());
        if let Some(challenge) = self.challenge {
            parameters.set("code_challenge", challenge.as_str());
            parameters.set("code_challenge_method", Challenge::METHOD);
        }
        if let Some(nonce) = self.nonce {
            parameters.set("nonce", nonce.expose());
        }
        self.resource.iter().for_each(|resource| parameters.append("resource", resource));
        for (name, value) in self.extra {
            // A catalogue entry must not be able to take the protection of `state` or the challenge away.
            if parameters.value(name).is_none() {
                parameters.set(name, value);
            }
        }
        parameters
    }
}

/// The endpoint's URL with `parameters` added to its own query. Where both have a name, only ours is kept, because
/// RFC 6749 §3.1 forbids repetition.
pub fn authorization_url(endpoint: &EndpointUrl, parameters: &Parameters) -> Url {
    let mut url = endpoint.as_url().clone();
    let ours = parameters.to_query();
    let pieces: Vec<&str> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !names_one_of(pair, parameters))
        .chain((!ours.is_empty()).then_some(ours.as_str()))
        .collect();
    let query = pieces.join("&");
    url.set_query((!query.is_empty()).then_some(&query));
    url
}

fn names_one_of(pair: &str, parameters: &Parameters) -> bool {
    ::url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| parameters.value(&name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::pkce::Verifier;

    fn request<'a>(endpoint: &'a EndpointUrl, state: &'a Secret) -> AuthorizationRequest<'a> {
        AuthorizationRequest {
            endpoint,
            client_id: "s6BhdRkqt3",
            redirect_uri: "https://client.example.com/cb",
            scope: None,
            state,
            challenge: None,
            nonce: None,
            resource: &[],
            extra: &[],
        }
    }

    #[test]
    fn the_example_of_rfc_6749_is_reproduced() {
        let endpoint = EndpointUrl::parse("https://server.example.com/authorize").unwrap();
        // RFC 6749 §4.1.1; the order of parameters carries no meaning.
        assert_eq!(
            request(&endpoint, &Secret::new("xyz")).url().as_str(),
            "https://server.example.com/authorize?response_type=code&client_id=s6BhdRkqt3\
             &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb&state=xyz"
        );
    }

    #[test]
    fn the_example_of_rfc_8707_is_reproduced() {
        let endpoint =
            EndpointUrl::parse("https://authorization-server.example.com/as/authorization.oauth2").unwrap();
        let (state, resource) = (
            Secret::new("tNwzQ87pC6llebpmac_IDeeq-mCR2wLDYljHUZUAWuI"),
            ["https://cal.example.com/".to_owned(), "https://contacts.example.com/".to_owned()],
        );
        let url = AuthorizationRequest {
            client_id: "s6BhdRkqt3",
            redirect_uri: "https://client.example.org/cb",
            scope: Some(("scope", "calendar contacts")),
            resource: &resource,
            ..request(&endpoint, &state)
        }
        .url();
        // RFC 8707 §2.1 with its parameters in our order; `+` and `%20` both stand for a space.
        assert_eq!(
            url.as_str(),
            "https://authorization-server.example.com/as/authorization.oauth2?response_type=code&client_id=s6BhdRkqt3\
             &redirect_uri=https%3A%2F%2Fclient.example.org%2Fcb&scope=calendar+contacts\
             &state=tNwzQ87pC6llebpmac_IDeeq-mCR2wLDYljHUZUAWuI\
             &resource=https%3A%2F%2Fcal.example.com%2F&resource=https%3A%2F%2Fcontacts.example.com%2F"
        );
    }

    #[test]
    fn every_protection_is_in_the_url() {
        let endpoint = EndpointUrl::parse("https://as.example/authorize").unwrap();
        let (state, nonce) = (Secret::new("st"), Secret::new("no"));
        let challenge = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap().challenge();
        let resource = ["https://api.example/".to_owned(), "https://mcp.example/".to_owned()];
        let url = AuthorizationRequest {
            scope: Some(("user_scope", "read,write")),
            challenge: Some(&challenge),
            nonce: Some(&nonce),
            resource: &resource,
            ..request(&endpoint, &state)
        }
        .url();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let expected = [
            ("response_type", "code"),
            ("client_id", "s6BhdRkqt3"),
            ("redirect_uri", "https://client.example.com/cb"),
            ("user_scope", "read,write"),
            ("state", "st"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("nonce", "no"),
            ("resource", "https://api.example/"),
            ("resource", "https://mcp.example/"),
        ];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_endpoint_keeps_its_query_but_not_our_names() {
        let endpoint =
            EndpointUrl::parse("https://as.example/authorize?tenant=a%20b&st%61te=fixed&client_id=x")
                .unwrap();
        let url = request(&endpoint, &Secret::new("st")).url();
        assert!(url.query().unwrap().starts_with("tenant=a%20b&response_type=code&"), "{url}");
        assert_eq!(url.query_pairs().filter(|(name, _)| name == "state").count(), 1);
        assert_eq!(url.query_pairs().filter(|(name, _)| name == "client_id").count(), 1);
    }

    #[test]
    fn extra_parameters_replace_nothing() {
        let endpoint = EndpointUrl::parse("https://as.example/authorize").unwrap();
        let extra = [("state", "evil"), ("prompt", "consent"), ("redirect_uri", "https://evil.example")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let state = Secret::new("st");
        let parameters = AuthorizationRequest { extra: &extra, ..request(&endpoint, &state) }.parameters();
        assert_eq!(parameters.value("state"), Some("st"));
        assert_eq!(parameters.value("redirect_uri"), Some("https://client.example.com/cb"));
        assert_eq!(parameters.value("prompt"), Some("consent"));
    }
}
