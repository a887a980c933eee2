//! The kinds of records the holding side keeps, declared once; every backend makes its tables from [`KINDS`].

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::issuer::records as issued;
use super::sessions::Session;
use super::vault::succession::Succession;
use crate::lifecycle::account::Account;
use crate::lifecycle::deadlines;
use crate::lifecycle::reference::AccountReference;
use crate::ports::document::Document;
use crate::ports::store::{Group, INCARNATION, Kind, Scope};
use crate::provider::{Provider, ProviderId};
use crate::secret::Sealed;

/// Every kind a store must know.
pub static KINDS: &[&Kind] = &[
    &INCARNATION,
    &DATA_KEY,
    &super::vault::rekeying::REKEYING,
    &ACCOUNT,
    &ACCOUNT_USE,
    &DEFAULT_ACCOUNT,
    &PROVIDER_DEFINITION,
    &super::login::REGISTERED_CLIENT,
    &REVOCATION,
    &REFRESH_LEASE,
    &LOGIN_MARK,
    &ROUTINE,
    &super::gateway_tokens::GATEWAY_TOKEN,
    &SESSION,
    &REMOVAL_CLAIM,
    &issued::client::CLIENT,
    &issued::client_use::CLIENT_USE,
    &issued::user::USER,
    &issued::user::USER_NAME,
    &issued::resource::RESOURCE,
    &issued::grant::GRANT,
    &issued::family::FAMILY,
    &issued::code::CODE,
    &issued::device::DEVICE,
    &issued::pushed::PUSHED,
    &issued::revoked::REVOKED,
    &issued::signing_key::SIGNING_KEY,
    &issued::browser_session::BROWSER_SESSION,
    &issued::logout_notice::LOGOUT_NOTICE,
    &issued::sign_out::SIGN_OUT,
    &issued::spent::SPENT,
    &issued::passkey::PASSKEY,
    &issued::reset_code::RESET_CODE,
    &super::issuer::administration::first_code::FIRST_CODE,
    &super::issuer::public_name::PUBLIC_NAME,
    &super::sandboxes::records::SANDBOX,
    &super::sandboxes::records::SANDBOX_HOST,
    &super::sandboxes::records::REMAINS,
    &super::moving::departure::DEPARTURE,
];

static DATA_KEY: Kind =
    Kind { name: "data_key", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

static ACCOUNT: Kind = Kind {
    name: "account",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &["provider", "subject"],
    watched: true,
};

static ACCOUNT_USE: Kind =
    Kind { name: "account_use", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: false };

static DEFAULT_ACCOUNT: Kind = Kind {
    name: "default_account",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: true,
};

static PROVIDER_DEFINITION: Kind = Kind {
    name: "provider_definition",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: true,
};

static REVOCATION: Kind =
    Kind { name: "revocation", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: true };

static REFRESH_LEASE: Kind = Kind {
    name: "refresh_lease",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

static LOGIN_MARK: Kind =
    Kind { name: "login_mark", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: false };

static SESSION: Kind = Kind {
    name: "session",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &["token"],
    watched: true,
};

static REMOVAL_CLAIM: Kind = Kind {
    name: "removal_claim",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

pub(crate) static ROUTINE: Kind =
    Kind { name: "routine", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: false };

impl Document for Account {
    const KIND: &'static Kind = &ACCOUNT;

    fn key(&self) -> String {
        self.reference.key()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        let mut indexes = vec![("provider", self.reference.provider.to_string())];
        indexes.extend(self.identity.as_ref().map(|identity| ("subject", identity.subject.clone())));
        indexes
    }

    fn due_at(&self) -> Option<Timestamp> {
        use crate::lifecycle::account::{Renewal, Standing};
        use crate::lifecycle::window;
        match &self.standing {
            _ if self.renewal() == Renewal::None => None,
            Standing::NeedsLogin { .. } | Standing::Revoked { .. } => None,
            Standing::Failing(failing) => Some(failing.next_try),
            Standing::Active => {
                let by_end = self.access.as_ref().and_then(|access| {
                    deadlines::access_expires_at(self)?.checked_sub(window::lead(self, access)).ok()
                });
                [by_end, window::idle_renewal_at(self)].into_iter().flatten().min()
            }
        }
    }
}

/// When and how often an account was handed out. Kept apart so that a hand-out never disturbs a renewal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountUse {
    /// Key of the account.
    pub account: String,
    /// The last hand-out, to the minute.
    pub last_used: Timestamp,
}

impl Document for AccountUse {
    const KIND: &'static Kind = &ACCOUNT_USE;

    fn key(&self) -> String {
        self.account.clone()
    }
}

/// The account a bare provider name means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DefaultAccount {
    /// The provider.
    pub provider: ProviderId,
    /// Its account.
    pub account: AccountReference,
}

impl Document for DefaultAccount {
    const KIND: &'static Kind = &DEFAULT_ACCOUNT;

    fn key(&self) -> String {
        self.provider.to_string()
    }
}

/// A provider that was discovered from its issuer URL instead of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderDefinition {
    /// What was learned.
    pub provider: Provider,
    /// From where.
    pub issuer: String,
    /// The protected resource that led there, if it was not the issuer itself that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_server: Option<String>,
    /// When.
    pub discovered_at: Timestamp,
}

