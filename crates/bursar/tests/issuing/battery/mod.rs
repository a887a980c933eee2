//! The attack battery: every line of the checklist that an authorization server is held to is a test of its number.

mod authorization;
mod client_authentication;
mod code;
mod consent;
mod coverage;
mod device;
mod hostile;
mod metadata;
mod metadata_documents;
mod passkeys;
mod passwords;
mod proofs;
mod rebinding;
mod refresh;
mod registration;
mod tokens;

use super::STORES;
use crate::issuing::world::{Plan, World, on_each};

/// Runs a test on every store there is here.
async fn on_every_store(test: impl AsyncFn(World)) {
    planned(&Plan::default, test).await;
}

/// The same with worlds of a plan.
async fn planned(plan: &dyn Fn() -> Plan, test: impl AsyncFn(World)) {
    on_each(STORES(), plan, test).await;
}
