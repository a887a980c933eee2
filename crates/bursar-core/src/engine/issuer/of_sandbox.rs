//! The authorization server of a sandbox: as its installation's, but for its name, its records, its keys, and what was said
//! of it alone.

use std::sync::Arc;

use super::AuthorizationServer;
use super::rules::{Lifetimes, Rules};
use super::session_rules::{AllowedUsers, SessionRules};
use crate::engine::sandboxes::Sandbox;
use crate::oauth::url::Issuer;

impl AuthorizationServer {
    /// The authorization server of a sandbox of the same installation, which is known as `issuer`.
    #[must_use]
    pub fn of_sandbox(&self, sandbox: &Sandbox, issuer: Issuer) -> Self {
        let engine = self.engine().in_sandbox(sandbox);
        Self::new(engine, rules(self.rules(), sandbox, issuer), Arc::clone(&self.within.passwords))
    }
}

fn rules(around: &Rules, sandbox: &Sandbox, issuer: Issuer) -> Rules {
    let said = &sandbox.settings;
    let usual = around.lifetimes;
    let refresh = said.refresh_token.unwrap_or(usual.refresh);
    Rules {
        issuer,
        sandbox: Some(sandbox.name.clone()),
        lifetimes: Lifetimes {
            access: said.access_token.unwrap_or(usual.access),
            refresh,
            // Who says that a token shall live longer than logins do means both.
            login: usual.login.max(refresh),
            ..usual
        },
        open_registration: said.open_registration.unwrap_or(around.open_registration),
        // Whoever closes a sandbox to programs that nobody knows means all of them.
        metadata_documents: around.metadata_documents && said.open_registration != Some(false),
        quotas: said.quotas,
        // The application and the users that the operator names are the server's own: what signs sessions there must sign
        // none here.
        sessions: SessionRules::default(),
        allowed_users: AllowedUsers::default(),
        ..around.clone()
    }
}
