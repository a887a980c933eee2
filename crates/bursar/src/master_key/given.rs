//! A key that was handed over in `BURSAR_MASTER_KEY`.
//!
//! The least private place: other processes of the same user can read it. It is there for containers and CI.

use bursar_core::ports::key_source::{KeyError, KeySource, MasterKey};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::encoding::{HOW_TO_MAKE_ONE, decode};
use super::failure::unavailable;
use crate::config::environment::Environment;

/// A key known from the start.
#[derive(Debug)]
pub(super) struct GivenKey(MasterKey);

impl GivenKey {
    pub(super) fn from_environment(environment: &Environment) -> Result<Self, KeyError> {
        let text = environment.secret("BURSAR_MASTER_KEY");
        let text = text.ok_or_else(|| unavailable(NAME, "BURSAR_MASTER_KEY is not set", HOW_TO_MAKE_ONE))?;
        let key = decode(text.expose());
        key.map(Self)
            .map_err(|error| unavailable(NAME, &format!("BURSAR_MASTER_KEY: {error}"), HOW_TO_MAKE_ONE))
    }
}

const NAME: &str = "environment";

impl KeySource for GivenKey {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>> {
        ready(Ok(self.0.clone())).boxed()
    }
}
