//! Sessions of the application: issued to whoever is signed in, renewed as long as that lasts, and verified.
//!
//! What a session token looks like is in `oauth::server::session_token`. Behind every one stands something that can be ended:
//! a browser session, or an authorization of a client that is part of the application.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::records::family::Family;
use super::records::grant::Grant;
use super::records::user::User;
use super::refusal::IssueError;
use super::session_rules::Signing;
use crate::lifecycle::rotation::Line;
use crate::oauth::jose::Times;
use crate::oauth::server::session_token::{
    Expected, REQUIRED, Session, SessionSigner, SessionTokenError, SessionVerifier,
};
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::StoreError;
use crate::secret::Secret;

/// What says that somebody may have a session.
#[derive(Clone, Copy, Debug)]
pub enum SessionProof<'a> {
    /// The cookie of a browser session.
    Cookie(&'a Secret),
    /// The current refresh token of a public client that is part of the application. It stays as it is.
    RefreshToken(&'a Secret),
    /// An earlier session token, over or not.
    SessionToken(&'a Secret),
}

/// A session token, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTokenAnswer {
    /// The token; it is a bearer's.
    pub access_token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How long that is from now, in seconds.
    pub expires_in: i64,
    /// What the user may do in the application, separated by blanks.
    pub scope: String,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// What is shown is no session token, or not one of ours.
    #[error(transparent)]
    Token(#[from] SessionTokenError),
    /// Nothing says any more that it may go on: the user has to sign in.
    #[error("the session has ended; the user has to sign in again")]
    Ended,
    /// It cannot be said now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl SessionError {
    /// Whether nothing but a new sign-in helps.
    pub fn requires_reauth(&self) -> bool {
        !matches!(self, Self::Issue(_))
    }
}

/// Who is signed in, and by what name the application knows that.
struct Standing {
    user: Arc<User>,
    session_id: String,
}

impl AuthorizationServer {
    /// A new session token.
    pub async fn session_token(&self, proof: SessionProof<'_>) -> Result<SessionTokenAnswer, SessionError> {
        let standing = match proof {
            SessionProof::Cookie(cookie) => self
                .session_of(cookie)
                .await?
                .map(|signed_in| Standing { user: signed_in.user.document, session_id: signed_in.session }),
            SessionProof::RefreshToken(token) => self.standing_by_refresh_token(token).await?,
            SessionProof::SessionToken(token) => {
                let times = Times { tolerance: RENEWABLE, ..Times::default() };
                self.standing_of(&self.authentic_session(token, times).await?).await?
            }
        };
        let standing = standing.ok_or(SessionError::Ended)?;
        let answer = self.session_token_for(&standing).await?;
        let event = Event::new(self.now(), "session_token.issued", standing.session_id)
            .with("user", standing.user.id.clone())
            .with("renewed", matches!(proof, SessionProof::SessionToken(_)));
        self.store().append(self.space(), vec![event]).await?;
        Ok(answer)
    }

    /// The session a token stands for, if it is good now and was not ended early.
    pub async fn valid_session(&self, token: &Secret) -> Result<Session, SessionError> {
        let session = self.authentic_session(token, Times::default()).await?;
        match self.standing_of(&session).await? {
            Some(_) => Ok(session),
            None => Err(SessionError::Ended),
        }
    }

    async fn session_token_for(&self, standing: &Standing) -> Result<SessionTokenAnswer, IssueError> {
        let rules = &self.rules().sessions;
        let user = &standing.user;
        // Tokens tell times in whole seconds.
        let issued_at = Timestamp::from_second(self.now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
        let expires_at = issued_at.saturating_add(rules.lifetime).unwrap_or(Timestamp::MAX);
        let session = Session {
            user_id: user.id.clone(),
            username: Some(user.username.clone()),
            email: user.email.clone(),
            avatar_url: user.avatar_url.clone(),
            role: user.role.clone(),
            permissions: user.permissions.clone(),
            others: user.claims.clone(),
            session_id: standing.session_id.clone(),
            issuer: self.rules().issuer.as_str().to_owned(),
            audience: self.audience().to_owned(),
            issued_at,
            expires_at,
        };
        let signer = match &rules.signing.0 {
            Signing::Secrets(secrets) => {
                let (_, current) = secrets.first().ok_or(IssueError::Signing)?;
                SessionSigner::Secret(current.clone())
            }
            Signing::Key(algorithm) => SessionSigner::Key(self.signing_key(*algorithm).await?),
        };
        Ok(SessionTokenAnswer {
            access_token: signer.sign(&session, &rules.names).map_err(|_| IssueError::Signing)?,
            expires_at,
            expires_in: expires_at.duration_since(issued_at).as_secs(),
            scope: user.permissions.join(" "),
        })
    }

    async fn authentic_session(&self, token: &Secret, times: Times) -> Result<Session, SessionError> {
        let rules = &self.rules().sessions;
        let verifier = match &rules.signing.0 {
            Signing::Secrets(secrets) => {
                SessionVerifier::Secrets(secrets.iter().map(|(_, key)| key.clone()).collect())
            }
            Signing::Key(algorithm) => {
                SessionVerifier::Keys { keys: self.ring().await?.public().clone(), algorithm: *algorithm }
            }
        };
        let expected = Expected {
            issuer: self.rules().issuer.as_str(),
            audience: self.audience(),
            required: &REQUIRED,
            names: &rules.names,
            now: self.now(),
            times,
        };
        Ok(verifier.verify(token.expose(), &expected)?)
    }

    async fn standing_of(&self, session: &Session) -> Result<Option<Standing>, IssueError> {
        let by_browser = match self.session_by_id(&session.session_id).await? {
            Some(known) => {
                let user = self.within.known.user(&known.document.user).await?;
                user.filter(|user| self.counts(&known.document, &user.document)).map(|user| user.document)
            }
            None => None,
        };
        let user = match by_browser {
            Some(user) => Some(user),
            None => match self.family(&session.session_id).await? {
                Some(family) => self.user_behind(&family).await?,
                None => None,
            },
        };
        let user = user.filter(|user| user.id == session.user_id);
        Ok(user.map(|user| Standing { user, session_id: session.session_id.clone() }))
    }

    async fn standing_by_refresh_token(&self, shown: &Secret) -> Result<Option<Standing>, IssueError> {
        let Some(token) = self.secrets().await?.refresh_tokens.read(shown) else { return Ok(None) };
        let Some(family) = self.family(&token.family.to_string()).await? else { return Ok(None) };
        // It is not spent here, so one that was spent proves nothing, however recently.
        let is_current = |line: &Line| line.current == token.digest();
        if !family.document.line.as_ref().is_some_and(is_current) {
            return Ok(None);
        }
        let user = self.user_behind(&family).await?;
        Ok(user.map(|user| Standing { user, session_id: family.document.id.to_string() }))
    }

    /// The user of an authorization that stands for a session.
    async fn user_behind(&self, family: &Stored<Family>) -> Result<Option<Arc<User>>, IssueError> {
        let family = &family.document;
        let now = self.now();
        let lives = |line: &Line| line.idle_until > now && line.ends_at > now;
        // Who must prove itself for every use of the token has proven nothing here.
        let is_bound = family.sender_key.is_some() || !self.is_public(&family.client).await?;
        if is_bound
            || family.ended.is_some()
            || !family.line.as_ref().is_some_and(lives)
            || !self.rules().sessions.clients.contains(&family.client)
        {
            return Ok(None);
        }
        let grant = document::get::<Grant>(self.store(), self.space(), &family.grant.key).await?.value;
        if grant.is_none_or(|grant| grant.document.epoch != family.grant.epoch) {
            return Ok(None);
        }
        let user = self.within.known.user(&family.user).await?.map(|user| user.document);
        Ok(user.filter(|user| user.stands_by(&family.sign_in) && self.rules().allowed_users.contains(user)))
    }

    async fn is_public(&self, client: &str) -> Result<bool, StoreError> {
        let client = self.within.known.client(client).await?;
        Ok(client
            .is_some_and(|client| client.document.removed_at.is_none() && !client.document.is_confidential()))
    }

    fn audience(&self) -> &str {
        let rules = self.rules();
        rules.sessions.audience.as_deref().unwrap_or_else(|| rules.issuer.as_str())
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Issue(error.into())
    }
}

/// So long after its end a token still says whose session it was: a holiday.
const RENEWABLE: SignedDuration = SignedDuration::from_hours(24 * 30);
