//! Gateway tokens: what callers show to the gateway so that it acts for them. Named, limited, revocable.
//!
//! The token itself is told once and kept nowhere: the record holds its digest. What a token opens is decided by the
//! gateway, which reads the record again and again: a removed one is refused at once.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::ports::document::{self, Document};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected, Group, Kind, Page, Scope, StoreError};
use crate::secret::{Fingerprint, Secret};

/// What every gateway token begins with, so that people and secret scanners know what they have found.
pub const GATEWAY_TOKEN_PREFIX: &str = "bgw_";

/// What is known of a gateway token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayToken {
    /// Its name, unique whatever its case.
    pub name: String,
    /// Finds the record of a token that is shown.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the token, as base64url. The token has 256 random bits, so no salt and no slow hash is needed.
    pub digest: String,
    /// The routes it opens; none named: all of them.
    pub routes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What a new gateway token should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGatewayToken {
    /// Its name: 1 to 50 letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// The routes it opens; none: all of them.
    pub routes: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

impl Engine {
    /// Makes a token and tells it, once.
    pub async fn add_gateway_token(
        &self,
        wish: NewGatewayToken,
    ) -> Result<(GatewayToken, Secret), GatewayTokenError> {
        check_name(&wish.name)?;
        let secret =
            Secret::new(format!("{GATEWAY_TOKEN_PREFIX}{}", unguessable(&*self.ports.random).expose()));
        let now = self.now();
        let token = GatewayToken {
            fingerprint: secret.fingerprint(),
            digest: digest_of(&secret).expose().to_owned(),
            name: wish.name,
            routes: wish.routes,
            created_at: now,
            expires_at: wish.expires_at,
        };
        let event = Event::new(now, "gateway_token.added", token.name.clone());
        let batch = document::put(self.batch().event(event), &token, Expected::Absent)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok((token, secret)),
            Commit::Conflict { .. } => Err(GatewayTokenError::Exists { name: token.name }),
        }
    }

    /// All gateway tokens that have not ended, by name.
    pub async fn gateway_tokens(&self) -> Result<Vec<GatewayToken>, StoreError> {
        let tokens = document::list::<GatewayToken>(&*self.ports.store, &self.space).await?;
        Ok(tokens.into_iter().map(|stored| stored.document).collect())
    }

    /// Ends a token; `false`: there is none of this name.
    pub async fn remove_gateway_token(&self, name: &str) -> Result<bool, StoreError> {
        let key = name.to_lowercase();
        loop {
            let answer = document::get::<GatewayToken>(&*self.ports.store, &self.space, &key).await?;
            let Some(stored) = answer.value else { return Ok(false) };
            let event = Event::new(self.now(), "gateway_token.removed", stored.document.name);
            let batch = self.batch().delete(GatewayToken::KIND, &key, stored.version).event(event);
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(true);
            }
        }
    }

    /// The record of a token that somebody shows; `None`: it is none of ours, or has ended.
    pub async fn gateway_token_of(&self, shown: &Secret) -> Result<Option<GatewayToken>, StoreError> {
        let fingerprint = shown.fingerprint().to_string();
        let page = Page::first(1);
        let answer =
            self.ports.store.find(&self.space, GatewayToken::KIND, "fingerprint", &fingerprint, page).await?;
        let Some(record) = answer.value.first() else { return Ok(None) };
        let token = document::decode::<GatewayToken>(record)?.document;
        // Found by half of the digest; the whole of it decides, in constant time.
        let same = Secret::new(token.digest.clone()) == digest_of(shown);
        Ok(Some(token).filter(|_| same))
    }
}

impl Document for GatewayToken {
    const KIND: &'static Kind = &GATEWAY_TOKEN;

    fn key(&self) -> String {
        self.name.to_lowercase()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("fingerprint", self.fingerprint.to_string())]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

pub(super) static GATEWAY_TOKEN: Kind = Kind {
    name: "gateway_token",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &["fingerprint"],
    watched: true,
};

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum GatewayTokenError {
    /// The name is not one.
    #[error("`{name}` cannot name a gateway token: use 1 to 50 letters, digits, `.`, `-` and `_`")]
    Name {
        /// As it was given, cut to a printable length.
        name: String,
    },
    /// The name is taken.
    #[error("there is a gateway token `{name}` already")]
    Exists {
        /// The name.
        name: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn digest_of(token: &Secret) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes())))
}

