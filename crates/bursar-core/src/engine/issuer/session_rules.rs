//! What the operator says about sessions: how they are signed, how long they last, who may have one.

use jiff::SignedDuration;

use super::records::user::User;
use crate::oauth::jose::{Algorithm, HmacKey, SecretTooShort};
use crate::oauth::server::session_token::{ClaimNames, LIFETIME};
use crate::secret::Secret;

/// The rules of session tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// The application, as its tokens call it; `None`: the issuer.
    pub audience: Option<String>,
    /// How long a token lasts.
    pub lifetime: SignedDuration,
    /// What signs.
    pub signing: SessionSigning,
    /// How the application calls the claims.
    pub names: ClaimNames,
    /// The ids of the clients that are parts of the application: with their refresh tokens they get sessions. To all
    /// others a user has agreed to far less.
    pub clients: Vec<String>,
}

/// What signs session tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSigning(pub(super) Signing);

/// The two ways.
#[derive(Clone, Debug)]
pub(super) enum Signing {
    /// Secrets the application shares with us, the current one first.
    Secrets(Vec<(Secret, HmacKey)>),
    /// Our current key for this algorithm.
    Key(Algorithm),
}

/// A way of signing that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionSigningError {
    /// Somebody could guess it.
    #[error(transparent)]
    Short(#[from] SecretTooShort),
    /// There is nothing to sign with.
    #[error("sessions signed with HS256 need a secret")]
    NoSecret,
    /// The secret would never be used.
    #[error("sessions signed with {0} have no secret: that is for HS256")]
    UselessSecret(Algorithm),
}

impl SessionSigning {
    /// Signs with `algorithm`: with the first of `secrets` for `HS256`, the others of which still verify until the last
    /// token they signed is over; with a published key for all other algorithms.
    ///
    /// # Errors
    /// There is no secret where one is needed, one where none is, or one that could be guessed.
    pub fn new(algorithm: Algorithm, secrets: Vec<Secret>) -> Result<Self, SessionSigningError> {
        match (algorithm, secrets.is_empty()) {
            (Algorithm::Hs256, true) => Err(SessionSigningError::NoSecret),
            (Algorithm::Hs256, false) => {
                let keys: Result<Vec<_>, SecretTooShort> = secrets
                    .into_iter()
                    .map(|secret| HmacKey::new(&secret).map(|key| (secret, key)))
                    .collect();
                Ok(Self(Signing::Secrets(keys?)))
            }
            (_, true) => Ok(Self(Signing::Key(algorithm))),
            (_, false) => Err(SessionSigningError::UselessSecret(algorithm)),
        }
    }

    /// Whether published keys sign, which must be published as long as a session lasts.
    pub(super) fn is_by_key(&self) -> bool {
        matches!(self.0, Signing::Key(_))
    }
}

impl PartialEq for Signing {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secrets(one), Self::Secrets(other)) => {
                one.iter().map(|(secret, _)| secret).eq(other.iter().map(|(secret, _)| secret))
            }
            (Self::Key(one), Self::Key(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Signing {}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            audience: None,
            lifetime: LIFETIME,
            signing: SessionSigning(Signing::Key(Algorithm::Es256)),
            names: ClaimNames::default(),
            clients: Vec::new(),
        }
    }
}

/// Who may sign in; nobody named: every user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedUsers(Vec<String>);

impl AllowedUsers {
    /// Takes user names, e-mail addresses, and domains as `@example.com`; case does not matter.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(
            names
                .into_iter()
                .map(|name| name.trim().to_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        )
    }

    /// Whether a user may sign in. An address counts only once it was verified.
    pub fn contains(&self, user: &User) -> bool {
        let email = user.email.as_ref().filter(|_| user.email_verified).map(|email| email.to_lowercase());
        let domain = email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        let username = user.username.to_lowercase();
        self.0.is_empty()
            || self.0.iter().any(|allowed| match allowed.strip_prefix('@') {
                Some(allowed) => domain == Some(allowed),
                // A user could be given a name that looks like somebody's address.
                None if allowed.contains('@') => email.as_ref() == Some(allowed),
                None => *allowed == username,
            })
    }
}
