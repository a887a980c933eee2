//! Logins without a person: client credentials (RFC 6749 §4.4), assertions signed with a key of our own (RFC 7523 §2.1),
//! and keys that are simply there.

use jiff::{SignedDuration, Timestamp};

use super::exchange::Exchanged;
use super::{LoggedIn, LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::account::LoginMethod;
use crate::oauth::jwt_bearer::Assertion;
use crate::oauth::token::{Grant, TokenSet};
use crate::secret::Secret;

/// What is asserted, and the key that signs it.
#[derive(Clone, Debug)]
pub struct KeyedAssertion {
    /// What is asserted.
    pub assertion: Assertion,
    /// The private key, as PEM or JWK.
    pub key: Secret,
}

impl Engine {
    /// Logs a service in with its own credentials.
    pub async fn login_as_client(&self, plan: &LoginPlan) -> Result<LoggedIn, LoginError> {
        if plan.client_secret.is_none() {
            return Err(LoginError::Request {
                detail: "client credentials need a client secret or key".into(),
            });
        }
        let until = self.now().saturating_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
        self.prove_storable(until).await?;
        let scope = plan.scope(LoginMethod::ClientCredentials);
        let grant = Grant::ClientCredentials { scope: Some(&scope).filter(|scope| !scope.is_empty()) };
        let mut exchanged = self.exchange(plan, &grant).await?;
        // RFC 6749 §4.4.3: there should be none, and the client's credentials are the better way to renew.
        exchanged.tokens.refresh_token = None;
        self.record(plan, LoginMethod::ClientCredentials, exchanged, None, None).await
    }

    /// Logs in by an assertion, which is signed here and again for every renewal. The key is sealed with the account.
    pub async fn login_by_assertion(
        &self,
        plan: &LoginPlan,
        keyed: KeyedAssertion,
    ) -> Result<LoggedIn, LoginError> {
        let until = self.now().saturating_add(SignedDuration::from_mins(5)).unwrap_or(Timestamp::MAX);
        self.prove_storable(until).await?;
        let scope = plan.scope(LoginMethod::JwtBearer);
        let asked = Some(&scope).filter(|scope| !scope.is_empty() && !keyed.assertion.names_scope());
        let mut exchanged = self.exchange_assertion(plan, keyed, asked).await?;
        // RFC 7521 §4.1: there should be none, and another assertion is the better way to renew.
        exchanged.tokens.refresh_token = None;
        self.record(plan, LoginMethod::JwtBearer, exchanged, None, None).await
    }

    /// Takes an API key, personal access token or setup token as it is.
    pub async fn login_with_key(
        &self,
        plan: &LoginPlan,
        key: Secret,
        expires_at: Option<Timestamp>,
    ) -> Result<LoggedIn, LoginError> {
        let tokens = TokenSet {
            access_token: key,
            token_type: "Bearer".to_owned(),
            refresh_token: None,
            id_token: None,
            scope: None,
            access_expires_at: expires_at,
            refresh_expires_at: None,
            kept: serde_json::Map::new(),
        };
        let exchanged =
            Exchanged { tokens, clock_skew: SignedDuration::ZERO, assertion: None, proof_key: None };
        self.record(plan, LoginMethod::ApiKey, exchanged, None, None).await
    }
}

#[cfg(test)]
mod tests;