/// Names appear in logs and on command lines: nothing in them needs quoting.
fn check_name(name: &str) -> Result<(), GatewayTokenError> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed) && !name.starts_with('-') {
        Ok(())
    } else {
        let name = name.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect();
        Err(GatewayTokenError::Name { name })
    }
}

/// As nicknames of accounts.
const LONGEST_NAME: usize = 50;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::test_world::{World, tokens};

    fn wish(name: &str) -> NewGatewayToken {
        NewGatewayToken { name: name.to_owned(), routes: vec!["github".to_owned()], expires_at: None }
    }

    fn world() -> World {
        World::new("", |_| tokens("a1", None))
    }

    #[test]
    fn a_token_is_found_by_itself_alone_until_it_is_removed() {
        let world = world();
        let (token, secret) = block_on(world.engine.add_gateway_token(wish("ci"))).unwrap();
        assert!(secret.expose().starts_with(GATEWAY_TOKEN_PREFIX));
        assert_eq!(secret.expose().len(), GATEWAY_TOKEN_PREFIX.len() + 43);
        let found = |secret: &Secret| block_on(world.engine.gateway_token_of(secret)).unwrap();
        assert_eq!(found(&secret), Some(token));
        let close = Secret::new(format!("{}A", &secret.expose()[..46]));
        assert!(found(&close).is_none() || close == secret);
        assert_eq!(found(&Secret::new("")), None);
        assert!(block_on(world.engine.remove_gateway_token("CI")).unwrap());
        assert_eq!(found(&secret), None);
        assert!(!block_on(world.engine.remove_gateway_token("ci")).unwrap());
    }

    #[test]
    fn the_record_holds_no_token() {
        let world = world();
        let (token, secret) = block_on(world.engine.add_gateway_token(wish("ci"))).unwrap();
        let record = document::encode(&token).unwrap();
        let text = String::from_utf8(record.body).unwrap();
        assert!(!text.contains(&secret.expose()[4..]), "{text}");
    }

    #[test]
    fn the_half_digest_that_finds_a_record_does_not_open_it() {
        let world = world();
        let (token, secret) = block_on(world.engine.add_gateway_token(wish("ci"))).unwrap();
        let forged = GatewayToken { name: "forged".to_owned(), digest: "another".to_owned(), ..token };
        block_on(world.engine.remove_gateway_token("ci")).unwrap();
        let batch = document::put(world.engine.batch(), &forged, Expected::Absent).unwrap();
        block_on(world.store.commit(batch)).unwrap();
        assert_eq!(block_on(world.engine.gateway_token_of(&secret)).unwrap(), None);
    }

    #[test]
    fn an_ended_token_is_none_and_its_name_is_free_again() {
        let world = world();
        let until = world.engine.now() + SignedDuration::from_secs(60);
        let wish = NewGatewayToken { expires_at: Some(until), ..wish("ci") };
        let (_, secret) = block_on(world.engine.add_gateway_token(wish.clone())).unwrap();
        world.clock.advance(Duration::from_secs(59));
        assert!(block_on(world.engine.gateway_token_of(&secret)).unwrap().is_some());
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(block_on(world.engine.gateway_token_of(&secret)).unwrap(), None);
        assert!(block_on(world.engine.gateway_tokens()).unwrap().is_empty());
        assert!(
            block_on(world.engine.add_gateway_token(NewGatewayToken { expires_at: None, ..wish })).is_ok()
        );
    }

    #[test]
    fn names_are_unique_whatever_their_case_and_need_no_quoting() {
        let world = world();
        block_on(world.engine.add_gateway_token(wish("ci"))).unwrap();
        let taken = block_on(world.engine.add_gateway_token(wish("Ci")));
        assert!(matches!(taken, Err(GatewayTokenError::Exists { .. })), "{taken:?}");
        for name in ["", "two words", "-x", "a/b", "ä", "a\nb", &"x".repeat(51)] {
            let refused = block_on(world.engine.add_gateway_token(wish(name)));
            assert!(matches!(refused, Err(GatewayTokenError::Name { .. })), "{name:?}: {refused:?}");
        }
    }
}
