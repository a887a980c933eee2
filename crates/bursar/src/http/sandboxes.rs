//! The API of the agent in sandboxes: at `/s/NAME` the routes about accounts once more, for the accounts of that sandbox alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::Engine;
use bursar_core::engine::sandboxes::{Sandbox, SandboxName, Sandboxes};
use bursar_core::ports::store::SandboxId;
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use tower_service::Service as _;

use super::refusal::{Refusal, unknown_route};
use super::{Api, place_of, sandbox_router};
use crate::config::meaning::RuleConfig;
use crate::desk::Desk;
use crate::logins::Logins;
use crate::system::TokioTasks;

/// The sandboxes that somebody asks the agent about. Clones are the same.
#[derive(Clone, Debug)]
pub struct AgentSandboxes {
    /// The API of the installation around them.
    around: Api,
    open: Arc<Mutex<HashMap<SandboxId, Open>>>,
}

#[derive(Debug)]
struct Open {
    sandbox: Sandbox,
    desk: Desk,
    router: Router,
    last_used: Duration,
}

impl AgentSandboxes {
    /// Those of the installation that `around` is the API of.
    pub fn new(around: Api) -> Self {
        Self { around, open: Arc::default() }
    }

    /// Answers what is asked about a sandbox, and knows nothing else.
    pub async fn answer(self, mut request: Request) -> Response {
        let Some((name, within)) = within(request.uri()) else {
            return unknown_route().await.into_response();
        };
        // Asked each time: whoever has just made one must not be told that there is none.
        let found = Sandboxes::new(self.around.desk.engine()).named(name.as_str()).await;
        let sandbox = match found {
            Ok(Some(sandbox)) => sandbox,
            Ok(None) => return missing(&name).into_response(),
            Err(error) => return Refusal::from(error).into_response(),
        };
        *request.uri_mut() = within;
        match self.router(&sandbox).call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// From now on works as a new configuration says.
    pub fn reconfigure(&self, engine: &Engine, rules: &[RuleConfig]) {
        for open in self.open().values() {
            open.desk.reconfigure(engine.in_sandbox(&open.sandbox), rules.to_vec());
        }
    }

    fn router(&self, sandbox: &Sandbox) -> Router {
        let engine = self.around.desk.engine();
        let now = engine.ports().clock.stopwatch();
        let mut all = self.open();
        if let Some(open) = all.get_mut(&sandbox.space) {
            open.last_used = now;
            return open.router.clone();
        }
        if all.len() >= MOST_OPEN {
            let oldest = all.iter().min_by_key(|(_, open)| open.last_used).map(|(space, _)| space.clone());
            oldest.map(|oldest| all.remove(&oldest));
        }
        let rules = self.around.host.config().rules.clone();
        // Without a shelf: what nobody keeps open nobody has to take away from a sandbox that ends.
        let desk = Desk::new(engine.in_sandbox(sandbox), rules, None);
        // Whoever logs in in one sandbox is seen in no other.
        let logins = Logins::new(Arc::new(TokioTasks::new()));
        let router = sandbox_router(Api { desk: desk.clone(), host: Arc::clone(&self.around.host), logins });
        let open = Open { sandbox: sandbox.clone(), desk, router: router.clone(), last_used: now };
        all.insert(sandbox.space.clone(), open);
        router
    }

    /// No invariant spans two entries in a way that a panic could break.
    fn open(&self) -> MutexGuard<'_, HashMap<SandboxId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sandbox that a path is about, and the path within it.
fn within(uri: &Uri) -> Option<(SandboxName, Uri)> {
    let asked = uri.path_and_query()?.as_str();
    let name = asked.strip_prefix("/s/")?.split('/').next()?;
    let name = SandboxName::parse(name).ok()?;
    let within = asked.strip_prefix(&place_of(&name)).filter(|within| within.starts_with('/'))?;
    let within: PathAndQuery = within.parse().ok()?;
    Some((name, Uri::from(within)))
}

fn missing(name: &SandboxName) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "no_such_sandbox", format!("there is no sandbox `{name}`"))
        .hint("see what there is with `bursar sandbox list`")
}

/// Each has routes of some ten kilobytes and can be made again in a moment.
const MOST_OPEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sandbox_is_taken_from_a_path() {
        for (asked, expected) in [
            ("/s/dev/v1/accounts/a%2Fb/token?x=1", Some(("dev", "/v1/accounts/a%2Fb/token?x=1"))),
            ("/s/dev/", Some(("dev", "/"))),
            ("/s/dev", None),
            ("/s/default/v1/accounts", None),
            ("/s/D/v1/accounts", None),
            ("/s/../v1/accounts", None),
            ("/v1/accounts", None),
        ] {
            let found = within(&asked.parse().unwrap());
            let found = found.map(|(name, within)| (String::from(name), within.to_string()));
            let expected = expected.map(|(name, within)| (name.to_owned(), within.to_owned()));
            assert_eq!(found, expected, "{asked}");
        }
    }
}
