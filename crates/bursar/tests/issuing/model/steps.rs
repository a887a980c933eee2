//! What people and programs do, and what they hear.

use std::cell::RefCell;
use std::rc::Rc;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::answer::TokenAnswer;
use bursar_core::engine::issuer::authorize::{Authorization, ConsentDecision};
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::token::ClientRequest;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use url::Url;

use super::log::{Act, Scope};
use super::promises::{Heard, Model, Verdict};
use super::world::{RESOURCES, World};
use crate::issuing::client::{CHALLENGE, VERIFIER, basic};
use crate::issuing::world::CALLBACK;

/// The world and what is known of it.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) world: Rc<RefCell<World>>,
    pub(super) model: Rc<RefCell<Model>>,
}

impl Run {
    /// Does it, and judges what comes of it.
    pub(super) async fn attempt(self, number: usize, node: usize, act: Act) -> Verdict {
        let server = self.world.borrow().nodes[node].clone();
        match act {
            Act::Ask { client, user } => {
                let resource = number % RESOURCES.len();
                let heard = self.ask(&server, client, user, resource).await;
                self.model.borrow_mut().asked(number, heard)
            }
            Act::Redeem(login) => {
                let heard = self.redeem(&server, login).await;
                let plan = self.world.borrow().plan.clone();
                self.model.borrow_mut().redeemed(number, heard, &|attempt| plan.has_spent(attempt))
            }
            Act::Refresh { login, generation, narrow } => {
                let heard = self.refresh(&server, login, generation, narrow).await;
                self.model.borrow_mut().refreshed(number, heard)
            }
            Act::Look { login, token, introspects } => {
                let heard = self.look(&server, login, token, introspects).await;
                self.model.borrow_mut().looked(number, &heard)
            }
            Act::End(scope) => {
                let heard = self.end(&server, scope).await;
                self.model.borrow_mut().done(number, &heard);
                Ok(())
            }
            Act::Enable(user) => {
                let user = self.world.borrow().users[user].clone();
                let heard = heard(server.set_user_disabled(&user, false).await.map(|_| ()));
                self.model.borrow_mut().done(number, &heard);
                Ok(())
            }
            Act::Tidy => {
                let heard = heard(server.tidy_up().await.map(|_| ()));
                self.model.borrow_mut().done(number, &heard);
                Ok(())
            }
        }
    }

