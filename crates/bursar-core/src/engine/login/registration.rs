//! The client that a server has registered for us (RFC 7591): one for each issuer, used again as long as it is known.
//!
//! Credentials never leave their issuer: they are found by its exact name, and by nothing else. Every account keeps its own
//! copy, so that a client that is registered anew takes nothing from logins that live by the old one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Discovered, LoginPlan};
use crate::engine::Engine;
use crate::engine::credentials::Credentials;
use crate::engine::vault::{SealedKind, VaultError};
use crate::lifecycle::failure::{self, Cause};
use crate::oauth::client_authentication::Method;
use crate::oauth::registration::{NewClient, RegistrationError, RegistrationRequest};
use crate::oauth::scope::Scope;
use crate::ports::document::{self, Document, Stored};
use crate::ports::store::{Commit, Expected, Group, Kind, Scope as KindScope, StoreError};
use crate::provider::AuthenticationRule;
use crate::secret::Sealed;

pub(in crate::engine) static REGISTERED_CLIENT: Kind = Kind {
    name: "registered_client",
    scope: KindScope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

/// A client at one issuer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct RegisteredClient {
    /// Who registered it.
    issuer: String,
    /// Its id.
    client_id: String,
    /// How it proves who it is.
    method: Method,
    /// Where its answers go. The port is kept, because some servers compare all of it.
    redirect_uri: String,
    /// What it said it would ask for.
    scope: Scope,
    /// When.
    registered_at: Timestamp,
    /// When its secret ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_expires_at: Option<Timestamp>,
    /// Clients that it replaced; logins may still live by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
    /// Its secret, sealed.
    pub(in crate::engine) sealed: Sealed,
}

impl Document for RegisteredClient {
    const KIND: &'static Kind = &REGISTERED_CLIENT;

    fn key(&self) -> String {
        self.issuer.clone()
    }
}

/// What a login needs of a client.
#[derive(Clone, Debug)]
pub struct ClientWanted {
    /// Where answers go.
    pub redirect_uri: String,
    /// Whether no client that is known already will do.
    pub anew: bool,
}

impl Engine {
    /// Where the answers for the client that is registered at `issuer` go, if there is one.
    pub async fn registered_redirect(&self, issuer: &str) -> Result<Option<String>, StoreError> {
        Ok(self.registered(issuer).await?.map(|stored| stored.document.redirect_uri))
    }

    /// Whether `id` is, or was, a client that `issuer` registered for us, and so nobody's choice.
    pub async fn is_registered(&self, issuer: &str, id: &str) -> Result<bool, StoreError> {
        let known = self.registered(issuer).await?.map(|stored| stored.document);
        Ok(known.is_some_and(|known| known.client_id == id || known.former.iter().any(|former| former == id)))
    }

