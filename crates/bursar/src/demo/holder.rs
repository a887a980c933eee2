//! Who holds the tokens: this program's own login by URL and its own hand-out, on a store in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::broker::HandOut;
use bursar_core::engine::login::{Known, LoggedIn};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::oauth::challenge::ResourceHint;
use futures::future::{join_all, try_join};
use url::Url;

use super::broken;
use crate::config::Config;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::login_plan::{Draft, Target, Wish, listen, refused};

/// One account, which is nobody's after the demo.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    engine: Engine,
    desk: Desk,
    config: &'a Config,
    url: String,
    account: Mutex<Option<AccountReference>>,
}

impl<'a> Holder<'a> {
    /// Nobody yet, who will log in to the MCP server at `url`.
    pub(super) fn new(engine: Engine, config: &'a Config, url: String) -> Self {
        let desk = Desk::new(engine.clone(), Vec::new(), None);
        Self { engine, desk, config, url, account: Mutex::default() }
    }

    /// Logs in by the URL alone, as `bursar login URL` does; `visit` brings somebody to the address that it is given.
    pub(super) async fn log_in(
        &self,
        challenge: Option<&ResourceHint>,
        visit: impl AsyncFnOnce(&Url) -> Result<(), Failure>,
    ) -> Result<LoggedIn, Failure> {
        let (engine, config) = (&self.engine, self.config);
        let failed = |error: &(dyn std::error::Error + 'static)| Failure::of(Exit::Error, error);
        let known = Known { challenge, ..Known::default() };
        let target = Target::find(engine, &self.url, known).await.map_err(|error| failed(&error))?;
        let wish = Wish { target: self.url.clone(), challenge: challenge.cloned(), ..Wish::default() };
        let mut draft = Draft::begin(engine, config, wish, target).await.map_err(|error| failed(&error))?;
        draft.choose_client(engine, config, None).await.map_err(|error| failed(&error))?;
        draft.demand_secret(false).map_err(|error| failed(&error))?;
        let plan = draft.into_plan();
        let (callback, redirect_uri) = listen(&plan, None, None).await.map_err(|error| failed(&error))?;
        let pending = engine.begin_authorization(&plan, &redirect_uri).await.map_err(refused)?;
        let limit = config.login.timeout.unsigned_abs();
        let came_back = async {
            let waited = callback.wait(limit, &*engine.ports().clock).await;
            waited.map_err(|error| failed(&error).hint("try again, without `--browser` if none opens here"))
        };
        let ((), query) = try_join(visit(pending.url()), came_back).await?;
        let logged_in = engine.finish_authorization(&plan, pending, query.expose()).await.map_err(refused)?;
        let reference = logged_in.account.reference.clone();
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(reference);
        Ok(logged_in)
    }

    /// A token that serves for a while, as `bursar token` hands it out.
    pub(super) async fn token(&self) -> Result<Arc<HandOut>, Failure> {
        self.desk.hand_out(&self.account()?, &Ask::default(), PATIENCE).await
    }

    /// The token at hand, whatever is left of it.
    pub(super) async fn token_as_it_is(&self) -> Result<Arc<HandOut>, Failure> {
        self.desk.hand_out_unchecked(&self.account()?).await
    }

    /// What so many callers get who ask at the same time.
    pub(super) async fn tokens(&self, callers: usize) -> Result<Vec<Arc<HandOut>>, Failure> {
        join_all((0..callers).map(|_| self.token())).await.into_iter().collect()
    }

    /// Refreshes now, as `bursar refresh` does.
    pub(super) async fn refresh(&self) -> Result<(), Failure> {
        self.desk.refresh(&self.account()?, PATIENCE).await.map(drop)
    }

    fn account(&self) -> Result<AccountReference, Failure> {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.clone().ok_or_else(|| broken("nobody has logged in"))
    }
}

/// Everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(10);
