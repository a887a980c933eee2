//! Every token the command may have seen, so that none of them is printed.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::secret::Fingerprint;

use super::super::app::App;
use super::mask::Tokens;
use super::upkeep::record;
use crate::http::Told;

/// The tokens of a session's accounts. None is ever forgotten: the command may print an old one.
pub(super) struct KnownTokens<'a> {
    app: &'a App,
    accounts: Vec<AccountReference>,
    known: RefCell<Vec<Fingerprint>>,
    tokens: RefCell<Tokens>,
    /// What the session's socket has handed out since the last look.
    told: Arc<Mutex<Vec<Arc<HandOut>>>>,
}

impl<'a> KnownTokens<'a> {
    /// Knows what the command starts with.
    pub(super) fn new(app: &'a App, handed: &[Arc<HandOut>]) -> Self {
        let accounts = handed.iter().map(|handed| handed.reference.clone()).collect();
        let tokens = RefCell::new(Tokens::new());
        let known = Self { app, accounts, known: RefCell::default(), tokens, told: Arc::default() };
        for handed in handed {
            known.add(handed);
        }
        known
    }

    /// What to look for.
    pub(super) fn tokens(&self) -> &RefCell<Tokens> {
        &self.tokens
    }

    /// What the session's socket tells its tokens to: one that was replaced before the next look is on record no more.
    pub(super) fn told(&self) -> Told {
        let told = Arc::clone(&self.told);
        Arc::new(move |handed| told.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(handed)))
    }

    /// Learns what has been refreshed, by whomever. A token is on record before anybody gets it, so who asks this after
    /// reading what the command printed knows every token in it.
    pub(super) async fn catch_up(&self) {
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        for handed in told {
            if !self.known.borrow().contains(&handed.token.fingerprint()) {
                self.add(&handed);
            }
        }
        for account in &self.accounts {
            // What cannot be read now nobody else can read either.
            let Ok(Some(record)) = record(self.app, account).await else { continue };
            let Some(access) = record.access else { continue };
            if self.known.borrow().contains(&access.fingerprint) {
                continue;
            }
            match self.app.desk.hand_out_unchecked(account).await {
                Ok(handed) => self.add(&handed),
                Err(failure) => {
                    tracing::debug!(%account, reason = failure.message, "a token to be masked is unknown");
                }
            }
        }
    }

    /// Looks again and again, for the tokens that come and go while the command prints nothing.
    pub(super) async fn keep_up(&self) {
        loop {
            self.app.engine.ports().clock.sleep(LOOK).await;
            self.catch_up().await;
        }
    }

    fn add(&self, handed: &HandOut) {
        self.known.borrow_mut().push(handed.token.fingerprint());
        let mut tokens = self.tokens.borrow_mut();
        tokens.add(&handed.token);
        if let Some(identity_token) = &handed.identity_token {
            tokens.add(identity_token);
        }
    }
}

/// Shorter than any token lives.
const LOOK: Duration = Duration::from_millis(500);
