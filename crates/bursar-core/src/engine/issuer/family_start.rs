//! The beginning of a family: what a user agreed to becomes tokens, once, whichever way the client came by it.

use jiff::Timestamp;

use super::AuthorizationServer;
use super::answer::TokenAnswer;
use super::exchange::{Requester, TokenRequest};
use super::minting::Mandate;
use super::records::client::CLIENT;
use super::records::family::{Family, SignIn};
use super::records::grant::{GRANT, Grant, GrantMark};
use super::records::user::USER;
use super::refusal::{IssueError, Refusal};
use crate::identifier::Identifier;
use crate::lifecycle::rotation::Line;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::store::{Batch, Expected};

/// What a family begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    /// Its name.
    pub(super) id: Identifier,
    pub(super) user: &'a str,
    pub(super) grant: &'a GrantMark,
    pub(super) scope: &'a Scope,
    pub(super) resources: &'a ResourceSet,
    pub(super) sign_in: &'a SignIn,
    /// Returned in the ID token.
    pub(super) nonce: Option<&'a str>,
    /// The key that must be proven to begin.
    pub(super) sender_key: Option<&'a Thumbprint>,
    /// What the peer hears of something that brings nothing, whatever the reason.
    pub(super) dead: fn(&str) -> Refusal,
    pub(super) now: Timestamp,
}

impl AuthorizationServer {
    /// Begins a family in the commit that `spending` belongs to, which uses up what it is begun with. `None`: something it
    /// stands on has changed meanwhile.
    pub(super) async fn begin_family(
        &self,
        request: &TokenRequest<'_>,
        start: &Start<'_>,
        spending: Batch,
    ) -> Result<Option<TokenAnswer>, IssueError> {
        let Start { id, now, .. } = *start;
        request.prove(start.sender_key)?;
        let user = self.within.known.user(start.user).await?;
        let user = user
            .filter(|user| user.document.stands_by(start.sign_in))
            .ok_or_else(|| (start.dead)("its user is gone, or was disabled"))?;
        let grant = document::get::<Grant>(self.store(), self.space(), &start.grant.key).await?.value;
        let grant = grant.filter(|grant| grant.document.epoch == start.grant.epoch);
        let grant = grant.ok_or_else(|| (start.dead)("its user has taken the consent back"))?;
        let resources = start.resources.narrowed(&request.resources()?);
        let resources =
            resources.map_err(|error| Refusal::new(ErrorCode::InvalidTarget, error.to_string()))?;
        let client = request.client();
        let first = self.secrets().await?.refresh_tokens.first(id, self.random());
        let lifetimes = &self.rules().lifetimes;
        let refreshes = client.may_refresh(start.scope);
        let line = refreshes.then(|| Line::begin(first.digest(), lifetimes.refresh, lifetimes.login, now));
        // No token outlives its login, the first one neither.
        let stamp = self.stamp(&resources, line.as_ref().map(|line| line.ends_at)).await?;
        let family = Family {
            id,
            client: client.id.clone(),
            user: start.user.to_owned(),
            grant: start.grant.clone(),
            scope: start.scope.clone(),
            resources: start.resources.clone(),
            sign_in: start.sign_in.clone(),
            // RFC 9449 §5: a client that proves itself by nothing else is bound to the key of its first proof. One that does
            // may change its key.
            sender_key: request.proof.clone().filter(|_| !client.is_confidential()),
            began_at: now,
            line,
            ended: None,
            access_until: stamp.expires_at,
        };
        let mandate = Mandate {
            requester: Requester::User { user: &user.document, family: &family },
            client,
            scope: start.scope,
            resources: &resources,
            sender_key: request.proven_key(),
        };
        let access_token = self.access_token(&mandate, &stamp).await?;
        let id_token = self.id_token(&mandate, start.nonce, &stamp, &access_token).await?;
        let event = Event::new(now, "family.began", id.to_string())
            .with("client", family.client.clone())
            .with("user", family.user.clone())
            .with("scope", family.scope.to_string());
        let batch = document::put(spending.event(event), &family, Expected::Absent)?
            .guard(&CLIENT, client.id.clone(), request.client.expected)
            .guard(&USER, family.user.clone(), Expected::Version(user.version))
            .guard(&GRANT, family.grant.key.clone(), Expected::Version(grant.version));
        let batch = self.telling_its_end(batch, client, &family).await?;
        if self.is_committed(batch).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(TokenAnswer {
            access_token,
            token_type: request.token_type(),
            expires_at: stamp.expires_at,
            refresh_token: refreshes.then(|| first.text().clone()),
            scope: family.scope,
            id_token,
        }))
    }
}
