//! Making tokens: access tokens that everybody can verify or only we can read, and ID tokens.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::exchange::Requester;
use super::records::client::Client;
use super::records::family::SignIn;
use super::records::resource::{Resource, TokenFormat};
use super::refusal::{IssueError, Refusal};
use crate::identifier::Identifier;
use crate::lifecycle::rotation::Stamp;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::{Algorithm, Thumbprint};
use crate::oauth::scope::Scope;
use crate::oauth::server::access_token::{self, AccessTokenClaims, Audience, Confirmation, OtherClaims};
use crate::oauth::server::id_token::{self, IdTokenClaims, access_token_hash};
use crate::oauth::server::resource::{ResourceIndicator, ResourceSet};
use crate::ports::document::Stored;
use crate::secret::Secret;

/// What every opaque access token begins with, so that people and secret scanners know what they have found.
pub(super) const OPAQUE_TOKEN_PREFIX: &str = "bat_";

/// What an access token is issued for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mandate<'a> {
    pub(super) requester: Requester<'a>,
    pub(super) client: &'a Client,
    pub(super) scope: &'a Scope,
    pub(super) resources: &'a ResourceSet,
    pub(super) sender_key: Option<&'a Thumbprint>,
}

/// How tokens for some resources look, and what whoever gets one must prove.
struct Form {
    format: TokenFormat,
    lifetime: SignedDuration,
    /// The resource that takes no token that is not bound to a key, if one is like that.
    wants_proof: Option<Stored<Arc<Resource>>>,
}