    async fn ask(
        &self,
        server: &AuthorizationServer,
        client: usize,
        user: usize,
        resource: usize,
    ) -> Heard<Secret> {
        let (client, user) = {
            let world = self.world.borrow();
            (world.clients[client].clone(), world.users[user].clone())
        };
        let mut query = Parameters::new();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &client),
            ("redirect_uri", CALLBACK),
            ("scope", "read write"),
            ("resource", RESOURCES[resource]),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ] {
            query.set(name, value);
        }
        match agree(server, &user, &query.to_query()).await {
            Ok(Authorization::Answer(address)) => {
                let address = Url::parse(address.expose()).unwrap();
                let code = address.query_pairs().find(|(name, _)| name == "code");
                Heard::Granted(code.map(|(_, code)| Secret::new(code)).unwrap())
            }
            Ok(other) => Heard::Refused(format!("{other:?}")),
            Err(error) => heard(Err(error)),
        }
    }

    async fn redeem(&self, server: &AuthorizationServer, login: usize) -> Heard<TokenAnswer> {
        let code = self.model.borrow().logins[login].code.clone();
        let form = self.form(
            login,
            &[
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ],
        );
        heard(server.token(&request(&form, &Source::default())).await)
    }

    async fn refresh(
        &self,
        server: &AuthorizationServer,
        login: usize,
        generation: usize,
        narrow: bool,
    ) -> Heard<TokenAnswer> {
        let token = self.model.borrow().logins[login].refresh[generation].clone();
        let mut form =
            self.form(login, &[("grant_type", "refresh_token"), ("refresh_token", token.expose())]);
        if narrow {
            form.set("scope", "read");
        }
        heard(server.token(&request(&form, &Source::default())).await)
    }

    async fn look(
        &self,
        server: &AuthorizationServer,
        login: usize,
        token: usize,
        introspects: bool,
    ) -> Heard<()> {
        let token = self.model.borrow().logins[login].access[token].text.clone();
        let found = if introspects {
            let authorization = Secret::new(basic(&self.world.borrow().api));
            let mut form = Parameters::new();
            form.set("token", token.expose());
            let source = Source::default();
            let request = ClientRequest { authorization: Some(&authorization), ..request(&form, &source) };
            server.introspection(&request).await
        } else {
            server.valid_access_token(&token).await
        };
        match heard(found) {
            Heard::Granted(Some(_)) => Heard::Granted(()),
            Heard::Granted(None) => Heard::Refused("not good".to_owned()),
            Heard::Refused(reason) => Heard::Refused(reason),
            Heard::Failed => Heard::Failed,
        }
    }

    async fn end(&self, server: &AuthorizationServer, scope: Scope) -> Heard<()> {
        match scope {
            Scope::Login(login) | Scope::Token(login, _) => {
                let shown = {
                    let model = self.model.borrow();
                    let login = &model.logins[login];
                    match scope {
                        Scope::Token(_, token) => login.access[token].text.clone(),
                        _ => login.refresh[login.refresh.len() - 1].clone(),
                    }
                };
                let form = self.form(login, &[("token", shown.expose())]);
                heard(server.revocation(&request(&form, &Source::default())).await)
            }
            Scope::Grant { client, user } => {
                let (client, user) = {
                    let world = self.world.borrow();
                    (world.clients[client].clone(), world.users[user].clone())
                };
                heard(server.withdraw_grant(&user, &client).await.map(|_| ()))
            }
            Scope::Client(client) => {
                let id = self.world.borrow().clients[client].clone();
                let removed = heard(server.remove_client(&id).await.map(|_| ()));
                if matches!(removed, Heard::Granted(())) {
                    self.world.borrow_mut().replace_client(client);
                }
                removed
            }
            Scope::User(user) => {
                let user = self.world.borrow().users[user].clone();
                heard(server.set_user_disabled(&user, true).await.map(|_| ()))
            }
        }
    }

    fn form(&self, login: usize, parameters: &[(&str, &str)]) -> Parameters {
        let client = self.model.borrow().logins[login].client;
        let mut form = Parameters::new();
        form.set("client_id", &self.world.borrow().clients[client]);
        for (name, value) in parameters {
            form.set(name, value);
        }
        form
    }
}

async fn agree(server: &AuthorizationServer, user: &str, query: &str) -> Result<Authorization, IssueError> {
    let source = Source::default();
    let user = server.user(user).await?.expect("users stay").document;
    let cookie = server.begin_session(&user, &["pwd"], &source).await?;
    let signed_in = server.session_of(&cookie).await?;
    let prompt = match server.authorize(query, signed_in.as_ref(), &source).await? {
        Authorization::Consent(prompt) => prompt,
        other => return Ok(other),
    };
    let Some(signed_in) = signed_in else { return Ok(Authorization::Consent(prompt)) };
    server.decide_consent(&Secret::new(prompt.ticket), ConsentDecision::Allow, &signed_in, &source).await
}

fn request<'a>(form: &'a Parameters, source: &'a Source) -> ClientRequest<'a> {
    ClientRequest { parameters: form, authorization: None, proofs: &[], source }
}

/// A store or vault out of reach is a failure that passes; everything else that is no refusal is a fault.
fn heard<T>(answer: Result<T, IssueError>) -> Heard<T> {
    match answer {
        Ok(granted) => Heard::Granted(granted),
        Err(IssueError::Refused(Refusal { code, reason, .. })) => {
            Heard::Refused(format!("{}: {reason}", code.as_str()))
        }
        Err(IssueError::Store(_) | IssueError::Vault(_)) => Heard::Failed,
        Err(error) => panic!("{error:?}"),
    }
}
