//! What the operator says about the authorization server.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::known_browsers::KNOWN_BROWSER_AGE;
use super::records::resource::TokenFormat;
use super::session_rules::{AllowedUsers, SessionRules};
use crate::engine::sandboxes::SandboxName;
use crate::engine::vault::derivation::MadeLives;
use crate::oauth::url::Issuer;
use crate::secret::Secret;

/// The rules of one authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is something the operator says on its own")]
pub struct Rules {
    /// Its name, exactly as it stands in tokens and metadata (RFC 8414 §2).
    pub issuer: Issuer,
    /// What it is called among the sandboxes of its installation; `None`: it is the server around them.
    pub sandbox: Option<SandboxName>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// How access tokens look, unless their resource says otherwise.
    pub access_format: TokenFormat,
    /// How long a key signs before another takes its place.
    pub key_age: SignedDuration,
    /// Whether programs nobody knows may register themselves (RFC 7591).
    pub open_registration: bool,
    /// How much one network may register.
    pub registration_limits: RegistrationLimits,
    /// Whether addresses may be client ids (Client ID Metadata Documents).
    pub metadata_documents: bool,
    /// A proxy that refuses private addresses, through which what strangers name is fetched. `None`: it is fetched
    /// directly, whatever the environment says, because only then the address itself can be looked at.
    pub guarded_proxy: Option<Secret>,
    /// Clients that brought themselves are forgotten when they were not used for so long.
    pub unused_client: SignedDuration,
    /// What is asked of proofs of possession.
    pub proof_nonces: ProofNonces,
    /// Whether devices are told an address that has their code in it already (RFC 8628 §3.3.1). Convenient, and just what
    /// somebody needs who wants to be let in by a stranger (§5.4).
    pub complete_verification_uri: bool,
    /// Sessions of applications.
    pub sessions: SessionRules,
    /// Who may sign in.
    pub allowed_users: AllowedUsers,
    /// Whether logins end when a password is set by who does not know the one before it.
    pub reset_ends_logins: bool,
    /// How long events are kept.
    pub events_kept: SignedDuration,
    /// How much of everything there may be.
    pub quotas: Quotas,
    /// Who tells clients that a session has ended.
    pub tells_of_logouts: Teller,
}

/// Who tells clients that a session has ended (OIDC Back-Channel Logout 1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// Whoever ends it, at once.
    AtOnce,
    /// The server, which is not long in coming: a command does not know for certain by which name clients know it.
    TheServer,
}

/// How much of everything there may be; `None`: as much as comes. Looked at before something is added, so that several who
/// add at the same moment may exceed it by their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Clients that have a record, but for removed ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u64>,
    /// Users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
    /// Pairs of a user and a client of which the one has agreed to something for the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<u64>,
    /// Held accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u64>,
}

/// Whether proofs of possession need a nonce of ours (RFC 9449 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofNonces {
    /// They may do without, but an old one does not count.
    Accepted,
    /// Clients without one are told to try again with it.
    Required,
}

/// How much one network (256 addresses, or what one subscriber has of the new kind) may register within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationLimits {
    /// Different programs; how many people use each is not counted.
    pub different: u64,
    /// Those of them that have to be stored, because they say more of themselves than an id can hold.
    pub stored: u64,
}

impl Default for RegistrationLimits {
    fn default() -> Self {
        // Far more than there are programs for one purpose, even where thousands of people share an address; and hardly
        // any program says more of itself than an id can hold.
        Self { different: 200, stored: 20 }
    }
}

/// How long what is issued lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Authorization codes; at most ten minutes (RFC 6749 §4.1.2).
    pub code: SignedDuration,
    /// Access tokens.
    pub access: SignedDuration,
    /// Refresh tokens that are not used.
    pub refresh: SignedDuration,
    /// Logins, however much their refresh tokens are used.
    pub login: SignedDuration,
    /// How long a refresh token that was replaced brings the same successor again.
    pub retry_window: SignedDuration,
    /// ID tokens.
    pub id_token: SignedDuration,
    /// Who signed in stays signed in, in that browser.
    pub browser_session: SignedDuration,
    /// Device codes (RFC 8628 §3.2).
    pub device_code: SignedDuration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: SignedDuration::from_mins(10),
            access: SignedDuration::from_mins(15),
            refresh: SignedDuration::from_hours(24),
            login: SignedDuration::from_hours(24 * 90),
            retry_window: SignedDuration::from_secs(60),
            // It tells of a sign-in and opens nothing: clients read it once.
            id_token: SignedDuration::from_hours(1),
            browser_session: SignedDuration::from_hours(24 * 7),
            device_code: SignedDuration::from_mins(10),
        }
    }
}

impl Rules {
    /// The longest that anything signed lives.
    pub fn longest_token(&self) -> SignedDuration {
        let session =
            if self.sessions.signing.is_by_key() { self.sessions.lifetime } else { SignedDuration::ZERO };
        self.lifetimes.access.max(LONGEST_ACCESS).max(self.lifetimes.id_token).max(session)
    }

    /// The longest that anything lives that rests on a grant.
    pub fn longest_authorization(&self) -> SignedDuration {
        let Lifetimes { code, login, device_code, .. } = self.lifetimes;
        self.longest_token().max(login).max(code).max(device_code)
    }

    /// How long what is made with derived keys lives.
    pub fn made_lives(&self) -> MadeLives {
        MadeLives {
            login: self.lifetimes.login.max(self.lifetimes.refresh),
            access_token: self.lifetimes.access.max(LONGEST_ACCESS),
            ticket: KNOWN_BROWSER_AGE,
        }
    }

    /// The rules nobody has changed, for the server of this name.
    pub fn of(issuer: Issuer) -> Self {
        Self {
            issuer,
            sandbox: None,
            lifetimes: Lifetimes::default(),
            access_format: TokenFormat::default(),
            // A season.
            key_age: SignedDuration::from_hours(24 * 90),
            open_registration: true,
            registration_limits: RegistrationLimits::default(),
            metadata_documents: true,
            guarded_proxy: None,
            // As long as a login lasts at most.
            unused_client: SignedDuration::from_hours(24 * 90),
            proof_nonces: ProofNonces::Accepted,
            complete_verification_uri: false,
            sessions: SessionRules::default(),
            allowed_users: AllowedUsers::default(),
            reset_ends_logins: true,
            // A season: long enough to look into what somebody has noticed late.
            events_kept: SignedDuration::from_hours(24 * 90),
            quotas: Quotas::default(),
            tells_of_logouts: Teller::AtOnce,
        }
    }
}

/// The longest an access token for one resource may live, whatever is said of that resource.
pub const LONGEST_ACCESS: SignedDuration = SignedDuration::from_hours(24);
