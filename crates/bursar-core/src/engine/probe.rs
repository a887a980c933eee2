//! Asking the provider whether a token really works (`check --live`).

use std::time::Duration;

use super::Engine;
use super::broker::HandOutError;
use super::credentials::Credentials;
use super::providers::client_of;
use super::userinfo::Shown;
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::Ask;
use crate::oauth::introspection::{introspection_request, read_introspection_answer};
use crate::oauth::proof::TOKEN_TYPE;
use crate::ports::upstream::{Request, Response};
use crate::provider::Provider;
use crate::secret::Secret;

/// What the provider said about an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It accepts it.
    Accepted,
    /// It refuses it.
    Refused {
        /// In one sentence.
        detail: String,
    },
    /// It could not be asked, or offers nothing to ask.
    Unknown {
        /// Why.
        detail: String,
    },
}

impl Engine {
    /// Hands the account's token to the provider's userinfo or introspection endpoint (RFC 7662).
    pub async fn probe(&self, reference: &AccountReference, wait: Duration) -> Result<Probe, HandOutError> {
        let handed = self.hand_out(reference, &Ask::default(), wait).await?;
        let account = self.account(reference).await?.document;
        let provider = self.provider_of(&account).await?;
        let credentials = self.credentials(&account).await?;
        let is_bound = handed.token_type.eq_ignore_ascii_case(TOKEN_TYPE);
        let shown = Shown {
            token: &handed.token,
            proof_key: credentials.proof_key.as_ref().filter(|_| is_bound),
            at: self.provider_time(&account),
        };
        match self.ask_userinfo(&provider, &shown).await {
            Some(Ok(response)) => return Ok(judge_userinfo(&response)),
            Some(Err(error)) => return Ok(Probe::Unknown { detail: error.to_string() }),
            None => {}
        }
        match self.introspection(&provider, &account, &credentials, &handed.token) {
            Some(request) => Ok(self.ask_introspection(&provider, request).await),
            None => Ok(Probe::Unknown { detail: "the provider offers nothing to ask".into() }),
        }
    }

    fn introspection(
        &self,
        provider: &Provider,
        account: &Account,
        credentials: &Credentials,
        token: &Secret,
    ) -> Option<Request> {
        let client = client_of(account, credentials).ok()?;
        introspection_request(provider, &client, token, self.now(), &*self.ports.random).ok().flatten()
    }

    async fn ask_introspection(&self, provider: &Provider, request: Request) -> Probe {
        match self.ports.upstream.send(request, self.limits(provider)).await {
            Ok(response) => judge_introspection(&response),
            Err(error) => Probe::Unknown { detail: error.to_string() },
        }
    }
}

fn judge_userinfo(response: &Response) -> Probe {
    let status = response.status();
    match status.as_u16() {
        200..=299 => Probe::Accepted,
        401 | 403 => Probe::Refused { detail: format!("userinfo answered HTTP {}", status.as_u16()) },
        other => Probe::Unknown { detail: format!("userinfo answered HTTP {other}") },
    }
}

fn judge_introspection(response: &Response) -> Probe {
    match read_introspection_answer(response) {
        Some(true) => Probe::Accepted,
        Some(false) => Probe::Refused { detail: "introspection says that it is not active".into() },
        None => {
            Probe::Unknown { detail: format!("introspection answered HTTP {}", response.status().as_u16()) }
        }
    }
}
