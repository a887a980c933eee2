//! New data keys at the wish of an administrator of the installation. Whoever runs goes on with the change: see
//! `engine::vault::rekeying`.

use jiff::SignedDuration;

use crate::engine::issuer::AuthorizationServer;
use crate::engine::vault::rekeying::RekeyError;
use crate::ports::store::StoreError;

impl AuthorizationServer {
    /// Announces new data keys for the installation and its sandboxes. The old ones stay for `kept_for` after all seal with
    /// the new ones. How many; none while a change is under way.
    ///
    /// # Errors
    /// The vault or the store cannot be used, a change of the master key is not finished, or this is the server of a sandbox:
    /// keys of the installation are none of its business.
    pub async fn announce_data_keys(&self, kept_for: SignedDuration) -> Result<u32, RekeyError> {
        if self.rules().sandbox.is_some() {
            return Err(
                StoreError::Misuse("the keys of the installation are changed from its own server").into()
            );
        }
        let lives = self.rules().made_lives();
        self.engine().announce_data_keys(kept_for, lives, self.actor.as_deref()).await
    }
}