impl AuthorizationServer {
    /// What tells a new token for `resources` from all others; it ends by `not_after` at the latest.
    pub(super) async fn stamp(
        &self,
        resources: &ResourceSet,
        not_after: Option<Timestamp>,
    ) -> Result<Stamp, IssueError> {
        let lifetime = self.form(resources).await?.lifetime;
        // Tokens tell times in whole seconds.
        let issued_at = Timestamp::from_second(self.now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
        let end = issued_at.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let expires_at = not_after.map_or(end, |limit| end.min(limit));
        Ok(Stamp { id: self.new_name(), issued_at, expires_at })
    }

    /// An access token (RFC 9068, or opaque).
    pub(super) async fn access_token(
        &self,
        mandate: &Mandate<'_>,
        stamp: &Stamp,
    ) -> Result<Secret, IssueError> {
        let form = self.form(mandate.resources).await?;
        form.check_proof_is_there(mandate)?;
        let (user, family) = mandate.requester.user_and_family();
        let resources: Vec<&str> = mandate.resources.iter().map(ResourceIndicator::as_str).collect();
        let issuer = self.rules().issuer.as_str();
        let methods = family.map(|family| methods(&family.sign_in)).unwrap_or_default();
        let family_id = family.map(|family| family.id.to_string());
        let ground = family.map(|family| family.ground().to_string());
        let claims = AccessTokenClaims {
            iss: issuer,
            sub: user.map_or(&mandate.client.id, |user| &user.id),
            // A token for nobody in particular is good at this server alone, never everywhere.
            aud: if resources.is_empty() {
                Audience::One(issuer)
            } else {
                Audience::from(resources.as_slice())
            },
            client_id: &mandate.client.id,
            iat: stamp.issued_at,
            exp: stamp.expires_at,
            jti: &stamp.id,
            scope: mandate.scope,
            auth_time: family.map(|family| family.sign_in.at),
            acr: None,
            amr: &methods,
            cnf: mandate.sender_key.map(|jkt| Confirmation { jkt }),
            sid: family_id.as_deref(),
            grant: ground.as_deref(),
            other: &OtherClaims::default(),
        };
        match form.format {
            TokenFormat::Jwt(algorithm) => {
                let key = self.signing_key(algorithm).await?;
                key.sign(access_token::TYPE, &claims).map_err(|_| IssueError::Signing)
            }
            TokenFormat::Opaque => {
                let secrets = self.secrets().await?;
                let claims = serde_json::to_vec(&claims).map_err(|_| IssueError::Signing)?;
                let sealed = secrets.opaque.seal(b"", &claims, self.random());
                Ok(Secret::new(format!("{OPAQUE_TOKEN_PREFIX}{}", sealed.0)))
            }
        }
    }

    /// An ID token (OIDC Core §3.1.3.3, §12.2), if one was asked for. `nonce` comes with the first one only.
    pub(super) async fn id_token(
        &self,
        mandate: &Mandate<'_>,
        nonce: Option<&str>,
        stamp: &Stamp,
        access_token: &Secret,
    ) -> Result<Option<Secret>, IssueError> {
        let (Some(user), Some(family)) = mandate.requester.user_and_family() else { return Ok(None) };
        if !mandate.scope.contains("openid") {
            return Ok(None);
        }
        let algorithm = mandate.client.metadata.id_token_signed_response_alg.unwrap_or(Algorithm::Rs256);
        let hash = access_token_hash(algorithm, access_token);
        let session = family.sign_in.session.as_deref();
        let claims = IdTokenClaims {
            iss: self.rules().issuer.as_str(),
            sub: &user.id,
            aud: &mandate.client.id,
            iat: stamp.issued_at,
            exp: stamp.issued_at.saturating_add(self.rules().lifetimes.id_token).unwrap_or(Timestamp::MAX),
            auth_time: Some(family.sign_in.at),
            nonce,
            at_hash: Some(&hash),
            acr: None,
            amr: &methods(&family.sign_in),
            azp: None,
            sid: session,
            other: &user.claims_for(mandate.scope),
        };
        let key = self.signing_key(algorithm).await?;
        key.sign(id_token::TYPE, &claims).map(Some).map_err(|_| IssueError::Signing)
    }

    /// The resources of a request, each of which must be registered.
    pub(super) async fn known_resources(
        &self,
        resources: &ResourceSet,
    ) -> Result<Vec<Stored<Arc<Resource>>>, IssueError> {
        let mut known = Vec::new();
        for resource in resources.iter() {
            let found = self.within.known.resource(resource.as_str()).await?;
            known.push(found.ok_or_else(|| {
                Refusal::new(ErrorCode::InvalidTarget, "the resource is not known here").because(format!(
                    "no resource {} is registered; add it with `bursar resource add`",
                    resource.as_str()
                ))
            })?);
        }
        Ok(known)
    }

    /// A new name for something.
    pub(super) fn new_name(&self) -> String {
        Identifier::new(self.now(), self.random()).to_string()
    }

    async fn form(&self, resources: &ResourceSet) -> Result<Form, IssueError> {
        let usual = self.rules().lifetimes.access;
        let mut form: Option<Form> = None;
        for resource in self.known_resources(resources).await? {
            let (format, lifetime) =
                (resource.document.format, resource.document.access_lifetime.unwrap_or(usual));
            let form = form.get_or_insert(Form { format, lifetime, wants_proof: None });
            if form.format != format {
                return Err(Refusal::new(
                    ErrorCode::InvalidTarget,
                    "these resources cannot share a token: theirs look different",
                )
                .into());
            }
            form.lifetime = form.lifetime.min(lifetime);
            if resource.document.requires_proof {
                form.wants_proof.get_or_insert(resource);
            }
        }
        let anywhere = Form { format: self.rules().access_format, lifetime: usual, wants_proof: None };
        Ok(form.unwrap_or(anywhere))
    }
}

impl Form {
    /// Whoever issues a token that its resource would not take without proof of a key makes somebody wait for nothing.
    fn check_proof_is_there(&self, mandate: &Mandate<'_>) -> Result<(), Refusal> {
        let Some(resource) = self.wants_proof.as_ref().filter(|_| mandate.sender_key.is_none()) else {
            return Ok(());
        };
        let refusal = Refusal::new(
            ErrorCode::InvalidDpopProof,
            "the resource takes only tokens that are bound to a key, and the request carries no proof of one",
        );
        Err(refusal.because(format!("{} requires proof", resource.document.url)))
    }
}

fn methods(sign_in: &SignIn) -> Vec<&str> {
    sign_in.methods.iter().map(String::as_str).collect()
}
