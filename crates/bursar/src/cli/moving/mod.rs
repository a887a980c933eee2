//! `bursar backup`, `bursar restore` and `bursar migrate`: one copy of everything, and the move to another store.

mod backup_file;
pub(super) mod migrate;
mod progress;
mod refusal;
pub(super) mod restore;

use std::io::{BufReader, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use bursar_core::engine::Engine;
use bursar_core::engine::moving::Backup;
use bursar_core::secret::Secret;
use serde_json::{Value, json};

use self::backup_file::BackupFile;
use self::progress::Progress;
use self::refusal::refused;
use super::app::App;
use super::arguments::moving::BackupCommand;
use super::login::plan::read_private;
use super::printer::{GOOD, paint};
use crate::account_view::rfc3339;
use crate::config::paths::Paths;
use crate::config::store_place::StorePlace;
use crate::exit::{Exit, Failure};
use crate::wiring;

/// Writes a backup.
pub(super) async fn backup(app: &App, command: &BackupCommand) -> Result<Exit, Failure> {
    if command.file == Path::new("-") {
        return backup_to_stdout(app).await;
    }
    let file = BackupFile::create(&command.file, command.force)?;
    let mut writer = BufWriter::new(Progress::new(app, file.as_file(), "written"));
    let written = app.engine.back_up(&mut writer).await.map_err(refused)?;
    let flushed = writer.into_inner().map_err(std::io::IntoInnerError::into_error);
    let bytes = flushed.map_err(|error| file.failed(&error))?.end();
    file.sync()?;
    // A backup that nobody has read may be none.
    let mut reader = BufReader::new(Progress::new(app, file.reopen()?, "checked"));
    let checked = app.engine.check_backup(&mut reader).await.map_err(refused)?;
    if checked != written {
        return Err(Failure::new(Exit::Error, "what was written is not what was read back")
            .hint("check the disk, and write the backup somewhere else"));
    }
    file.keep()?;
    let place = command.file.display().to_string();
    if app.printer.json {
        let mut document = document(&written);
        document["file"] = json!(place);
        document["bytes"] = json!(bytes);
        app.printer.document(&document);
    }
    app.printer.say(&format!(
        "{} {place} holds {}; only the master key of this vault opens it",
        paint("[OK]", GOOD),
        contents(&written)
    ));
    Ok(Exit::Ok)
}

async fn backup_to_stdout(app: &App) -> Result<Exit, Failure> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::new(Exit::Usage, "a backup is not for a terminal")
            .hint("name a file, or send it on: bursar backup - | ssh HOST 'cat > bursar.backup'"));
    }
    let mut writer = BufWriter::new(Progress::new(app, std::io::stdout(), "written"));
    let written = app.engine.back_up(&mut writer).await.map_err(refused)?;
    let cut = |error: std::io::Error| {
        Failure::of(Exit::Error, &error).hint("see that whoever reads it reads all of it")
    };
    writer.flush().map_err(cut)?;
    app.printer.say(&format!("{} written: {}", paint("[OK]", GOOD), contents(&written)));
    Ok(Exit::Ok)
}

/// The same use cases on the store that a command names, or on the configured one. `discards`: what an interrupted copy has
/// left there goes.
async fn engine_on(
    app: &App,
    place: Option<&StorePlace>,
    password_file: Option<&Path>,
    discards: bool,
) -> Result<Engine, Failure> {
    let Some(place) = place else { return Ok(app.engine.clone()) };
    let password: Option<Secret> = match password_file {
        Some(path) => Some(read_private(app, path).await?),
        None => None,
    };
    let paths = Paths::resolve(&app.environment)?;
    let wanted = wiring::Beside { place, password, discards_half_restored: discards };
    let clock = Arc::clone(&app.engine.ports().clock);
    let opened = wiring::open_beside(&wanted, &app.environment, &paths, &app.config, clock).await;
    let store = opened.map_err(|error| {
        let inner = Failure::from(error);
        let mut failure = Failure::new(inner.exit, format!("{place} cannot be used"));
        failure.causes = inner.causes;
        failure.causes.insert(0, inner.message);
        failure.hint("check the URL, the server, and the password in `--password-file`")
    })?;
    Ok(app.engine.on_store(store))
}

fn document(backup: &Backup) -> Value {
    json!({
        "schema": 1,
        "incarnation": backup.incarnation,
        "created_at": rfc3339(backup.created_at),
        "records": backup.contents.records,
        "events": backup.contents.events,
    })
}

fn contents(backup: &Backup) -> String {
    format!("{} and {}", counted(backup.contents.records, "record"), counted(backup.contents.events, "event"))
}

fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
