//! Whose login it is, read from where the provider tells it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::exchange::Exchanged;
use super::{LoginError, LoginPlan};
use crate::engine::Engine;
use crate::engine::userinfo::Shown;
use crate::lifecycle::account::{Identity, LoginMethod};
use crate::oauth::identity_token::{self, Claims, ExpectedToken};
use crate::oauth::url::Issuer;
use crate::provider::{IdentitySource, Provider};
use crate::secret::Secret;

impl Engine {
    /// The identity behind `tokens`; `None` if the provider does not tell.
    ///
    /// An identity token that is there must be acceptable. Userinfo that cannot be had is no reason to refuse a login.
    pub(super) async fn identity(
        &self,
        plan: &LoginPlan,
        method: LoginMethod,
        exchanged: &Exchanged,
        nonce: Option<&Secret>,
    ) -> Result<Option<Identity>, LoginError> {
        let tokens = &exchanged.tokens;
        if matches!(method, LoginMethod::ClientCredentials) {
            return Ok(None);
        }
        if let Some(asserted) = &exchanged.assertion {
            let subject = asserted.assertion.about().to_owned();
            return Ok(Some(Identity { label: subject.clone(), subject }));
        }
        let provider = &plan.provider;
        let source = provider.identity.source;
        if let Some(token) = &tokens.id_token
            && matches!(source, IdentitySource::Auto | IdentitySource::IdToken)
        {
            let claims = self.claims(plan, token, nonce, exchanged.clock_skew)?;
            return Ok(pick(provider, &Value::Object(claims.raw)));
        }
        match source {
            IdentitySource::TokenResponse => Ok(pick(provider, &Value::Object(tokens.kept.clone()))),
            IdentitySource::Auto | IdentitySource::Userinfo => {
                let said = self.userinfo(provider, exchanged).await;
                Ok(said.and_then(|value| pick(provider, &value)))
            }
            IdentitySource::IdToken | IdentitySource::None => Ok(None),
        }
    }

    fn claims(
        &self,
        plan: &LoginPlan,
        token: &Secret,
        nonce: Option<&Secret>,
        clock_skew: SignedDuration,
    ) -> Result<Claims, LoginError> {
        let issuer =
            plan.provider.endpoints.issuer.as_ref().and_then(|issuer| Issuer::parse(issuer.as_str()).ok());
        let read_at = |now| {
            let (issuer, client_id, tolerance) =
                (issuer.as_ref(), &plan.client_id, identity_token::TOLERANCE);
            identity_token::read(token, &ExpectedToken { issuer, client_id, nonce, now, tolerance })
        };
        let now = self.now();
        // The token's times are the provider's, and the answer told what its clock says. If that was not the provider's
        // own clock but a proxy's, ours is as good.
        read_at(now.saturating_add(clock_skew).unwrap_or(Timestamp::MAX))
            .or_else(|error| read_at(now).map_err(|_| error))
            .map_err(|error| LoginError::IdentityToken { detail: error.to_string() })
    }

    /// What the userinfo endpoint says, if there is one and it answers.
    async fn userinfo(&self, provider: &Provider, exchanged: &Exchanged) -> Option<Value> {
        let shown = Shown {
            token: &exchanged.tokens.access_token,
            proof_key: exchanged.proof_key.as_ref(),
            at: self.now().saturating_add(exchanged.clock_skew).unwrap_or(Timestamp::MAX),
        };
        match self.ask_userinfo(provider, &shown).await? {
            Ok(response) if response.status().is_success() => {
                serde_json::from_slice(response.body().expose()).ok()
            }
            Ok(response) => {
                tracing::debug!(status = response.status().as_u16(), "userinfo was refused");
                None
            }
            Err(error) => {
                tracing::debug!(%error, "userinfo could not be asked");
                None
            }
        }
    }
}

fn pick(provider: &Provider, value: &Value) -> Option<Identity> {
    let subject = at_path(value, &provider.identity.stable_id_path)?;
    let label = provider.identity.label_paths.iter().find_map(|path| at_path(value, path));
    Some(Identity { label: label.unwrap_or_else(|| subject.clone()), subject })
}

fn at_path(value: &Value, path: &str) -> Option<String> {
    match path.split('.').try_fold(value, |value, name| value.get(name))? {
        // A provider chooses this text, and a terminal obeys control characters.
        Value::String(text) => Some(text.chars().filter(|letter| !letter.is_control()).collect::<String>())
            .filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
