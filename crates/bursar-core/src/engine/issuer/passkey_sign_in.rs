//! Signing in with a passkey, which also says who somebody is: no user name is typed.
//!
//! A passkey whose counter goes back has a copy. Nobody can tell which of the two is its owner's, so from then on neither
//! opens anything; the owner is told, and removes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::AuthorizationServer;
use super::authorize::LONGEST_WAIT;
use super::exchange::Source;
use super::passkeys::challenge_of;
use super::records::passkey::Passkey;
use super::records::user::User;
use super::refusal::IssueError;
use super::sign_in::SignedInNow;
use crate::passkey::{
    Asserted, Assertion, CredentialKey, Expected as Ceremony, PasskeyError, verify_assertion,
};
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, StoreError};
use crate::secret::Secret;

/// What a browser brings, and where.
#[derive(Clone, Copy, Debug)]
pub struct PasskeySignIn<'a> {
    /// The ticket of the sign-in page; that it is one of this browser was checked before.
    pub ticket: &'a Secret,
    /// The credential's id, as base64url.
    pub credential: &'a str,
    /// Whose the authenticator believes it to be.
    pub user_handle: &'a [u8],
    /// What it has signed.
    pub assertion: Assertion<'a>,
    /// The cookie of a browser in which somebody has signed in before.
    pub known_browser: Option<&'a Secret>,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum PasskeySignInError {
    /// It is not known here, not its owner's, or its owner may not sign in.
    #[error("this passkey opens nothing here")]
    Unknown,
    /// There is a copy of it.
    #[error("there is a copy of this passkey, so it opens nothing any more")]
    Copied,
    /// The page was answered before.
    #[error("this page was answered before")]
    Answered,
    /// What the browser brings does not count.
    #[error(transparent)]
    Passkey(PasskeyError),
    /// It cannot be done now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// Signs the owner of a passkey in.
    pub async fn sign_in_with_passkey(
        &self,
        brought: &PasskeySignIn<'_>,
        source: &Source,
    ) -> Result<SignedInNow, PasskeySignInError> {
        let key = Passkey::key_of(brought.credential);
        let known = document::get::<Passkey>(self.store(), self.space(), &key).await?.value;
        let Some(known) = known else {
            // No event: anybody can make up a passkey, as often as they like, and it is nobody's.
            tracing::debug!("a passkey is shown that nobody has");
            return Err(PasskeySignInError::Unknown);
        };
        let user = self.user(&known.document.user).await?.map(|user| user.document);
        let Some(user) = user.filter(|user| self.may_sign_in(user, brought)) else {
            self.note_failed_passkey(&known.document, "not_allowed", source).await?;
            return Err(PasskeySignInError::Unknown);
        };
        let asserted = match self.asserted(&known.document, brought) {
            Ok(asserted) => asserted,
            Err(error) => {
                self.note_failed_passkey(&known.document, &error.to_string(), source).await?;
                return Err(PasskeySignInError::Passkey(error));
            }
        };
        // One answer counts once, whatever its counter says: one that is sent again is no copy.
        if !self.spend_challenge(brought.ticket).await? {
            return Err(PasskeySignInError::Answered);
        }
        if known.document.copied_at.is_some() {
            self.note_failed_passkey(&known.document, "copied", source).await?;
            return Err(PasskeySignInError::Copied);
        }
        if !asserted.follows(known.document.counter) {
            self.mark_copied(known).await?;
            return Err(PasskeySignInError::Copied);
        }
        self.use_passkey(known, asserted).await?;
        let browser = self.known_browser(brought.known_browser).await?;
        let known_browser = self.remembering(browser, &user.id).await?;
        let cookie = self.begin_session(&user, METHODS, source).await?;
        Ok(SignedInNow { user, cookie, known_browser })
    }

    fn may_sign_in(&self, user: &User, brought: &PasskeySignIn<'_>) -> bool {
        // Web Authentication §7.2 step 6: nobody has typed a name, so the passkey must say whose it is.
        let is_theirs = brought.user_handle == user.id.as_bytes();
        is_theirs && !user.disabled && self.rules().allowed_users.contains(user)
    }

    fn asserted(&self, passkey: &Passkey, brought: &PasskeySignIn<'_>) -> Result<Asserted, PasskeyError> {
        let host = self.passkey_host().ok_or(PasskeyError::RelyingParty)?;
        let (origin, challenge) = (self.passkey_origin(), challenge_of(brought.ticket.expose()));
        let key = URL_SAFE_NO_PAD.decode(&passkey.key).map_err(|_| PasskeyError::Key)?;
        let key = CredentialKey::from_cose(&key)?;
        let ceremony = Ceremony { relying_party: host, origin: &origin, challenge: &challenge };
        verify_assertion(&brought.assertion, &key, &ceremony)
    }

    /// `false`: it was spent before.
    async fn spend_challenge(&self, ticket: &Secret) -> Result<bool, IssueError> {
        let until = self.now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        self.spend(&format!("passkey:{}", challenge_of(ticket.expose())), until).await
    }

    async fn use_passkey(
        &self,
        passkey: Stored<Passkey>,
        asserted: Asserted,
    ) -> Result<(), PasskeySignInError> {
        let used = Passkey {
            counter: asserted.counter,
            is_backed_up: asserted.is_backed_up,
            used_at: Some(self.now()),
            ..passkey.document
        };
        let batch = document::put(self.engine().batch(), &used, Expected::Version(passkey.version))?;
        match self.store().commit(batch).await?.value {
            Commit::Done(_) => Ok(()),
            // It was used elsewhere in this moment, or removed.
            Commit::Conflict { .. } => Err(PasskeySignInError::Answered),
        }
    }

    async fn mark_copied(&self, passkey: Stored<Passkey>) -> Result<(), IssueError> {
        let now = self.now();
        let event = Event::new(now, "passkey.copied", passkey.document.key())
            .with("user", passkey.document.user.clone())
            .with("name", passkey.document.name.clone());
        let marked = Passkey { copied_at: passkey.document.copied_at.or(Some(now)), ..passkey.document };
        let batch = self.engine().batch().event(event);
        let batch = document::put(batch, &marked, Expected::Version(passkey.version))?;
        // Whoever changed it meanwhile has seen the same, or has removed it.
        self.store().commit(batch).await?;
        Ok(())
    }

    async fn note_failed_passkey(
        &self,
        passkey: &Passkey,
        reason: &str,
        source: &Source,
    ) -> Result<(), StoreError> {
        let mut event = Event::new(self.now(), "sign_in.failed", passkey.user.clone())
            .with("method", "passkey")
            .with("reason", reason);
        if let Some(address) = source.address {
            event = event.with("address", address.to_string());
        }
        if let Some(user_agent) = &source.user_agent {
            event = event.with("user_agent", user_agent.clone());
        }
        self.store().append(self.space(), vec![event]).await
    }
}

/// RFC 8176 §2: a key was shown, somebody was there, and who they are was checked by their own device.
const METHODS: &[&str] = &["pop", "user", "mfa"];

impl From<StoreError> for PasskeySignInError {
    fn from(error: StoreError) -> Self {
        Self::Issue(error.into())
    }
}
