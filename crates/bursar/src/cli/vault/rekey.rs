//! `bursar vault rekey`: new data keys, beside servers and agents that go on.

use std::time::Duration;

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::engine::vault::rekeying::{Progress, RekeyError, Rekeyer, Rekeying, Step};
use jiff::Timestamp;
use serde_json::json;

use super::{no_vault, say_good};
use crate::cli::administration::server_around;
use crate::cli::app::App;
use crate::cli::arguments::vault::VaultRekey;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &VaultRekey) -> Result<Exit, Failure> {
    let (engine, clock) = (&app.engine, &*app.engine.ports().clock);
    let lives = server_around(app).await?.rules().made_lives();
    if engine.announce_data_keys(command.keep_old, lives, None).await.map_err(refused)? == 0 {
        app.printer.say("Going on with the change of data keys that is under way.");
    } else {
        app.printer.say("New data keys are announced; all that runs gets to know them first.");
    }
    let rekeyer = Rekeyer::new(engine.clone(), lives, command.rate);
    let mut told = Told::default();
    loop {
        let mut pause: Option<Duration> = None;
        for rekeying in engine.rekeyings().await? {
            if let Step::Worked { pause: after } =
                rekeyer.step(rekeying.sandbox.as_ref()).await.map_err(refused)?
            {
                pause = Some(pause.unwrap_or_default() + after);
            }
        }
        let under_way = engine.rekeyings().await?;
        told.tell(app, &under_way);
        if under_way.is_empty() {
            say_good(app, "Everything is sealed with the new data keys, and the old ones are gone.");
            print(app, told.resealed, None);
            return Ok(Exit::Ok);
        }
        let is_sealed = under_way.iter().all(|rekeying| rekeying.progress() == Progress::Kept);
        if pause.is_none() && is_sealed && !command.wait {
            let until = under_way.iter().filter_map(Rekeying::kept_until).max();
            say_kept(app, until);
            print(app, told.resealed, until);
            return Ok(Exit::Ok);
        }
        clock.sleep(pause.unwrap_or(LOOK_AGAIN)).await;
    }
}

/// What was said of the progress, so that nothing is said twice.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    at: Option<Duration>,
    resealed: u64,
}

impl Told {
    fn tell(&mut self, app: &App, under_way: &[Rekeying]) {
        self.resealed = self.resealed.max(under_way.iter().map(|rekeying| rekeying.resealed).sum());
        let now = app.engine.ports().clock.stopwatch();
        let lines: Vec<String> = under_way.iter().filter_map(line).collect();
        if lines == self.lines || self.at.is_some_and(|at| now.saturating_sub(at) < BETWEEN_LINES) {
            return;
        }
        for line in lines.iter().filter(|line| !self.lines.contains(line)).take(MOST_LINES) {
            app.printer.say(line);
        }
        (self.lines, self.at) = (lines, Some(now));
    }
}

fn line(rekeying: &Rekeying) -> Option<String> {
    let pass = rekeying.pass.as_ref()?;
    let whose = rekeying.sandbox.as_ref().map_or("the installation", SandboxName::as_str);
    let held = match pass.held_back {
        0 => String::new(),
        held => format!(", {held} still need the old key"),
    };
    let (looked_at, records, resealed) = (pass.looked_at, pass.records, rekeying.resealed);
    Some(format!("     {whose}: {looked_at} of {records} records looked at, {resealed} sealed anew{held}"))
}

fn say_kept(app: &App, until: Option<Timestamp>) {
    say_good(app, "Everything is sealed with the new data keys.");
    let until = until.map_or_else(|| "a while".to_owned(), |until| until.to_string());
    app.printer.say(&format!(
        "     The old ones stay until {until}, for those who were held up. A running server or agent removes"
    ));
    app.printer.say("     them then; without one, run `bursar vault rekey` once more.");
}

fn print(app: &App, resealed: u64, until: Option<Timestamp>) {
    if app.printer.json {
        let state = if until.is_some() { "kept" } else { "done" };
        app.printer.document(&json!({
            "schema": 1, "state": state, "resealed": resealed, "old_keys_until": until,
        }));
    }
}

fn refused(error: RekeyError) -> Failure {
    match error {
        RekeyError::NoVault => no_vault(),
        RekeyError::Vault(error) => error.into(),
        RekeyError::Store(error) => error.into(),
        RekeyError::MasterKeyChanging => Failure::of(Exit::Error, &error)
            .hint("finish it with `bursar vault rotate --finish`, or use the vault once and try again"),
    }
}

/// A step that waits is looked at so often: whoever watches sees it go on at once.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const BETWEEN_LINES: Duration = Duration::from_millis(500);
/// A person reads no more.
const MOST_LINES: usize = 8;
