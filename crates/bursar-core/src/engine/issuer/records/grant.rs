//! Grants: what a user lets a client do.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::oauth::scope::Scope;
use crate::oauth::server::resource::{ResourceIndicator, ResourceSet};
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// All that one user has agreed to for one client. There is one for each pair, so that it is taken back by one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The user.
    pub user: String,
    /// The client.
    pub client: String,
    /// Counts how often it was taken back: whatever was issued under an earlier one is dead.
    pub epoch: u32,
    /// What was agreed to; nothing after it was taken back.
    pub consents: Vec<Consent>,
    /// When the first consent was given.
    pub created_at: Timestamp,
    /// When the last one was.
    pub changed_at: Timestamp,
    /// When a grant that was taken back leaves: by then nothing is left that was issued under it, so that one made anew
    /// may count its lives from the beginning.
    #[serde(default)]
    pub forgotten_at: Option<Timestamp>,
}

/// One thing a user agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Where the tokens are for; `None`: this server alone.
    pub resource: Option<ResourceIndicator>,
    /// What they are good for.
    pub scope: Scope,
    /// Digest of where the client's answers go and of its keys: when they change, the user is asked again.
    pub client_digest: String,
}

/// What a user has agreed to before, of what a client asks for now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgreedBefore {
    /// Nothing there.
    #[default]
    Nothing,
    /// Some of it, by these consents.
    Some(Vec<Scope>),
    /// To a client whose addresses or keys were others.
    ToAnotherForm,
}

impl AgreedBefore {
    /// Whether the user has agreed to this everywhere it is asked for.
    pub fn covers(&self, scope: &str) -> bool {
        match self {
            Self::Some(consents) => consents.iter().all(|consent| consent.contains(scope)),
            Self::Nothing | Self::ToAnotherForm => false,
        }
    }
}

/// Which life of which grant something was issued under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantMark {
    /// The grant's key.
    pub key: String,
    /// Its epoch.
    pub epoch: u32,
}

impl fmt::Display for GrantMark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.key, self.epoch)
    }
}

/// What an access token of a user rests on: the life of a grant, in a life of its user. Neither ever comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The grant.
    pub grant: GrantMark,
    /// The user's epoch.
    pub user_epoch: u32,
}

impl fmt::Display for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.grant, self.user_epoch)
    }
}

impl Ground {
    /// Reads what a token of ours says.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, user_epoch) = text.rsplit_once('.')?;
        let (key, epoch) = rest.rsplit_once('.')?;
        let grant = GrantMark { key: key.to_owned(), epoch: epoch.parse().ok()? };
        Some(Self { grant, user_epoch: user_epoch.parse().ok()? })
    }
}

impl Grant {
    /// The key of the grant of `user` for `client`.
    pub fn key_of(user: &str, client: &str) -> String {
        let pair = [user.as_bytes(), b"\0", client.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, &pair).as_ref()[..16])
    }

    /// A grant with nothing in it yet.
    pub fn new(user: &str, client: &str, now: Timestamp) -> Self {
        Self {
            user: user.to_owned(),
            client: client.to_owned(),
            epoch: 0,
            consents: Vec::new(),
            created_at: now,
            changed_at: now,
            forgotten_at: None,
        }
    }

    /// Names this life of it.
    pub fn mark(&self) -> GrantMark {
        GrantMark { key: self.key(), epoch: self.epoch }
    }

    /// Whether the user has agreed to all of `scope` at every one of `resources` (none: this server alone), and the client
    /// is still as it was then.
    pub fn covers(&self, resources: &ResourceSet, scope: &Scope, client_digest: &str) -> bool {
        let agreed = |resource: Option<&ResourceIndicator>| {
            self.consents.iter().any(|consent| {
                consent.resource.as_ref() == resource
                    && consent.client_digest == client_digest
                    && scope.is_subset_of(&consent.scope)
            })
        };
        if resources.is_empty() { agreed(None) } else { resources.iter().all(|one| agreed(Some(one))) }
    }

    /// What the user has agreed to before, at all of `resources` (none: this server alone).
    pub fn agreed_before(&self, resources: &ResourceSet, client_digest: &str) -> AgreedBefore {
        let places: Vec<Option<&ResourceIndicator>> =
            if resources.is_empty() { vec![None] } else { resources.iter().map(Some).collect() };
        let consent_at = |place: Option<&ResourceIndicator>| {
            self.consents.iter().find(|consent| consent.resource.as_ref() == place)
        };
        let consents: Vec<&Consent> = places.iter().copied().filter_map(consent_at).collect();
        if consents.iter().any(|consent| consent.client_digest != client_digest) {
            return AgreedBefore::ToAnotherForm;
        }
        if consents.len() < places.len() {
            return AgreedBefore::Nothing;
        }
        AgreedBefore::Some(consents.into_iter().map(|consent| consent.scope.clone()).collect())
    }

    /// The grant with what the user agreed to now.
    #[must_use]
    pub fn agreed(
        mut self,
        resources: &ResourceSet,
        scope: &Scope,
        client_digest: &str,
        now: Timestamp,
    ) -> Self {
        let places: Vec<Option<ResourceIndicator>> =
            if resources.is_empty() { vec![None] } else { resources.iter().cloned().map(Some).collect() };
        for resource in places {
            let known = self.consents.iter().position(|consent| consent.resource == resource);
            let before = known.map(|known| self.consents.remove(known));
            let before = before.filter(|before| before.client_digest == client_digest);
            let scope = before.map_or_else(|| scope.clone(), |before| before.scope.union(scope));
            self.consents.push(Consent { resource, scope, client_digest: client_digest.to_owned() });
        }
        self.changed_at = now;
        self.forgotten_at = None;
        self
    }

    /// The grant after the user has taken it back, kept until `forgotten_at`.
    #[must_use]
    pub fn withdrawn(self, now: Timestamp, forgotten_at: Timestamp) -> Self {
        let forgotten_at = Some(forgotten_at);
        Self { epoch: self.epoch + 1, consents: Vec::new(), changed_at: now, forgotten_at, ..self }
    }
}

