//! The operating system's keychain, with a time limit.
//!
//! Keychains are known to wait for ever for a prompt that nobody sees, so every conversation ends at the limit. Linux:
//! `secret_service`. The keychains of macOS and Windows are not built in yet: the error says what to use instead.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::key_source::{KeyError, KeySource, MasterKey};
use futures::future::{BoxFuture, Either, select};

use super::encoding::{decode, encode};
use super::failure::{locked, unavailable};
use super::{Interaction, KeyContext};

/// One vault's entry in the keychain.
#[derive(Debug)]
pub(super) struct Keychain {
    entry: String,
    /// Where the keychain listens.
    address: Option<String>,
    interaction: Interaction,
    clock: Arc<dyn Clock>,
}

/// What went wrong in the conversation.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has a client so far"))]
pub(super) enum KeychainFailure {
    /// A person has to unlock it.
    Locked,
    /// It answered, but has no such entry.
    Absent,
    /// It is not there or answers with an error.
    Failed(String),
}

impl Keychain {
    pub(super) fn new(context: &KeyContext<'_>, entry: String) -> Self {
        Self {
            entry,
            address: address(context),
            interaction: context.interaction,
            clock: Arc::clone(&context.clock),
        }
    }

    /// Writes the key under this entry.
    pub(super) async fn store(&self, key: &MasterKey) -> Result<(), KeyError> {
        let text = encode(key);
        self.within_limit(client::store(self.address.as_deref(), &self.entry, &text, self.interaction)).await
    }

    /// Removes the entry; nothing if it is gone.
    pub(super) async fn remove(&self) -> Result<(), KeyError> {
        let conversation = async {
            match client::remove(self.address.as_deref(), &self.entry, self.interaction).await {
                Err(KeychainFailure::Absent) => Ok(()),
                other => other,
            }
        };
        self.within_limit(conversation).await
    }

    async fn within_limit<T>(
        &self,
        conversation: impl Future<Output = Result<T, KeychainFailure>>,
    ) -> Result<T, KeyError> {
        let limit = match self.interaction {
            Interaction::Never => LIMIT,
            Interaction::Allowed => LIMIT_WITH_A_PERSON,
        };
        match select(std::pin::pin!(conversation), self.clock.sleep(limit)).await {
            Either::Left((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(KeychainFailure::Locked), _)) => Err(locked(NAME, UNLOCK)),
            Either::Left((Err(KeychainFailure::Absent), _)) => {
                Err(unavailable(NAME, "it holds no key for this vault", RESTORE))
            }
            Either::Left((Err(KeychainFailure::Failed(detail)), _)) => {
                Err(unavailable(NAME, &detail, INSTEAD))
            }
            Either::Right(_) => {
                let detail = format!("it did not answer within {} s", limit.as_secs());
                Err(unavailable(NAME, &detail, INSTEAD))
            }
        }
    }
}

/// A keychain that works answers within milliseconds; one that has to be started first within a second.
const LIMIT: Duration = Duration::from_secs(3);

/// Time to find the prompt's window and type a password.
const LIMIT_WITH_A_PERSON: Duration = Duration::from_mins(1);

const NAME: &str = "keychain";
const UNLOCK: &str = "unlock the keychain (log in to the desktop), or set \
                      BURSAR_MASTER_KEY_FILE to a copy of the key";
const RESTORE: &str = "restore the keychain's entry, or set BURSAR_MASTER_KEY_FILE to a copy of the key";
const INSTEAD: &str = "start the keychain, or set BURSAR_MASTER_KEY_FILE to a copy of the key; a new vault can \
                       use another place: set `key` under [vault] in config.toml";

impl KeySource for Keychain {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>> {
        Box::pin(async move {
            let conversation = client::read(self.address.as_deref(), &self.entry, self.interaction);
            let text = self.within_limit(conversation).await?;
            decode(text.expose()).map_err(|error| unavailable(NAME, &format!("its entry: {error}"), RESTORE))
        })
    }
}

#[cfg(target_os = "linux")]
use super::secret_service as client;

/// The session bus: as named, or where every login session has it.
#[cfg(target_os = "linux")]
fn address(context: &KeyContext<'_>) -> Option<String> {
    if let Some(address) = context.environment.text("DBUS_SESSION_BUS_ADDRESS") {
        return Some(address.to_owned());
    }
    let bus = context.environment.path("XDG_RUNTIME_DIR")?.join("bus");
    bus.exists().then(|| format!("unix:path={}", bus.display()))
}

#[cfg(not(target_os = "linux"))]
fn address(_context: &KeyContext<'_>) -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
mod client {
    use bursar_core::secret::Secret;

    use super::{Interaction, KeychainFailure};

    fn missing<T>() -> Result<T, KeychainFailure> {
        Err(KeychainFailure::Failed("the keychain of this system is not built in yet".to_owned()))
    }

    pub(super) async fn read(_: Option<&str>, _: &str, _: Interaction) -> Result<Secret, KeychainFailure> {
        missing()
    }

    pub(super) async fn remove(_: Option<&str>, _: &str, _: Interaction) -> Result<(), KeychainFailure> {
        missing()
    }

    pub(super) async fn store(
        _: Option<&str>,
        _: &str,
        _: &Secret,
        _: Interaction,
    ) -> Result<(), KeychainFailure> {
        missing()
    }
}
