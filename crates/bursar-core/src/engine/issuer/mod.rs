//! The authorization server: who may act for whom, for how long, and until when.
//!
//! A request walks: `http/oauth` → [`checks`] (one table: which check at which endpoint, in order) → the use case in the
//! file of its name → one conditional commit → out. Rules of the wire are in `oauth::server`, what becomes of a refresh
//! token in `lifecycle::rotation`.

pub mod addresses;
pub mod administration;
pub mod answer;
pub mod authorize;
pub mod browser_sessions;
pub mod checks;
mod client_credentials;
mod client_keys;
mod clients;
mod code;
mod committing;
mod consent;
pub mod denial;
pub mod device;
mod ending_all;
pub mod exchange;
mod family_start;
pub mod guesses;
mod hints;
mod introspection;
pub mod keys;
mod known;
pub mod known_browsers;
mod letters;
mod limits;
pub mod logout;
mod logout_notices;
mod metadata_document;
mod minting;
mod of_sandbox;
pub mod own_pages;
mod passkey_sign_in;
pub mod passkeys;
pub mod password_reset;
pub mod passwords;
pub mod presented;
mod proofs;
pub(in crate::engine) mod public_name;
pub mod pushed;
pub mod records;
mod refresh;
pub mod refresh_token;
pub mod refusal;
pub mod registration;
mod revoking;
pub mod rules;
pub mod scopes;
mod secrets;
pub mod session_rules;
pub mod session_tokens;
mod sessions_of_user;
pub mod sign_in;
mod spending;
pub mod statistics;
mod telling;
#[cfg(test)]
mod tests;
mod tickets;
pub mod tidying;
pub mod token;
mod userinfo;
mod validation;
pub mod waiting;

use std::sync::Arc;

use jiff::Timestamp;

use self::addresses::Elsewhere;
use self::administration::refusals::Notes;
use self::keys::Keys;
use self::known::Known;
use self::registration::Housekeeping;
use self::rules::Rules;
use self::secrets::KeptSecrets;
use self::telling::Telling;
use super::Engine;
use crate::ports::passwords::Passwords;
use crate::ports::random::Random;
use crate::ports::store::{Space, Store};

/// The use cases of one authorization server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuthorizationServer {
    within: Arc<Within>,
    /// Who changes things through this handle, if somebody does.
    actor: Option<Arc<str>>,
}

#[derive(Debug)]
struct Within {
    engine: Engine,
    rules: Rules,
    passwords: Arc<dyn Passwords>,
    known: Known,
    keys: Keys,
    secrets: KeptSecrets,
    /// What is known of clients that keep something elsewhere.
    elsewhere: Elsewhere,
    housekeeping: Housekeeping,
    /// How many refusals may be noted.
    notes: Notes,
    telling: Telling,
}

impl AuthorizationServer {
    /// The authorization server of the engine's sandbox.
    pub fn new(engine: Engine, rules: Rules, passwords: Arc<dyn Passwords>) -> Self {
        let ports = engine.ports();
        let known = Known::new(ports.store.clone(), engine.space().clone(), ports.clock.clone());
        let (keys, secrets) = (Keys::default(), KeptSecrets::default());
        let (elsewhere, housekeeping) = (Elsewhere::default(), Housekeeping::default());
        Self {
            within: Arc::new(Within {
                engine,
                rules,
                passwords,
                known,
                keys,
                secrets,
                elsewhere,
                housekeeping,
                notes: Notes::default(),
                telling: Telling::default(),
            }),
            actor: None,
        }
    }

    /// The engine it works with.
    pub fn engine(&self) -> &Engine {
        &self.within.engine
    }

    /// What the operator says.
    pub fn rules(&self) -> &Rules {
        &self.within.rules
    }

    fn store(&self) -> &dyn Store {
        &*self.within.engine.ports.store
    }

    fn space(&self) -> &Space {
        &self.within.engine.space
    }

    fn random(&self) -> &dyn Random {
        &*self.within.engine.ports.random
    }

    /// Now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.within.engine.now()
    }
}
