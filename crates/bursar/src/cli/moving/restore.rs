//! `bursar restore`: a backup into an empty store, and what is said of the copy after it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bursar_core::engine::Engine;
use bursar_core::engine::moving::Backup;
use bursar_core::engine::moving::copy::Waiting;
use bursar_core::engine::sandboxes::Sandboxes;
use serde_json::json;

use super::progress::Progress;
use super::refusal::refused;
use super::{contents, counted, document, engine_on};
use crate::cli::administration::{server_around_on, server_within};
use crate::cli::app::App;
use crate::cli::arguments::moving::{GrantsFate, RestoreCommand};
use crate::cli::printer::{GOOD, WARN, paint};
use crate::exit::{Exit, Failure};

pub(in crate::cli) async fn run(app: &App, command: &RestoreCommand) -> Result<Exit, Failure> {
    let password_file = command.password_file.as_deref();
    let engine = engine_on(app, command.into.as_ref(), password_file, command.file.is_some()).await?;
    let restored = match &command.file {
        Some(path) => Some(fill(app, &engine, path).await?),
        None => None,
    };
    if command.confirm {
        let doubted = engine.confirm_source_is_dead().await?;
        let what = counted(u64::try_from(doubted).unwrap_or(u64::MAX), "login");
        good(
            app,
            &format!("the original counts as gone; {what} came from it, renewed as their providers allow"),
        );
    }
    match command.grants {
        Some(GrantsFate::Accept) => {
            engine.let_grants_stand().await?;
            good(app, "what the server had issued counts again");
        }
        Some(GrantsFate::Revoke) => {
            let ended = revoke_everywhere(app, &engine).await?;
            engine.let_new_grants_stand().await?;
            good(app, &format!("{} taken back; everybody signs in anew", counted(ended, "grant")));
        }
        None => {}
    }
    let waiting = engine.waiting().await?;
    print(app, restored.as_ref(), &waiting);
    Ok(Exit::Ok)
}

async fn fill(app: &App, engine: &Engine, path: &Path) -> Result<Backup, Failure> {
    let source: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let file = File::open(path).map_err(|error| {
            let mut failure = Failure::new(Exit::Usage, format!("{} cannot be read", path.display()));
            failure.causes.push(error.to_string());
            failure.hint("name a file that `bursar backup` has written")
        })?;
        Box::new(file)
    };
    let mut reader = BufReader::new(Progress::new(app, source, "read"));
    let restored = engine.restore_backup(&mut reader).await.map_err(refused)?;
    good(app, &format!("restored: {}, as of {:.0}", contents(&restored), restored.created_at));
    Ok(restored)
}

/// Of the installation and all of its sandboxes.
async fn revoke_everywhere(app: &App, engine: &Engine) -> Result<u64, Failure> {
    let around = server_around_on(app, engine).await?;
    let mut ended = around.end_everything_issued().await?;
    let mut walk = Sandboxes::new(engine.clone()).walk();
    while let Some(sandbox) = walk.next().await? {
        ended += server_within(&around, &sandbox)?.end_everything_issued().await?;
    }
    Ok(ended)
}

/// What is so now, and what somebody has to say.
fn print(app: &App, restored: Option<&Backup>, waiting: &Waiting) {
    let Waiting { incarnation, accounts, grants } = waiting;
    let (unconfirmed, suspended) = (incarnation.may_have_living_source(), incarnation.suspends_grants());
    if app.printer.json {
        app.printer.document(&json!({
            "schema": 1,
            "restored": restored.map(document),
            "incarnation": incarnation.id,
            "accounts": accounts,
            "accounts_state": if unconfirmed { "uncertain" } else { "confirmed" },
            "grants": grants,
            "grants_state": if suspended { "suspended" } else { "standing" },
        }));
    }
    let note = |text: &str| app.printer.say(&format!("{}: {text}", paint("note", WARN)));
    if unconfirmed && *accounts > 0 {
        note(&format!(
            "{} not refreshed here while the original may do so: when it is gone for good, run `bursar restore --confirm`",
            counted_are(*accounts, "login")
        ));
    }
    if suspended && *grants > 0 {
        note(&format!(
            "{} suspended, and the server answers 503: they may have been taken back since the backup. Run `bursar restore \
             --grants accept` if nothing was, else `--grants revoke`",
            counted_are(*grants, "grant")
        ));
    } else if suspended {
        note("the server answers 503 until you run `bursar restore --grants accept` or `--grants revoke`");
    }
}

fn counted_are(number: u64, what: &str) -> String {
    format!("{} {}", counted(number, what), if number == 1 { "is" } else { "are" })
}

fn good(app: &App, text: &str) {
    app.printer.say(&format!("{} {text}", paint("[OK]", GOOD)));
}
