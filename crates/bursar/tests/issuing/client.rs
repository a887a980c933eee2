//! What clients send and hear: forms, answers, and the steps of a login.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::world::{CALLBACK, Known, MCP, World};

/// RFC 7636 Appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its digest.
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Parameters, in order, with whatever mistakes a test wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(Self::default(), |form, (name, value)| form.and(name, value))
    }

    /// With another parameter, even if it is there already.
    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    /// With this value instead of any other.
    pub(super) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub(super) fn encoded(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.unwrap() }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member of a document that is there.
    #[track_caller]
    pub(super) fn member(&self, name: &str) -> String {
        match self.json()[name].as_str() {
            Some(value) => value.to_owned(),
            None => panic!("no {name}: {self:?}"),
        }
    }

    /// A parameter of the address it leads to.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let location = Url::parse(self.header("location")).ok()?;
        location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The code it leads to.
    #[track_caller]
    pub(super) fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// It is a refusal of the token endpoint or one of its siblings, of this code.
    #[track_caller]
    pub(super) fn assert_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["error"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        assert!(self.header("cache-control").contains("no-store"), "{self:?}");
    }

    /// It is a page for the person in front of the browser, who goes nowhere from there.
    #[track_caller]
    pub(super) fn assert_page(&self) {
        assert_eq!(self.status, 400, "{self:?}");
        assert_eq!(self.header("location"), "", "{self:?}");
        assert!(self.header("content-type").starts_with("text/html"), "{self:?}");
    }

    /// It sends the browser back to the client with this error.
    #[track_caller]
    pub(super) fn assert_sent_back(&self, callback: &str, code: &str) {
        assert!([302, 303].contains(&self.status), "{self:?}");
        assert!(self.header("location").starts_with(&format!("{callback}?")), "{self:?}");
        assert_eq!(self.parameter("error").as_deref(), Some(code), "{self:?}");
        assert_eq!(self.parameter("code"), None);
    }
}

/// The claims of a JWT, unverified.
pub(super) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// What a JWT says: whenever one of this content is made, its signature is another, and perhaps its key. Nothing of an
/// opaque token, which is sealed anew each time.
pub(crate) fn said(token: &str) -> &str {
    token.split('.').nth(1).unwrap_or_default()
}

/// The header of a JWT.
pub(crate) fn jose_header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// RFC 6749 §2.3.1.
pub(super) fn basic(client: &Known) -> String {
    let secret = client.secret.as_ref().unwrap();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", client.id, secret.expose())))
}

impl World {
    /// An ordinary authorization request.
    pub(super) fn request(&self) -> Form {
        self.request_of(&self.client)
    }

    #[expect(clippy::unused_self, reason = "a request is one of its world, like all others")]
    pub(super) fn request_of(&self, client: &Known) -> Form {
        Form::of(&[
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", CALLBACK),
            ("scope", "read write"),
            ("resource", MCP),
            ("state", "xyz"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
    }

    pub(super) fn redeeming(&self, code: &str) -> Form {
        Form::of(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client.id),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
    }

    pub(super) fn refreshing(&self, token: &str) -> Form {
        Form::of(&[("grant_type", "refresh_token"), ("client_id", &self.client.id), ("refresh_token", token)])
    }

    /// Posts a form somewhere, with headers.
    pub(super) async fn post(&self, path: &str, form: &Form, headers: &[(&str, &str)]) -> Answer {
        self.post_at(&self.at(path), form, headers).await
    }

    pub(super) async fn post_at(&self, url: &str, form: &Form, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.post(url).body(form.encoded());
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request).await
    }

    pub(super) async fn token(&self, form: &Form) -> Answer {
        self.post("/oauth/token", form, &[]).await
    }

    /// Tokens for a grant that must be good.
    pub(super) async fn tokens(&self, form: &Form) -> Tokens {
        let answer = self.token(form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Tokens::of(&answer)
    }

    pub(super) async fn refresh(&self, token: &str) -> Answer {
        self.token(&self.refreshing(token)).await
    }

    /// A whole login of the usual client and user.
    pub(super) async fn log_in(&self) -> Tokens {
        let code = self.code().await;
        self.tokens(&self.redeeming(&code)).await
    }

    /// Whether the API would let the bearer of a token in.
    pub(super) async fn is_active(&self, token: &str) -> bool {
        let answer = self.introspect(&self.api, token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let document = answer.json();
        if document["active"] == true {
            return true;
        }
        assert_eq!(document, serde_json::json!({ "active": false }), "nothing else is said");
        false
    }

    pub(super) async fn introspect(&self, asker: &Known, token: &str) -> Answer {
        self.post("/oauth/introspect", &Form::of(&[("token", token)]), &[("authorization", &basic(asker))])
            .await
    }

    /// Registers a client that brings itself.
    pub(super) async fn register(&self, document: &Value, address: &str) -> Answer {
        let request = self.http.post(self.at("/oauth/register")).body(document.to_string());
        let request = request.header("content-type", "application/json");
        Answer::of(request.header("x-forwarded-for", address)).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(self.at(path))).await
    }
}

/// What the token endpoint has given.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) scope: String,
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        said(&self.access) == said(&other.access)
            && self.refresh == other.refresh
            && self.scope == other.scope
    }
}

impl Tokens {
    pub(super) fn of(answer: &Answer) -> Self {
        let refresh = answer.json()["refresh_token"].as_str().unwrap_or_default().to_owned();
        Self { access: answer.member("access_token"), refresh, scope: answer.member("scope") }
    }
}
