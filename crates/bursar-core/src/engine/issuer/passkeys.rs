//! Passkeys of users: made, listed, renamed and removed. Signing in with one is in `passkey_sign_in`.
//!
//! A challenge is the digest of the ticket of the page that shows it: so it is of one browser or session, ends with the page,
//! and nothing is stored until a passkey has answered it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use url::Host;

use super::AuthorizationServer;
use super::authorize::{LONGEST_WAIT, SignedIn};
use super::own_pages::Sender;
pub use super::passkey_sign_in::{PasskeySignIn, PasskeySignInError};
use super::records::passkey::{PASSKEY, Passkey};
use super::records::user::USER;
use super::refusal::IssueError;
use crate::passkey::{self, ALGORITHMS, Expected as Ceremony, PasskeyError, Registration};
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected, Kind, StoreError, Version};
use crate::secret::Secret;

/// What a page asks a browser with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyQuestion {
    /// The host passkeys belong to.
    pub relying_party: String,
    /// Unpadded base64url.
    pub challenge: String,
    /// Algorithms by their COSE numbers, the preferred first.
    pub algorithms: [i64; 3],
    /// Credential ids that the user has already, as base64url: none of them is made twice on one authenticator.
    pub known: Vec<String>,
}

/// Why a passkey was not added or removed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyChangeError {
    /// The server is known by an address, and passkeys belong to names.
    #[error("this server is known by an IP address; passkeys need a host name")]
    NoHostName,
    /// The page was shown to somebody else, or too long ago.
    #[error("the page is too old, or was shown in another session")]
    Stale,
    /// What the browser brings does not count.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// It is there already.
    #[error("this passkey was added before")]
    Known,
    /// There are too many.
    #[error("there are {MOST_PASSKEYS} passkeys, and no more can be added")]
    TooMany,
    /// Without it nobody could sign in as this user.
    #[error("this is the only way to sign in; set a password or add another passkey first")]
    OnlyWay,
    /// It cannot be done now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// The host that passkeys of this server belong to. `None`: it has no name, and so no passkeys.
    pub fn passkey_host(&self) -> Option<&str> {
        match self.rules().issuer.as_url().host() {
            Some(Host::Domain(name)) => Some(name),
            _ => None,
        }
    }

    /// What a page with this ticket asks a browser with. `None`: this server has no passkeys.
    pub fn passkey_question(&self, ticket: &str) -> Option<PasskeyQuestion> {
        Some(PasskeyQuestion {
            relying_party: self.passkey_host()?.to_owned(),
            challenge: challenge_of(ticket),
            algorithms: ALGORITHMS,
            known: Vec::new(),
        })
    }

    /// What a page with this ticket asks for a new passkey of a user with.
    pub async fn new_passkey_question(
        &self,
        user: &str,
        ticket: &str,
    ) -> Result<Option<PasskeyQuestion>, StoreError> {
        let Some(question) = self.passkey_question(ticket) else { return Ok(None) };
        let known = self.passkeys(user).await?.into_iter().map(|passkey| passkey.credential);
        Ok(Some(PasskeyQuestion { known: known.collect(), ..question }))
    }

    /// The passkeys of a user, the oldest first.
    pub async fn passkeys(&self, user: &str) -> Result<Vec<Passkey>, StoreError> {
        let mut passkeys: Vec<Passkey> =
            self.of_user::<Passkey>(user).await?.into_iter().map(|passkey| passkey.document).collect();
        passkeys.sort_by(|one, other| {
            (one.created_at, &one.credential).cmp(&(other.created_at, &other.credential))
        });
        Ok(passkeys)
    }

    /// Whether a page on which passkeys are added may be shown: whoever finds an open session must not be able to come back
    /// for ever.
    pub fn may_add_passkeys(&self, signed_in: &SignedIn) -> bool {
        self.since_sign_in(signed_in) <= FRESH
    }

    fn since_sign_in(&self, signed_in: &SignedIn) -> SignedDuration {
        self.now().duration_since(signed_in.at)
    }

    /// Keeps the passkey that a browser has made for whoever is signed in, under a name.
    pub async fn add_passkey(
        &self,
        signed_in: &SignedIn,
        ticket: &Secret,
        registration: &Registration<'_>,
        name: &str,
    ) -> Result<Passkey, PasskeyChangeError> {
        let host = self.passkey_host().ok_or(PasskeyChangeError::NoHostName)?;
        let end = self.form_ticket_end(ADDING, Sender::Person(signed_in), ticket).await?;
        let is_in_time = self.since_sign_in(signed_in) <= FRESH.saturating_add(LONGEST_WAIT);
        let end = end.filter(|_| is_in_time).ok_or(PasskeyChangeError::Stale)?;
        let (origin, challenge) = (self.passkey_origin(), challenge_of(ticket.expose()));
        let ceremony = Ceremony { relying_party: host, origin: &origin, challenge: &challenge };
        let new = passkey::verify_registration(registration, &ceremony)?;
        if !self.spend(&format!("passkey:{challenge}"), end).await? {
            return Err(PasskeyChangeError::Stale);
        }
        let user = &signed_in.user.document;
        if self.passkeys(&user.id).await.map_err(IssueError::from)?.len() >= MOST_PASSKEYS {
            return Err(PasskeyChangeError::TooMany);
        }
        let passkey = Passkey {
            credential: URL_SAFE_NO_PAD.encode(&new.id),
            user: user.id.clone(),
            name: name_of(name),
            key: URL_SAFE_NO_PAD.encode(new.key.as_cose()),
            counter: new.counter,
            is_backed_up: new.is_backed_up,
            created_at: self.now(),
            used_at: None,
            copied_at: None,
        };
        let event = Event::new(self.now(), "passkey.added", passkey.key())
            .with("user", user.id.clone())
            .with("name", passkey.name.clone());
        let batch =
            self.change(event).guard(&USER, user.id.clone(), Expected::Version(signed_in.user.version));
        let batch = document::put(batch, &passkey, Expected::Absent).map_err(IssueError::from)?;
        match self.store().commit(batch).await.map_err(IssueError::from)?.value {
            Commit::Done(_) => Ok(passkey),
            Commit::Conflict { kind, .. } if kind == USER.name => {
                self.within.known.doubt(USER.name, &user.id);
                Err(PasskeyChangeError::Stale)
            }
            Commit::Conflict { .. } => Err(PasskeyChangeError::Known),
        }
    }

    /// Gives a passkey of a user another name. `false`: they have none of this key.
    pub async fn rename_passkey(&self, user: &str, key: &str, name: &str) -> Result<bool, IssueError> {
        loop {
            let Some(known) = self.passkey_of(user, key).await? else { return Ok(false) };
            let renamed = Passkey { name: name_of(name), ..known.document };
            let event = Event::new(self.now(), "passkey.renamed", key)
                .with("user", user)
                .with("name", renamed.name.clone());
            let batch = document::put(self.change(event), &renamed, Expected::Version(known.version))?;
            if let Commit::Done(_) = self.store().commit(batch).await?.value {
                return Ok(true);
            }
        }
    }

    /// Removes a passkey of a user. `false`: they have none of this key.
    ///
    /// # Errors
    /// Nobody could sign in as them any more.
    pub async fn remove_passkey(&self, user: &str, key: &str) -> Result<bool, PasskeyChangeError> {
        loop {
            let Some(known) = self.passkey_of(user, key).await? else { return Ok(false) };
            let way = self.way_in_without(user, key).await?.ok_or(PasskeyChangeError::OnlyWay)?;
            // It is still there when this one goes.
            let batch = way.guard(self.removal(known));
            if let Commit::Done(_) = self.store().commit(batch).await.map_err(IssueError::from)?.value {
                return Ok(true);
            }
        }
    }

    /// How a user can sign in without this passkey.
    async fn way_in_without(&self, user: &str, key: &str) -> Result<Option<WayIn>, IssueError> {
        let known = self.user(user).await?.filter(|user| user.document.password.is_some());
        if let Some(Stored { version, .. }) = known {
            return Ok(Some(WayIn { kind: &USER, key: user.to_owned(), version }));
        }
        let others = self.of_user::<Passkey>(user).await?.into_iter().map(|Stored { document, version }| {
            (document.copied_at, WayIn { kind: &PASSKEY, key: document.key(), version })
        });
        let mut others = others.filter(|(copied_at, way)| copied_at.is_none() && way.key != key);
        Ok(others.next().map(|(_, way)| way))
    }

    /// Removes all passkeys of a user, who has lost them or is gone, and says how many there were.
    pub async fn forget_passkeys(&self, user: &str) -> Result<u32, IssueError> {
        let mut removed = 0;
        for passkey in self.of_user::<Passkey>(user).await? {
            let batch = self.removal(passkey);
            removed += u32::from(matches!(self.store().commit(batch).await?.value, Commit::Done(_)));
        }
        Ok(removed)
    }

    fn removal(&self, passkey: Stored<Passkey>) -> Batch {
        let Stored { document, version } = passkey;
        let key = document.key();
        let event = Event::new(self.now(), "passkey.removed", key.clone())
            .with("user", document.user)
            .with("name", document.name);
        self.change(event).delete(&PASSKEY, key, version)
    }

    async fn passkey_of(&self, user: &str, key: &str) -> Result<Option<Stored<Passkey>>, IssueError> {
        let known = document::get::<Passkey>(self.store(), self.space(), key).await?.value;
        Ok(known.filter(|known| known.document.user == user))
    }

    /// Where pages of this server are, as browsers write it.
    pub(super) fn passkey_origin(&self) -> String {
        self.rules().issuer.as_url().origin().ascii_serialization()
    }
}

/// What somebody can sign in with, as it was read.
struct WayIn {
    kind: &'static Kind,
    key: String,
    version: Version,
}

impl WayIn {
    fn guard(self, batch: Batch) -> Batch {
        batch.guard(self.kind, self.key, Expected::Version(self.version))
    }
}

/// The page on which passkeys are added, as its ticket names it.
pub const ADDING: &str = "passkey";

pub(super) fn challenge_of(ticket: &str) -> String {
    let text = [b"passkey challenge\0", ticket.as_bytes()].concat();
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &text))
}

/// Something to tell it apart by, whatever was typed.
fn name_of(typed: &str) -> String {
    let name: String =
        typed.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    if name.is_empty() { "Passkey".to_owned() } else { name }
}

/// As long as somebody who has just signed in may look around.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// A person has a telephone, a computer or two, and keys in drawers.
const MOST_PASSKEYS: usize = 32;
const LONGEST_NAME: usize = 60;
