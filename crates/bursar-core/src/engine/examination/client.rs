//! Becoming a client: by registration on the spot (RFC 7591), or by the URL of a document.

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use url::Url;

use super::checks::{
    CLIENT_DOCUMENT, CLIENT_WAYS, REGISTRATION, REGISTRATION_ANSWER, REGISTRATION_REFUSES, Stage,
};
use super::described::Described;
use super::sending::{Shown, json_of, shortened, told};
use super::{Examination, Given};
use crate::ports::upstream::{Body, Response};
use crate::secret::Secret;

/// The client that the examination plays.
#[derive(Clone, Debug)]
pub(super) struct TrialClient {
    pub(super) id: String,
    /// Servers that register no public clients give one.
    pub(super) secret: Option<Secret>,
    pub(super) redirect_uri: String,
    /// Where it can be given back, and with what (RFC 7592 §2.3).
    management: Option<(Url, Secret)>,
}

impl Examination<'_> {
    pub(super) async fn examine_registration(&mut self, given: &Given) {
        let Some(server) = self.server.clone() else { return };
        let endpoint = server.endpoint("registration_endpoint");
        let knows_documents = server.says("client_id_metadata_document_supported");
        let what = match (&endpoint, knows_documents) {
            (Some(_), true) => "it registers clients and understands client metadata documents",
            (Some(_), false) => "it registers clients",
            (None, true) => "it understands client metadata documents",
            (None, false) => {
                "it names neither a registration endpoint nor support for client metadata documents"
            }
        };
        self.judge(&CLIENT_WAYS, endpoint.is_some() || knows_documents, what);
        if let Some(endpoint) = &endpoint {
            self.register(endpoint.as_url(), given).await;
        } else {
            self.skip(Stage::Client, "it registers no clients");
        }
        self.examine_client_document(&server, knows_documents, given).await;
        if let Some(id) = &given.client_id {
            self.client =
                Some(TrialClient { id: id.clone(), ..TrialClient::public("", &given.redirect_uri) });
        } else if self.client.is_none()
            && let Some(document) = given.metadata_document.as_ref().filter(|_| knows_documents)
        {
            self.client = Some(TrialClient::public(document, &given.redirect_uri));
        }
        if self.client.is_none() {
            let reason = "there is no client to try it with; name one with `--client-id`";
            for stage in [Stage::Authorization, Stage::Token, Stage::SignIn] {
                self.skip(stage, reason);
            }
        }
    }

    async fn register(&mut self, endpoint: &Url, given: &Given) {
        let answer = match self.ask_for_client(endpoint, &given.redirect_uri).await {
            Ok(answer) => answer,
            Err(why) => return self.broken(&REGISTRATION, why),
        };
        let document = json_of(&answer);
        let Some(id) = document["client_id"].as_str().filter(|_| answer.status().is_success()) else {
            return self.broken(&REGISTRATION, format!("a public native client got {}", told(&answer)));
        };
        let what = format!("a public native client got HTTP {}", answer.status().as_u16());
        self.judge(&REGISTRATION, answer.status() == StatusCode::CREATED, what);
        let has_redirect = document["redirect_uris"] == json!([given.redirect_uri]);
        let method = document["token_endpoint_auth_method"].as_str();
        let secret = document["client_secret"].as_str().map(Secret::new);
        // What is left out means HTTP Basic (RFC 7591 §2), for which there must be a secret.
        let is_usable = method == Some("none") || (method.is_some() && secret.is_some());
        let what = format!(
            "`redirect_uris` {}, `token_endpoint_auth_method` is {}",
            if has_redirect { "as asked" } else { "missing or changed" },
            method.map_or("missing".to_owned(), |method| format!("`{}`", shortened(method))),
        );
        self.judge(&REGISTRATION_ANSWER, has_redirect && is_usable, what);
        let secret = secret.filter(|_| method != Some("none"));
        self.client = Some(TrialClient {
            id: id.to_owned(),
            secret,
            redirect_uri: given.redirect_uri.clone(),
            management: management(&document),
        });
        self.register_elsewhere(endpoint).await;
    }

    async fn register_elsewhere(&mut self, endpoint: &Url) {
        match self.ask_for_client(endpoint, "http://attacker.invalid/callback").await {
            Err(why) => self.untried(&REGISTRATION_REFUSES, why),
            Ok(answer) => {
                let refused = answer.status().is_client_error();
                let what = format!("a redirect to http://attacker.invalid got {}", told(&answer));
                self.judge(&REGISTRATION_REFUSES, refused, what);
                if let Some((url, token)) = management(&json_of(&answer)) {
                    self.forget_client(&url, &token).await;
                }
            }
        }
    }

    /// A client that has registered one address, and will use another; or what it got instead.
    pub(super) async fn registered(
        &self,
        endpoint: &Url,
        registered: &str,
        used: &str,
    ) -> Result<TrialClient, String> {
        let answer = self.ask_for_client(endpoint, registered).await?;
        let document = json_of(&answer);
        let id = document["client_id"].as_str().filter(|_| answer.status().is_success());
        let id = id.ok_or_else(|| told(&answer))?.to_owned();
        Ok(TrialClient { id, management: management(&document), ..TrialClient::public("", used) })
    }

    /// Asks for a public native client that answers to `redirect_uri`, as agents do.
    async fn ask_for_client(&self, endpoint: &Url, redirect_uri: &str) -> Result<Response, String> {
        let metadata = json!({
            "client_name": "bursar doctor",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        });
        let request = http::Request::post(endpoint.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(Body::new(metadata.to_string()));
        self.tools.send(endpoint, request).await
    }

    async fn examine_client_document(&mut self, server: &Described, announced: bool, given: &Given) {
        if !announced {
            return self.untried(&CLIENT_DOCUMENT, "it does not announce client metadata documents");
        }
        let nowhere = TrialClient::public("https://client.invalid/metadata.json", &given.redirect_uri);
        let Some(url) = self.code_request(server, &nowhere).map(|request| request.url()) else { return };
        let shown = match self.tools.open(&url).await {
            Ok(answer) => Shown::of(&answer, &given.redirect_uri),
            Err(why) => return self.untried(&CLIENT_DOCUMENT, why),
        };
        let refused = matches!(shown, Shown::Refused(_));
        self.judge(&CLIENT_DOCUMENT, refused, format!("for a document that is not there, {}", shown.words()));
        let Some(document) = given.metadata_document.as_ref().filter(|_| refused) else { return };
        let ours = TrialClient::public(document, &given.redirect_uri);
        let Some(url) = self.code_request(server, &ours).map(|request| request.url()) else { return };
        if let Ok(answer) = self.tools.open(&url).await {
            let shown = Shown::of(&answer, &given.redirect_uri);
            let what = format!("for {}, {}", shortened(document), shown.words());
            self.judge(&CLIENT_DOCUMENT, shown.refusal().is_none(), what);
        }
    }

    /// Gives back what was made.
    pub(super) async fn give_back(&mut self) {
        if let Some(client) = self.client.take() {
            self.forget(client).await;
        }
    }

    pub(super) async fn forget(&self, client: TrialClient) {
        if let Some((url, token)) = client.management {
            self.forget_client(&url, &token).await;
        }
    }

    async fn forget_client(&self, url: &Url, token: &Secret) {
        let request = http::Request::delete(url.as_str())
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .body(Body::default());
        if let Err(why) = self.tools.send(url, request).await {
            tracing::debug!(why, "the client of the examination stays");
        }
    }
}

impl TrialClient {
    fn public(id: &str, redirect_uri: &str) -> Self {
        Self { id: id.to_owned(), secret: None, redirect_uri: redirect_uri.to_owned(), management: None }
    }

    /// What a token request says of the client.
    pub(super) fn credentials(&self) -> Vec<(&str, &str)> {
        let secret = self.secret.as_ref().map(|secret| ("client_secret", secret.expose()));
        [("client_id", self.id.as_str())].into_iter().chain(secret).collect()
    }
}

fn management(document: &Value) -> Option<(Url, Secret)> {
    let url = document["registration_client_uri"].as_str()?.parse().ok()?;
    Some((url, Secret::new(document["registration_access_token"].as_str()?)))
}
