//! Every kind of record that holds something sealed. What is sealed names one of these, so that no change of keys can miss
//! it: a kind that is not here cannot be sealed for.

use serde::{Deserialize, Serialize};

use crate::engine::issuer::records::signing_key::SigningKeyRecord;
use crate::engine::login::RegisteredClient;
use crate::engine::records::Revocation;
use crate::engine::sandboxes::Sandbox;
use crate::lifecycle::account::Account;
use crate::ports::document::Document;
use crate::ports::store::{Kind, Scope};
use crate::secret::Sealed;

/// A kind of record that holds something sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::engine) enum SealedKind {
    /// Tokens of held accounts.
    Account,
    /// Tokens of logins that were given up and are still to be revoked.
    Revocation,
    /// Secrets of clients that other servers registered for us.
    RegisteredClient,
    /// Private halves of the keys that sign tokens.
    SigningKey,
    /// Data keys of sandboxes.
    Sandbox,
}

impl SealedKind {
    /// All of them, in the order in which they are sealed again: what is costly to lose comes first.
    pub(in crate::engine) const ALL: [Self; 5] =
        [Self::Account, Self::RegisteredClient, Self::SigningKey, Self::Sandbox, Self::Revocation];

    /// The records.
    pub(in crate::engine) fn record(self) -> &'static Kind {
        match self {
            Self::Account => Account::KIND,
            Self::Revocation => Revocation::KIND,
            Self::RegisteredClient => RegisteredClient::KIND,
            Self::SigningKey => SigningKeyRecord::KIND,
            Self::Sandbox => Sandbox::KIND,
        }
    }

    /// Whether they are sealed by the installation alone, and not by each space for itself.
    pub(super) fn is_of_the_system(self) -> bool {
        self.record().scope == Scope::System
    }
}

/// A document with sealed values in it.
pub(super) trait Holds: Document {
    /// Every sealed value, with the key of its place.
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)>;

    /// The moment since which somebody may have something under way that ends in this record, sealed with a key of then.
    fn under_way_since(&self) -> Option<jiff::Timestamp> {
        None
    }
}

impl Holds for Account {
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)> {
        vec![(self.reference.key(), &mut self.sealed)]
    }

    fn under_way_since(&self) -> Option<jiff::Timestamp> {
        self.journal.as_ref().map(|journal| journal.opened_at)
    }
}

impl Holds for Revocation {
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)> {
        vec![(self.id.clone(), &mut self.account.sealed)]
    }
}

impl Holds for RegisteredClient {
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)> {
        vec![(self.key(), &mut self.sealed)]
    }
}

impl Holds for SigningKeyRecord {
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)> {
        vec![(self.id.clone(), &mut self.private)]
    }
}

impl Holds for Sandbox {
    fn sealed(&mut self) -> Vec<(String, &mut Sealed)> {
        let place = self.space.as_str().to_owned();
        let next = self.succession.next_wrapped().map(|next| (place.clone(), next));
        std::iter::once((place.clone(), &mut self.data_key)).chain(next).collect()
    }
}