impl Document for ProviderDefinition {
    const KIND: &'static Kind = &PROVIDER_DEFINITION;

    fn key(&self) -> String {
        self.provider.id.to_string()
    }
}

/// Tokens of a login that is gone here and must still be revoked at its provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revocation {
    /// Unguessable name.
    pub id: String,
    /// The account as it was, with its credentials sealed for this record.
    pub account: Account,
    /// When the login was given up.
    pub since: Timestamp,
    /// How often revoking has failed.
    pub attempts: u32,
    /// When to try next.
    pub next_try: Timestamp,
    /// What the last attempt said.
    pub last_error: Option<String>,
}

impl Document for Revocation {
    const KIND: &'static Kind = &REVOCATION;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.next_try)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.since.checked_add(REVOCATION_LIFE).ok()
    }
}

/// The right to refresh one account, across machines, until a deadline of the store's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefreshLease {
    /// Key of the account.
    pub account: String,
    /// Unguessable name of the holder.
    pub holder: String,
    /// When the right ends by itself.
    pub until: Timestamp,
}

impl Document for RefreshLease {
    const KIND: &'static Kind = &REFRESH_LEASE;

    fn key(&self) -> String {
        self.account.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// A login that has been started. Written before tokens are asked for, so that a store that cannot be written is
/// found out while nothing can be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoginMark {
    /// Unguessable name.
    pub id: String,
    /// When it is forgotten.
    pub until: Timestamp,
}

impl Document for LoginMark {
    const KIND: &'static Kind = &LOGIN_MARK;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Document for Session {
    const KIND: &'static Kind = &SESSION;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        self.token.iter().map(|token| ("token", token.to_string())).collect()
    }
}

/// The intention to remove an account that nobody uses. Whoever begins to use it takes the claim away, and with it the
/// right to remove the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalClaim {
    /// Key of the account.
    pub account: String,
    /// When a claim of somebody who never finished is forgotten.
    pub until: Timestamp,
}

impl Document for RemovalClaim {
    const KIND: &'static Kind = &REMOVAL_CLAIM;

    fn key(&self) -> String {
        self.account.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

/// The key all secrets of the installation are sealed under, itself sealed under the master key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataKey {
    /// Which key, counted from one.
    pub id: u32,
    /// The key, sealed.
    pub wrapped: Sealed,
    /// What the master key source wants to be reminded of; nothing secret.
    pub key_source: String,
    /// The same about the master key before, until that one is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring: Option<String>,
    /// The master key before opens it too, until all nodes have the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<MasterBefore>,
    /// Other data keys.
    #[serde(flatten)]
    pub succession: Succession,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A master key that has a successor and still counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MasterBefore {
    /// The data key, wrapped by it.
    pub wrapped: Sealed,
    /// What its source wants to be reminded of.
    pub key_source: String,
}

impl DataKey {
    /// The key of the one record, whichever data key it is about.
    pub(super) const CURRENT: &'static str = "1";
}

impl Document for DataKey {
    const KIND: &'static Kind = &DATA_KEY;

    fn key(&self) -> String {
        Self::CURRENT.to_owned()
    }
}

/// Providers forget a grant by then, or never will.
const REVOCATION_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