impl Document for Grant {
    const KIND: &'static Kind = &GRANT;

    fn key(&self) -> String {
        Self::key_of(&self.user, &self.client)
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("user", self.user.clone()), ("client", self.client.clone())]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.forgotten_at
    }
}

pub(in crate::engine) static GRANT: Kind = Kind {
    name: "grant",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["user", "client"],
    watched: false,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn consent_covers_what_was_agreed_to_and_nothing_beside_it() {
        let now = Timestamp::UNIX_EPOCH;
        let (a, b) = ("https://a.test/mcp", "https://b.test/mcp");
        let set = |urls: &[&str]| ResourceSet::parse(urls.iter().copied()).unwrap();
        let grant = Grant::new("user", "client", now)
            .agreed(&set(&[a]), &scope("read"), "d", now)
            .agreed(&set(&[a]), &scope("write"), "d", now)
            .agreed(&set(&[]), &scope("openid"), "d", now);
        for (resources, asked, digest, covered) in [
            (vec![a], "read", "d", true),
            (vec![a], "read write", "d", true),
            (vec![a], "", "d", true),
            (vec![a], "admin", "d", false),
            (vec![b], "read", "d", false),
            (vec![a, b], "read", "d", false),
            (vec![a], "read", "changed", false),
            (vec![], "openid", "d", true),
            (vec![], "read", "d", false),
        ] {
            assert_eq!(
                grant.covers(&set(&resources), &scope(asked), digest),
                covered,
                "{resources:?} {asked}"
            );
        }
        let again = grant.withdrawn(now, now);
        assert_eq!((again.epoch, again.expires_at()), (1, Some(now)));
        assert!(!again.covers(&set(&[]), &scope("openid"), "d"));
        let anew = again.agreed(&set(&[]), &scope("openid"), "d", now);
        assert_eq!((anew.epoch, anew.expires_at()), (1, None));
    }

    #[test]
    fn a_ground_is_read_as_it_was_written_and_nothing_else_is() {
        let now = Timestamp::UNIX_EPOCH;
        let grant = Grant::new("user", "client", now).withdrawn(now, now).mark();
        let ground = Ground { grant, user_epoch: 7 };
        assert_eq!(Ground::parse(&ground.to_string()), Some(ground));
        for broken in ["", "key", "key.1", "key.x.1", "key.1.x", "key..1"] {
            assert_eq!(Ground::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_changed_client_starts_from_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let none = ResourceSet::default();
        let grant = Grant::new("user", "client", now)
            .agreed(&none, &scope("read write"), "before", now)
            .agreed(&none, &scope("read"), "after", now);
        assert!(grant.covers(&none, &scope("read"), "after"));
        assert!(!grant.covers(&none, &scope("write"), "after"));
        assert!(!grant.covers(&none, &scope("read"), "before"));
    }
}
