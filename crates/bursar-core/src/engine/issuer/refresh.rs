//! The refresh grant (RFC 6749 §6): rotation that a client may ask for again when its answer was lost.

use std::borrow::Borrow;
use std::sync::Arc;

use super::AuthorizationServer;
use super::answer::TokenAnswer;
use super::exchange::{KnownClient, Requester, TokenRequest};
use super::minting::Mandate;
use super::records::client::CLIENT;
use super::records::family::{EndCause, FAMILY, Family, FamilyEnd};
use super::records::grant::{GRANT, Grant, GrantMark};
use super::records::revoked::Subject;
use super::records::user::{USER, User};
use super::refresh_token::RefreshToken;
use super::refusal::{IssueError, Refusal};
use crate::lifecycle::rotation::{Answered, End, Line, Pace, Replay, Shown, Stamp, Verdict};
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected};
use crate::secret::Secret;

impl AuthorizationServer {
    /// Replaces a refresh token, or answers again what replaced it a moment ago.
    pub(super) async fn refresh(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, IssueError> {
        let shown = request.required_secret("refresh_token")?;
        let secrets = self.secrets().await?;
        let Some(token) = secrets.refresh_tokens.read(&shown) else {
            return Err(dead("it was not made here, or not with the keys of today").into());
        };
        let name = token.family.to_string();
        // Who asks once asks again soon, and its parallel siblings at once. If it is old, the commit finds out.
        let mut kept = self.within.known.family(&name, &self.pace(), self.now());
        loop {
            let is_kept = kept.is_some();
            let family = match kept.take() {
                Some(kept) => kept,
                None => match self.family(&name).await? {
                    Some(family) => family.shared(),
                    None => return Err(dead("its login is over").into()),
                },
            };
            let parents = self.parents(request, &family.document).await?;
            let Some(line) = &family.document.line else {
                return Err(dead("its login has no refresh tokens").into());
            };
            let asked = Asked::read(request, &family.document)?;
            let shown = Shown {
                generation: token.generation,
                digest: token.digest(),
                source: &request.source.digest,
            };
            let pace = self.pace();
            let spent =
                Spent { request, family: &family, parents: &parents, line, token: &token, asked: &asked };
            let done = match line.judge(&shown, &pace, self.now()) {
                Verdict::Rotate if spent.stays() => self.serve_again(&spent).await?,
                Verdict::Rotate => self.rotate(&spent, &pace).await?,
                Verdict::Repeat { from_elsewhere } => Box::pin(self.repeat(&spent, from_elsewhere)).await?,
                // Nobody loses a login by what may have been true a moment ago.
                _ if is_kept => None,
                Verdict::Replay(replay) => {
                    if Box::pin(self.end_family(&family, EndCause::RefreshReplayed, replayed(replay))).await?
                    {
                        return Err(dead(replayed(replay)).into());
                    }
                    None
                }
                Verdict::StoreBehind => {
                    let event = Event::new(self.now(), "family.store_behind", family.document.id.to_string());
                    self.store().append(self.space(), vec![event]).await?;
                    return Err(dead("it is newer than what the store knows").into());
                }
                Verdict::Ended(End::Idle) => return Err(dead("it was not used for too long").into()),
                Verdict::Ended(End::Absolute) => return Err(dead("its login is too old").into()),
            };
            // Somebody else was first: what they did decides what this is now.
            if let Some(answer) = done {
                return Ok(answer);
            }
        }
    }

    /// Everything the family stands on, as it must be for anything to be issued. What is wrong with it changes nothing.
    async fn parents(&self, request: &TokenRequest<'_>, family: &Family) -> Result<Parents, IssueError> {
        let client = request.client.clone();
        if family.client != client.document.id {
            return Err(dead("it belongs to another client").into());
        }
        request.prove(family.sender_key.as_ref())?;
        if let Some(end) = &family.ended {
            return Err(dead(&format!("its login was ended: {:?}", end.cause)).into());
        }
        let user = self.within.known.user(&family.user).await?;
        let user = user
            .filter(|user| user.document.stands_by(&family.sign_in))
            .ok_or_else(|| dead("its user is gone, or was disabled"))?;
        let grant = self.standing_grant(&family.grant).await?;
        let grant = grant.ok_or_else(|| dead("its user has taken the consent back"))?;
        Ok(Parents { client, user, grant_key: family.grant.key.clone(), grant })
    }

    /// The grant, if nobody has taken it back since `mark`.
    async fn standing_grant(&self, mark: &GrantMark) -> Result<Option<Stored<Arc<Grant>>>, IssueError> {
        let known = &self.within.known;
        let stands = |grant: &Stored<Arc<Grant>>| grant.document.epoch == mark.epoch;
        let kept = known.grant(&mark.key).await?.filter(stands);
        if kept.is_some() {
            // If it is old, the guard of whatever is issued finds out.
            return Ok(kept);
        }
        known.doubt(GRANT.name, &mark.key);
        Ok(known.grant(&mark.key).await?.filter(stands))
    }

    async fn rotate(&self, spent: &Spent<'_>, pace: &Pace) -> Result<Option<TokenAnswer>, IssueError> {
        let Spent { request, family, line, token, asked, .. } = *spent;
        let secrets = self.secrets().await?;
        let stamp = self.stamp(asked.resources(), Some(line.ends_at)).await?;
        let next = secrets.refresh_tokens.successor(token, &stamp.id);
        let answer = self.token_answer(spent, &stamp, next.text()).await?;
        let now = self.now();
        let batch = self.engine().batch_of(&stamp.id);
        let brought = spent.brings(stamp);
        let rotated = line.clone().rotated(next.digest(), brought, &request.source.digest, pace, now);
        // Told of the client: a line for every family would make each rotation touch a page of the log's index alone.
        let event = Event::new(now, "client.refreshed", family.document.client.clone())
            .with("family", family.document.id.to_string());
        let next = family.document.with(rotated, answer.expires_at);
        Ok(self.is_stored(spent, batch.event(event), next).await?.then_some(answer))
    }

    /// The policy of clients that prove a key instead: the token stays, and brings new access tokens.
    async fn serve_again(&self, spent: &Spent<'_>) -> Result<Option<TokenAnswer>, IssueError> {
        let Spent { family, line, token, asked, .. } = *spent;
        let stamp = self.stamp(asked.resources(), Some(line.ends_at)).await?;
        let answer = self.token_answer(spent, &stamp, token.text()).await?;
        let used = line.clone().used(&self.pace(), self.now());
        let next = family.document.with(used, answer.expires_at);
        Ok(self.is_stored(spent, self.engine().batch_of(&stamp.id), next).await?.then_some(answer))
    }

    /// The answer that replaced this token, once more. Who asks for less than it got, or has proven another key meanwhile,
    /// has an access token of its own, with the same end.
    async fn repeat(
        &self,
        spent: &Spent<'_>,
        from_elsewhere: bool,
    ) -> Result<Option<TokenAnswer>, IssueError> {
        let Spent { family, line, token, .. } = *spent;
        let secrets = self.secrets().await?;
        let answered = line.previous.as_ref().and_then(|previous| previous.brought.as_ref());
        let again = answered.and_then(|answered| {
            let mut made = secrets.refresh_tokens.successors(token, &answered.stamp.id);
            Some((answered, made.find(|next| next.digest() == line.current)?))
        });
        let Some((answered, next)) = again else {
            return Err(dead("the token that replaced it cannot be made again with the keys of today").into());
        };
        let mut stamp = answered.stamp.clone();
        if *answered != spent.brings(stamp.clone()) {
            stamp.id = self.new_name();
        }
        let answer = self.token_answer(spent, &stamp, next.text()).await?;
        let event = Event::new(self.now(), "family.answered_again", family.document.id.to_string());
        let batch = self.engine().batch().event(event);
        let is_done = if from_elsewhere {
            let noted =
                Family { line: Some(line.clone().asked_elsewhere()), ..Family::clone(&family.document) };
            self.is_stored(spent, batch, noted).await?
        } else {
            let unchanged = Expected::Version(family.version);
            let batch = batch.guard(&FAMILY, token.family.to_string(), unchanged);
            self.is_committed(spent.parents.guard(batch)).await?.is_some()
        };
        Ok(is_done.then_some(answer))
    }

    /// The tokens that `stamp` tells from all others, for what is asked now: the same whenever they are made.
    async fn token_answer(
        &self,
        spent: &Spent<'_>,
        stamp: &Stamp,
        refresh_token: &Secret,
    ) -> Result<TokenAnswer, IssueError> {
        let mandate = spent.mandate();
        let access_token = self.access_token(&mandate, stamp).await?;
        Ok(TokenAnswer {
            id_token: self.id_token(&mandate, None, stamp, &access_token).await?,
            access_token,
            token_type: spent.request.token_type(),
            expires_at: stamp.expires_at,
            refresh_token: Some(refresh_token.clone()),
            scope: mandate.scope.clone(),
        })
    }

    /// Whether `next` could take the family's place; if not, something it stands on has changed.
    async fn is_stored(&self, spent: &Spent<'_>, batch: Batch, next: Family) -> Result<bool, IssueError> {
        let batch = document::put(batch, &next, Expected::Version(spent.family.version))?;
        let version = self.is_committed(spent.parents.guard(batch)).await?;
        if let Some(version) = version {
            self.within.known.keep_family(Stored { document: Arc::new(next), version });
        }
        Ok(version.is_some())
    }

    /// Ends a family and every token of it. `false`: it has changed meanwhile.
    pub(super) async fn end_family(
        &self,
        family: &Stored<impl Borrow<Family>>,
        cause: EndCause,
        reason: &str,
    ) -> Result<bool, IssueError> {
        let now = self.now();
        let document = family.document.borrow();
        let id = document.id.to_string();
        let ended = Family { ended: Some(FamilyEnd { at: now, cause }), ..document.clone() };
        let event = Event::new(now, "family.ended", id.clone())
            .with("client", ended.client.clone())
            .with("user", ended.user.clone())
            .with("reason", reason);
        let batch =
            document::put(self.engine().batch().event(event), &ended, Expected::Version(family.version))?;
        let batch = self.revoke_in(batch, Subject::Family(&id)).await?;
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }

    pub(super) async fn family(&self, id: &str) -> Result<Option<Stored<Family>>, IssueError> {
        Ok(document::get::<Family>(self.store(), self.space(), id).await?.value)
    }

    pub(super) fn pace(&self) -> Pace {
        let lifetimes = &self.rules().lifetimes;
        Pace { idle: lifetimes.refresh, window: lifetimes.retry_window }
    }
}

/// What a family stands on.
struct Parents {
    client: KnownClient,
    user: Stored<Arc<User>>,
    grant_key: String,
    grant: Stored<Arc<Grant>>,
}

impl Parents {
    /// Nothing may be issued if one of them has changed since it was looked at.
    fn guard(&self, batch: Batch) -> Batch {
        batch
            .guard(&CLIENT, self.client.document.id.clone(), self.client.expected)
            .guard(&USER, self.user.document.id.clone(), Expected::Version(self.user.version))
            .guard(&GRANT, self.grant_key.clone(), Expected::Version(self.grant.version))
    }
}

/// A token that was shown, and everything around it.
#[derive(Clone, Copy)]
struct Spent<'a> {
    request: &'a TokenRequest<'a>,
    family: &'a Stored<Arc<Family>>,
    parents: &'a Parents,
    line: &'a Line,
    token: &'a RefreshToken,
    asked: &'a Asked<'a>,
}