    /// Forgets a client that its server knows no more, so that the next login registers another.
    pub(super) async fn forget_registered_client(&self, issuer: &str, id: &str) -> Result<(), StoreError> {
        let Some(known) = self.registered(issuer).await? else { return Ok(()) };
        if known.document.client_id == id {
            // An end in the past is found unfit by every login, and what it replaced is still known.
            let client =
                RegisteredClient { secret_expires_at: Some(Timestamp::UNIX_EPOCH), ..known.document };
            let batch = document::put(self.batch(), &client, Expected::Version(known.version))?;
            self.ports.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Gives `plan` the client that is registered at its issuer, if it fits; registers one otherwise. Tells whether the
    /// client is new.
    pub async fn use_registered_client(
        &self,
        plan: &mut LoginPlan,
        found: &Discovered,
        wanted: &ClientWanted,
    ) -> Result<bool, RegistrationFailure> {
        let issuer = found.server.issuer.as_str();
        let scope = Scope::from_answer(&plan.provider.authorize.scopes(&plan.scopes).join(" "));
        let known = self.registered(issuer).await?;
        let (fitting, is_new) = match &known {
            Some(stored) if !wanted.anew && self.fits(&stored.document, wanted, &scope) => {
                (stored.document.clone(), false)
            }
            _ => (self.register(found, wanted, scope, known.as_ref()).await?, true),
        };
        let key = fitting.key();
        let credentials = self.open_from(SealedKind::RegisteredClient, &key, &fitting.sealed).await?;
        plan.client_id = fitting.client_id;
        plan.client_secret = credentials.client_secret;
        plan.provider.client.authentication = AuthenticationRule::from(fitting.method);
        Ok(is_new)
    }

    async fn registered(&self, issuer: &str) -> Result<Option<Stored<RegisteredClient>>, StoreError> {
        Ok(document::get(&*self.ports.store, &self.space, issuer).await?.value)
    }

    fn fits(&self, known: &RegisteredClient, wanted: &ClientWanted, scope: &Scope) -> bool {
        known.redirect_uri == wanted.redirect_uri
            && scope.is_subset_of(&known.scope)
            && known.secret_expires_at.is_none_or(|end| end > self.now())
    }

    async fn register(
        &self,
        found: &Discovered,
        wanted: &ClientWanted,
        scope: Scope,
        known: Option<&Stored<RegisteredClient>>,
    ) -> Result<RegisteredClient, RegistrationFailure> {
        // What cannot be kept must not be made: the server would have a client that nobody knows.
        self.vault().await?;
        let scope = known.map_or_else(|| scope.clone(), |known| known.document.scope.union(&scope));
        let new = self.ask_to_register(found, wanted, &scope).await?;
        let issuer = found.server.issuer.to_string();
        let credentials = Credentials { client_secret: new.secret.clone(), ..Credentials::default() };
        let sealed = self.seal_for(SealedKind::RegisteredClient, &issuer, &credentials).await?;
        let client = RegisteredClient {
            former: known.map(|known| former(&known.document)).unwrap_or_default(),
            issuer,
            client_id: new.id,
            method: new.method,
            redirect_uri: wanted.redirect_uri.clone(),
            scope,
            registered_at: self.now(),
            secret_expires_at: new.secret_expires_at,
            sealed,
        };
        let expected = known.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
        let batch = document::put(self.batch(), &client, expected)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => {}
            // Another login at the same moment: each uses its own, and the one that came first is found next time.
            Commit::Conflict { .. } => tracing::debug!("another client was registered at the same time"),
        }
        Ok(client)
    }

    async fn ask_to_register(
        &self,
        found: &Discovered,
        wanted: &ClientWanted,
        scope: &Scope,
    ) -> Result<NewClient, RegistrationFailure> {
        let server = &found.server;
        let issuer = || server.issuer.to_string();
        let Some(endpoint) = &server.registration_endpoint else {
            return Err(RegistrationFailure::NotOffered { issuer: issuer() });
        };
        let knows = |grant: &str, otherwise: bool| {
            server
                .grant_types_supported
                .as_ref()
                .map_or(otherwise, |known| known.iter().any(|name| name == grant))
        };
        // Without a list, refresh tokens are usual and device codes are not (RFC 8414 §2).
        let further = [("refresh_token", true), (DEVICE, false)];
        let further =
            further.iter().filter(|(grant, otherwise)| knows(grant, *otherwise)).map(|(grant, _)| *grant);
        let grant_types: Vec<&str> = std::iter::once("authorization_code").chain(further).collect();
        let methods = server.token_endpoint_auth_methods_supported.as_deref();
        let request = RegistrationRequest {
            redirect_uri: &wanted.redirect_uri,
            method: method(methods),
            scope,
            grant_types: &grant_types,
        };
        let request =
            request.to(endpoint).map_err(|_| RegistrationFailure::NotOffered { issuer: issuer() })?;
        let response =
            self.ports.upstream.send(request, self.limits(&found.provider)).await.map_err(|error| {
                RegistrationFailure::Unreachable {
                    issuer: issuer(),
                    cause: failure::from_send_error(&error).cause,
                }
            })?;
        NewClient::read(&response)
            .map_err(|source| RegistrationFailure::Refused { issuer: issuer(), source: Box::new(source) })
    }
}

/// All that came before, and the one that is replaced now.
fn former(known: &RegisteredClient) -> Vec<String> {
    let all = known.former.iter().chain([&known.client_id]);
    let surplus = (known.former.len() + 1).saturating_sub(MOST_FORMER);
    all.skip(surplus).cloned().collect()
}

/// Logins that live by older clients have most likely ended.
const MOST_FORMER: usize = 32;

/// The way to prove ourselves that asks least of the server: none, since the answer is protected by PKCE and a program on
/// people's computers keeps no secret from them (RFC 8252 §8.5).
fn method(known: Option<&[String]>) -> Method {
    let order = [Method::None, Method::Basic, Method::Post];
    let is_known = |method: &Method| {
        known.is_some_and(|known| known.iter().any(|name| name == method.registered_name()))
    };
    // RFC 8414 §2: not said is HTTP Basic.
    order.into_iter().find(is_known).unwrap_or(Method::Basic)
}

/// RFC 8628 §3.4.
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationFailure {
    /// The server registers nobody by itself.
    #[error("{issuer} does not register clients by itself")]
    NotOffered {
        /// The server.
        issuer: String,
    },
    /// It could not be asked.
    #[error("{issuer} cannot be reached: {cause}")]
    Unreachable {
        /// The server.
        issuer: String,
        /// Why.
        cause: Cause,
    },
    /// It did not do it.
    #[error("{issuer} did not register a client")]
    Refused {
        /// The server.
        issuer: String,
        /// In its words.
        source: Box<RegistrationError>,
    },
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}
