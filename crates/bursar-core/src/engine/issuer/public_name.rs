//! By what name the server on this store is known. It alone knows: it may have been told when it was started. Commands beside
//! it read here what it has said, so that they name the same issuer as its tokens.

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::oauth::url::Issuer;
use crate::ports::document::{self, Document, Stored};
use crate::ports::store::{self, Expected, Group, Kind, StoreError};

/// What the last server on this store has said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PublicName {
    /// Its issuer.
    issuer: Issuer,
    /// What its configuration alone would have made it.
    configured: String,
}

impl Engine {
    /// Notes that the server is known as `issuer`, and what its configuration alone would have made it. The last one counts.
    pub async fn say_public_name(&self, issuer: &Issuer, configured: &str) -> Result<(), StoreError> {
        let name = PublicName { issuer: issuer.clone(), configured: configured.to_owned() };
        let known = document::get::<PublicName>(&*self.ports.store, &self.space, THE_ONE).await?.value;
        let expected = match known {
            Some(Stored { document, .. }) if document == name => return Ok(()),
            Some(Stored { version, .. }) => Expected::Version(version),
            None => Expected::Absent,
        };
        // Who loses here has a sibling that started in the same moment.
        self.ports.store.commit(document::put(self.batch(), &name, expected)?).await.map(|_| ())
    }

    /// The issuer that the last server has said, if its configuration made of it what this one does. Otherwise the
    /// configuration is newer than what was said.
    pub async fn public_name(&self, configured: &str) -> Result<Option<Issuer>, StoreError> {
        let known = document::get::<PublicName>(&*self.ports.store, &self.space, THE_ONE).await?.value;
        let known = known.map(|stored| stored.document).filter(|name| name.configured == configured);
        Ok(known.map(|name| name.issuer))
    }
}

impl Document for PublicName {
    const KIND: &'static Kind = &PUBLIC_NAME;

    fn key(&self) -> String {
        THE_ONE.to_owned()
    }
}

pub(in crate::engine) static PUBLIC_NAME: Kind = Kind {
    name: "public_name",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

const THE_ONE: &str = "server";