impl Spent<'_> {
    /// Whether the token stays as it is. Never for whoever proves nothing else: then a copy of it would be as good as the
    /// original (RFC 9700 §4.14.2).
    fn stays(&self) -> bool {
        let client = &self.parents.client.document;
        let proves = self.family.document.sender_key.is_some() || client.is_confidential();
        proves && !client.rotates
    }

    /// What the token brings with this stamp, as it is remembered.
    fn brings(&self, stamp: Stamp) -> Answered {
        let Asked { scope, resources, .. } = self.asked;
        let sender_key = self.mandate().sender_key.cloned();
        Answered { stamp, scope: scope.clone(), resources: resources.clone(), sender_key }
    }

    fn mandate(&self) -> Mandate<'_> {
        Mandate {
            requester: Requester::User { user: &self.parents.user.document, family: &self.family.document },
            client: &self.parents.client.document,
            scope: self.asked.scope(),
            resources: self.asked.resources(),
            sender_key: self.family.document.sender_key.as_ref().or(self.request.proven_key()),
        }
    }
}

/// What of the login the client wants this time (RFC 6749 §6, RFC 8707 §2.2).
struct Asked<'a> {
    family: &'a Family,
    /// `None`: all of it.
    scope: Option<Scope>,
    /// `None`: all of them.
    resources: Option<ResourceSet>,
}

impl<'a> Asked<'a> {
    fn read(request: &TokenRequest<'_>, family: &'a Family) -> Result<Self, Refusal> {
        let scope = request.scope()?;
        if scope.as_ref().is_some_and(|scope| !scope.is_subset_of(&family.scope)) {
            return Err(Refusal::new(ErrorCode::InvalidScope, "the scope is wider than what was granted"));
        }
        let requested = request.resources()?;
        let narrowed = (!requested.is_empty()).then(|| family.resources.narrowed(&requested)).transpose();
        let resources =
            narrowed.map_err(|error| Refusal::new(ErrorCode::InvalidTarget, error.to_string()))?;
        Ok(Self {
            family,
            scope: scope.filter(|scope| *scope != family.scope),
            resources: resources.filter(|resources| *resources != family.resources),
        })
    }

    fn scope(&self) -> &Scope {
        self.scope.as_ref().unwrap_or(&self.family.scope)
    }

    fn resources(&self) -> &ResourceSet {
        self.resources.as_ref().unwrap_or(&self.family.resources)
    }
}

/// A refresh token that brings nothing any more. The peer learns that and no more: it is to ask its user again.
fn dead(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidGrant, "the refresh token is not valid any more").because(reason)
}

fn replayed(replay: Replay) -> &'static str {
    match replay {
        Replay::Old => "it was replaced long ago, so somebody else has it: its whole login is ended",
        Replay::AfterWindow => {
            "it was replaced, and the time to ask again is over, so somebody else has it: its whole login is ended"
        }
        Replay::Wandering => {
            "two places have used this login in turn for a while, so somebody else has it: its whole login is ended"
        }
        Replay::Forked => "another token has its place in the line: its whole login is ended",
    }
}
