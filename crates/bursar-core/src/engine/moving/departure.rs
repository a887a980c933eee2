//! The note in a store that its records are going to another one, and what keeps a server or a refresh from working here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::{self, Document};
use crate::ports::store::{Group, Incarnation, Kind, Scope, Space, Store, StoreError};

/// Where the records of a store are going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Departure {
    /// The other store, without its password.
    pub(in crate::engine) to: String,
    /// The life they live there, chosen before anything is copied: an interrupted move finds its own copy again.
    pub(in crate::engine) incarnation: String,
    /// When it began.
    pub(in crate::engine) since: Timestamp,
}

impl Departure {
    /// The key of the only record of its kind.
    pub(in crate::engine) const CURRENT: &str = "current";
}

impl Document for Departure {
    const KIND: &'static Kind = &DEPARTURE;

    fn key(&self) -> String {
        Self::CURRENT.to_owned()
    }
}

/// The departure that is noted in a store, if any is.
pub(in crate::engine) async fn departure(
    store: &dyn Store,
) -> Result<Option<document::Stored<Departure>>, StoreError> {
    Ok(document::get::<Departure>(store, &Space::System, Departure::CURRENT).await?.value)
}

/// What counts in a store of all that was issued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Service {
    /// Why nothing does now; `None`: nothing is in the way.
    pub(in crate::engine) suspension: Option<String>,
    /// When the first access token was made that does; `None`: there was no such moment.
    pub(in crate::engine) honours_from: Option<Timestamp>,
}

/// What counts in this store now.
pub(in crate::engine) async fn service(store: &dyn Store) -> Result<Service, StoreError> {
    let departure = departure(store).await?.map(|departure| departure.document.to);
    let life = document::get::<Incarnation>(store, &Space::System, Incarnation::CURRENT).await?.value;
    let life = life.map(|life| life.document);
    let is_undecided = life.as_ref().is_some_and(Incarnation::suspends_grants);
    let suspension = match departure {
        Some(to) => Some(format!("its records are being moved to {to}")),
        None => is_undecided.then(|| UNDECIDED.to_owned()),
    };
    Ok(Service { suspension, honours_from: life.and_then(|life| life.honours_from()) })
}

const UNDECIDED: &str = "it was restored from a backup, and nobody has said yet what becomes of the grants in it \
                         (`bursar restore --grants accept` or `revoke`)";

pub(in crate::engine) static DEPARTURE: Kind =
    Kind { name: "departure", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };
