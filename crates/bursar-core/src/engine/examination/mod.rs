//! What real clients meet at a server: an MCP server and whoever issues its tokens, ours or anybody's.
//!
//! Plays the clients one line after another and writes down what holds and what does not; [`checks`] is the table of lines.
//! It changes nothing for others: its clients and tokens are its own, and are given back at the end where that is offered.

mod authorization;
pub mod checks;
mod client;
mod described;
mod line;
mod refreshing;
mod resource;
mod sending;
mod server;
mod sign_in;
mod token;

pub use self::line::{Line, Outcome, Verdict};
pub use self::sending::Tools;
pub use self::sign_in::Trip;

use std::collections::BTreeMap;

use self::checks::{CHECKS, Check, Stage};
use self::client::TrialClient;
use self::described::Described;
use self::refreshing::Tokens;
use crate::oauth::scope::Scope;
use crate::oauth::url::{EndpointUrl, UrlError};

/// One server under examination.
#[derive(Debug)]
pub struct Examination<'a> {
    tools: Tools<'a>,
    url: EndpointUrl,
    written: String,
    outcomes: BTreeMap<&'static str, Outcome>,
    /// Why a whole stage was not tried.
    reasons: BTreeMap<Stage, String>,
    resource: Option<ResourceFound>,
    server: Option<Described>,
    client: Option<TrialClient>,
    tokens: Option<Tokens>,
}

/// What is known of the protected resource.
#[derive(Clone, Debug, Default)]
struct ResourceFound {
    /// What tokens are asked for by.
    indicator: Option<String>,
    /// Who issues them.
    issuers: Vec<String>,
    /// What to ask for.
    scope: Scope,
}

/// What the person who asks brings along.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Where answers will come back to, if somebody signs in: `http` on 127.0.0.1 with a port and a path.
    pub redirect_uri: String,
    /// A public client that is registered already.
    pub client_id: Option<String>,
    /// Where a client metadata document of ours is.
    pub metadata_document: Option<String>,
}

impl<'a> Examination<'a> {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// `url` is none that a token may be sent to.
    pub fn new(mut tools: Tools<'a>, url: &str) -> Result<Self, UrlError> {
        let written = url.to_owned();
        let url = EndpointUrl::parse(url)?;
        tools.url = Some(url.clone());
        Ok(Self {
            tools,
            url,
            written,
            outcomes: BTreeMap::new(),
            reasons: BTreeMap::new(),
            resource: None,
            server: None,
            client: None,
            tokens: None,
        })
    }

    /// Everything that needs nobody to sign in.
    pub async fn without_person(&mut self, given: &Given) {
        self.examine_resource().await;
        self.examine_server().await;
        self.examine_registration(given).await;
        self.examine_authorization().await;
        self.examine_token_endpoint().await;
    }

    /// Says why nobody has signed in.
    pub fn nobody_signed_in(&mut self, reason: &str) {
        self.reasons.entry(Stage::SignIn).or_insert_with(|| reason.to_owned());
    }

    /// Gives back what was made, and tells every line in the order of the table.
    pub async fn finish(mut self) -> Vec<Line> {
        self.examine_old_refresh_token().await;
        self.give_back().await;
        CHECKS.iter().map(|check| Line { check, outcome: self.outcome_of(check) }).collect()
    }

    fn outcome_of(&self, check: &'static Check) -> Outcome {
        let untried = || {
            let reason = self.reasons.get(&check.stage).cloned();
            Outcome::Untried(reason.unwrap_or_else(|| "what it needs was not there".to_owned()))
        };
        self.outcomes.get(check.name).cloned().unwrap_or_else(untried)
    }

    fn holds(&mut self, check: &'static Check, what: impl Into<String>) {
        self.outcomes.insert(check.name, Outcome::Holds(what.into()));
    }

    fn broken(&mut self, check: &'static Check, what: impl Into<String>) {
        self.outcomes.insert(check.name, Outcome::Broken(what.into()));
    }

    fn untried(&mut self, check: &'static Check, why: impl Into<String>) {
        self.outcomes.insert(check.name, Outcome::Untried(why.into()));
    }

    /// Holds, or is broken, with what was seen in either case.
    fn judge(&mut self, check: &'static Check, is_so: bool, what: impl Into<String>) {
        if is_so { self.holds(check, what) } else { self.broken(check, what) }
    }

    /// The whole stage cannot be tried.
    fn skip(&mut self, stage: Stage, reason: &str) {
        self.reasons.entry(stage).or_insert_with(|| reason.to_owned());
    }
}

#[cfg(test)]
mod tests;
