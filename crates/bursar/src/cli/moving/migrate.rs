//! `bursar migrate`: everything to another store, and this one sealed.

use bursar_core::engine::moving::migration::{Moved, Step};
use serde_json::json;

use super::refusal::stopped;
use super::{counted, engine_on};
use crate::cli::app::App;
use crate::cli::arguments::moving::MigrateCommand;
use crate::cli::printer::{GOOD, paint};
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};

pub(in crate::cli) async fn run(app: &App, command: &MigrateCommand) -> Result<Exit, Failure> {
    let to = command.to.to_string();
    let target = engine_on(app, Some(&command.to), command.password_file.as_deref(), !command.cancel).await?;
    if command.cancel {
        app.engine.cancel_migration(&target, &to).await.map_err(|error| stopped(error, &to))?;
        app.printer
            .say(&format!("{} the move to {to} is called off; this store serves again", paint("[OK]", GOOD)));
        app.printer
            .say("     What was copied is still there and serves nobody: empty it before you begin again.");
        return Ok(Exit::Ok);
    }
    let folder = Paths::resolve(&app.environment)?.data_folder().to_owned();
    // Encrypted, and gone with this process.
    let mut spool = tempfile::tempfile_in(&folder).map_err(|error| {
        Failure::of(Exit::Error, &error)
            .hint(format!("make room in {}; nothing was changed", folder.display()))
    })?;
    let mut tell = |step| app.printer.say(words(step).as_str());
    let moved = app.engine.migrate(&target, &to, &mut spool, &mut tell).await;
    let moved = moved.map_err(|error| stopped(error, &to))?;
    print(app, &moved, &to);
    Ok(Exit::Ok)
}

fn words(step: Step) -> String {
    match step {
        Step::Waiting(1) => "waiting for 1 refresh that is under way".to_owned(),
        Step::Waiting(calls) => format!("waiting for {calls} refreshes that are under way"),
        Step::Reading => "this store is sealed; reading it".to_owned(),
        Step::Writing => "writing to the other one".to_owned(),
        Step::Comparing => "comparing both".to_owned(),
        Step::LettingOthersHear => "giving servers time to hear of it".to_owned(),
    }
}

fn print(app: &App, moved: &Moved, to: &str) {
    if app.printer.json {
        app.printer.document(&json!({
            "schema": 1,
            "from": moved.from,
            "incarnation": moved.incarnation,
            "to": to,
            "counts": moved.counts,
        }));
    }
    let number = counted(moved.counts.values().sum(), "record");
    let what = if moved.counts.is_empty() {
        "everything was there already".to_owned()
    } else {
        format!("{number} are there")
    };
    app.printer.say(&format!("{} {what}; {to} is in service", paint("[OK]", GOOD)));
    app.printer
        .say("     Set `store.database` to it, and start servers and agents anew: this store stays sealed.");
}
