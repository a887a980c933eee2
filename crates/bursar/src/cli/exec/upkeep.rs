//! Keeps the tokens of a session fresh while its command runs, and its files in step with them.
//!
//! Each account is looked at on its own: its record says when its token is due and when somebody else has changed it.
//! Trouble is told once and tried again at growing distances; what is in a file stays there until there is better.

use std::time::Duration;

use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::lifecycle::window::windows;
use bursar_core::ports::document;
use bursar_core::ports::store::StoreError;
use bursar_core::secret::Fingerprint;
use jiff::{SignedDuration, Timestamp};

use super::super::app::App;
use super::folder::Folder;
use crate::exit::{Exit, Failure};
use crate::failure::login_hint;

/// One account of the session and the files that hold its token.
#[derive(Debug)]
pub(super) struct Upkeep {
    account: AccountReference,
    min_valid: Option<SignedDuration>,
    files: Vec<String>,
    /// What is in the files.
    written: Option<Fingerprint>,
    /// What the record said at the last look.
    seen: Option<Fingerprint>,
    /// No attempt before this, by the stopwatch, unless the record changes.
    next_try: Duration,
    pause: Duration,
    /// What the last attempt said.
    failure: Option<String>,
    told: bool,
}

impl Upkeep {
    /// `written` is the token the files hold already.
    pub(super) fn new(
        account: AccountReference,
        min_valid: Option<SignedDuration>,
        files: Vec<String>,
        written: Fingerprint,
    ) -> Self {
        Self {
            account,
            min_valid,
            files,
            seen: Some(written.clone()),
            written: Some(written),
            next_try: Duration::ZERO,
            pause: FIRST_PAUSE,
            failure: None,
            told: false,
        }
    }

    /// Never ends by itself.
    pub(super) async fn run(mut self, app: &App, folder: Option<&Folder>) {
        let clock = &app.engine.ports().clock;
        loop {
            let trouble = match self.look(app, folder).await {
                Ok(trouble) => trouble,
                Err(error) => Some(words(&error.into())),
            };
            self.tell(app, trouble.as_deref());
            // By the wall clock and the record anew each time, so a clock that jumps or a machine that slept changes
            // nothing.
            clock.sleep(LOOK).await;
        }
    }

    /// What is wrong, if anything.
    async fn look(&mut self, app: &App, folder: Option<&Folder>) -> Result<Option<String>, StoreError> {
        let Some(record) = record(app, &self.account).await? else {
            return Ok(Some("the account is gone".to_owned()));
        };
        let current = record.access.as_ref().map(|access| access.fingerprint.clone());
        let changed = current != self.seen;
        self.seen = current;
        let stale = self.seen != self.written && !self.files.is_empty();
        let stopwatch = app.engine.ports().clock.stopwatch();
        if !stale && !is_due(&record, self.min_valid, app.now()) {
            (self.pause, self.failure) = (FIRST_PAUSE, None);
        } else if changed || stopwatch >= self.next_try {
            self.next_try = stopwatch.saturating_add(self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.failure = self.renew(app, folder).await.err().map(|failure| words(&failure));
        }
        Ok(self.failure.clone().or_else(|| trouble(&record)))
    }

    async fn renew(&mut self, app: &App, folder: Option<&Folder>) -> Result<(), Failure> {
        let ask = Ask { min_valid: self.min_valid, ..Ask::default() };
        let handed = app.desk.hand_out(&self.account, &ask, app.config.refresh.wait.unsigned_abs()).await?;
        let fingerprint = handed.token.fingerprint();
        if self.written.as_ref() == Some(&fingerprint) {
            return Ok(());
        }
        if let Some(folder) = folder {
            for name in &self.files {
                folder.write(name, &handed.token).map_err(|error| unwritten(name, &error))?;
            }
        }
        self.written = Some(fingerprint.clone());
        self.seen = Some(fingerprint);
        Ok(())
    }

    /// Says what changed, not what lasts.
    fn tell(&mut self, app: &App, trouble: Option<&str>) {
        match trouble {
            Some(trouble) if !self.told => app.printer.say(&format!("warning: {}: {trouble}", self.account)),
            None if self.told => app.printer.say(&format!("{} is fresh again", self.account)),
            _ => {}
        }
        self.told = trouble.is_some();
    }
}

/// The account as it is stored now; `None`: it is gone.
pub(super) async fn record(app: &App, account: &AccountReference) -> Result<Option<Account>, StoreError> {
    let engine = &app.engine;
    let stored = document::get::<Account>(&*engine.ports().store, engine.space(), &account.key()).await?;
    Ok(stored.value.map(|stored| stored.document))
}

/// Whether the access token should be renewed now, if the account can be renewed at all.
fn is_due(account: &Account, min_valid: Option<SignedDuration>, now: Timestamp) -> bool {
    match &account.standing {
        Standing::Failing(failing) => failing.next_try <= now,
        Standing::NeedsLogin { .. } | Standing::Revoked { .. } => false,
        Standing::Active => account.access.as_ref().is_some_and(|access| {
            let lead = windows(account, access, min_valid).advisory;
            access.remaining(now).is_some_and(|remaining| remaining <= lead)
        }),
    }
}

/// What is wrong with an account, if anything.
fn trouble(account: &Account) -> Option<String> {
    let hint = login_hint(&account.reference);
    match &account.standing {
        Standing::Active => None,
        Standing::Failing(failing) => {
            Some(format!("cannot be refreshed at the moment, and is tried again: {}", failing.cause.detail))
        }
        Standing::NeedsLogin { cause, .. } => {
            Some(format!("a new login is needed, {hint}: {}", cause.detail))
        }
        Standing::Revoked { .. } => Some(format!("a new login is needed, {hint}: it was revoked")),
    }
}

pub(super) fn unwritten(name: &str, error: &std::io::Error) -> Failure {
    let mut failure =
        Failure::new(Exit::Error, format!("the file of {name} cannot be written and stays as it is"));
    failure.causes.push(error.to_string());
    failure
}

fn words(failure: &Failure) -> String {
    std::iter::once(&failure.message).chain(&failure.causes).cloned().collect::<Vec<_>>().join(": ")
}

/// A look reads one small record. Twice a second is soon enough for a file to follow what others do, and nothing beside
/// what a running command costs.
const LOOK: Duration = Duration::from_millis(500);

/// Between two attempts at first: the store or another refresher may be done by then.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// And at most. The engine spaces calls to providers itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
