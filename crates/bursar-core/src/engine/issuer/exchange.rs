//! A request to the token endpoint and its siblings, once it is known which client sends it.

use std::net::IpAddr;
use std::sync::Arc;

use super::answer::TokenType;
use super::guesses::network_of;
use super::records::client::Client;
use super::records::family::Family;
use super::records::user::User;
use super::refusal::Refusal;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::store::Expected;
use crate::secret::Secret;

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The address, as far as it can be believed.
    pub address: Option<IpAddr>,
    /// What the program calls itself.
    pub user_agent: Option<String>,
    /// Tells one address from another without saying which.
    pub digest: String,
    /// Tells one browser from another, where it is one: a page that was shown in one is answered in no other.
    pub browser: String,
    /// The cookie of the session in that browser: whoever signs in there takes its place.
    pub session: Option<Secret>,
}

impl Source {
    /// The network it comes from, which is one place wherever strangers are counted.
    pub(super) fn network(&self) -> String {
        network_of(self.address)
    }
}

/// A client, and how it was found: nothing may be issued to it if that has changed meanwhile.
#[derive(Clone, Debug)]
pub(super) struct KnownClient {
    pub(super) document: Arc<Client>,
    pub(super) expected: Expected,
}

/// A request of a client that is who it says.
#[derive(Debug)]
pub(super) struct TokenRequest<'a> {
    pub(super) client: KnownClient,
    pub(super) parameters: &'a Parameters,
    pub(super) source: &'a Source,
    /// The key it has proven to have (RFC 9449).
    pub(super) proof: Option<Thumbprint>,
}

/// For whom a token is issued.
#[derive(Clone, Copy, Debug)]
pub(super) enum Requester<'a> {
    /// A user, who has agreed.
    User {
        /// Who.
        user: &'a User,
        /// The authorization.
        family: &'a Family,
    },
    /// The client itself (RFC 6749 §4.4).
    Client,
}

impl<'a> Requester<'a> {
    /// The user and the authorization, if it is for one.
    pub(super) fn user_and_family(self) -> (Option<&'a User>, Option<&'a Family>) {
        match self {
            Self::User { user, family } => (Some(user), Some(family)),
            Self::Client => (None, None),
        }
    }
}

impl TokenRequest<'_> {
    pub(super) fn client(&self) -> &Client {
        &self.client.document
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        let value = self.parameters.value(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidRequest, format!("the parameter `{name}` is missing"))
        })
    }

    /// The same where the value is a secret.
    pub(super) fn required_secret(&self, name: &'static str) -> Result<Secret, Refusal> {
        self.required(name).map(Secret::new)
    }

    /// What the client asks for, if it says.
    pub(super) fn scope(&self) -> Result<Option<Scope>, Refusal> {
        let Some(text) = self.parameters.value("scope").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let scope = Scope::parse(text);
        scope.map(Some).map_err(|error| Refusal::new(ErrorCode::InvalidScope, error.to_string()))
    }

    /// Where the tokens shall be good, if it says.
    pub(super) fn resources(&self) -> Result<ResourceSet, Refusal> {
        ResourceSet::parse(self.parameters.values("resource"))
            .map_err(|error| Refusal::new(ErrorCode::InvalidTarget, error.to_string()))
    }

    pub(super) fn proven_key(&self) -> Option<&Thumbprint> {
        self.proof.as_ref()
    }

    /// Refuses a request without proof of `key` (RFC 9449 §5).
    pub(super) fn prove(&self, key: Option<&Thumbprint>) -> Result<(), Refusal> {
        match (key, &self.proof) {
            (None, _) => Ok(()),
            (Some(key), Some(proof)) if key == proof => Ok(()),
            (Some(_), Some(_)) => Err(Refusal::new(
                ErrorCode::InvalidGrant,
                "this is bound to another key than the one that was proven",
            )),
            (Some(_), None) => Err(Refusal::new(
                ErrorCode::InvalidDpopProof,
                "this is bound to a key, and the request carries no proof of it",
            )),
        }
    }

    pub(super) fn token_type(&self) -> TokenType {
        if self.proof.is_some() { TokenType::Dpop } else { TokenType::Bearer }
    }
}
