//! `bursar vault`: making the key to everything, handing it to the agent, taking it away, and making a new one.
//!
//! A person started these: the terminal and the keychain may ask. The agent itself asks nobody.

mod delivery;
mod rekey;
mod status;

use bursar_core::engine::vault::VaultError;
use bursar_core::engine::vault::rotation::{OldMasterKey, RotationError};
use bursar_core::ports::key_source::MasterKey;
use serde_json::{Value, json};

use self::delivery::Agent;
use super::app::App;
use super::arguments::vault::{VaultAction, VaultCommand, VaultInit, VaultRotate};
use super::login::plan::read_private;
use super::printer::{GOOD, WARN, paint};
use crate::exit::{Exit, Failure};
use crate::master_key::{Backend, MasterKeyChoice};

pub(super) async fn run(app: &App, command: &VaultCommand) -> Result<Exit, Failure> {
    match &command.action {
        VaultAction::Init(command) => init(app, command).await,
        VaultAction::Unlock => unlock(app).await,
        VaultAction::Lock => lock(app).await,
        VaultAction::Rotate(command) if command.finish => finish(app).await,
        VaultAction::Rotate(command) => rotate(app, command).await,
        VaultAction::Rekey(command) => rekey::run(app, command).await,
        VaultAction::Status => status::run(app).await,
    }
}

async fn init(app: &App, command: &VaultInit) -> Result<Exit, Failure> {
    if let Some(place) = command.key {
        app.keys.want(place.backend());
    }
    let created = app.engine.create_vault().await?;
    let choice = choice(app).await?;
    if let Some(place) = command.key
        && !created
        && place.backend() != choice.backend
    {
        let there = choice.backend.name();
        return Err(Failure::new(
            Exit::Usage,
            format!("there is a vault already, and its key is in the {there}"),
        )
        .hint("use it as it is: all logins are sealed with it"));
    }
    let what = if created { "A vault was made." } else { "There is a vault already." };
    say_good(app, &format!("{what} What opens it: {}", place(&choice)));
    say_notice(app);
    print(app, &choice, &[("created", json!(created))]);
    Ok(Exit::Ok)
}

async fn unlock(app: &App) -> Result<Exit, Failure> {
    // Nobody types a passphrase for nothing.
    let agent = Agent::find(app).await?;
    let choice = choice(app).await?;
    let key = fetch(app, &choice).await?;
    agent.deliver(&key).await?;
    say_good(app, "The agent has the vault open.");
    print(app, &choice, &[("state", json!("open"))]);
    Ok(Exit::Ok)
}

/// The key, proven to fit. A person at the terminal may mistype.
async fn fetch(app: &App, choice: &MasterKeyChoice) -> Result<MasterKey, Failure> {
    for left in (0..TRIES).rev() {
        match app.engine.master_key().await {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => return Err(no_vault()),
            Err(VaultError::WrongMasterKey) if left > 0 && app.keys.asks_a_person(choice) => {
                app.printer.say("that does not open it; try again");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(VaultError::WrongMasterKey.into())
}

/// As at every other prompt for a passphrase.
const TRIES: u32 = 3;

async fn lock(app: &App) -> Result<Exit, Failure> {
    let choice = choice(app).await?;
    match Agent::find(app).await {
        Ok(agent) => {
            agent.withdraw().await?;
            say_good(app, "The agent has forgotten the key; `bursar vault unlock` gives it back.");
        }
        // What is wanted is the case: nobody holds the key.
        Err(failure) if failure.exit == Exit::Unreachable => {
            say_good(app, "No agent is running, so nobody holds the key.");
        }
        Err(failure) => return Err(failure),
    }
    if choice.backend != Backend::Passphrase {
        let text = format!(
            "{}: every program of yours can still fetch the key from the {}",
            paint("note", WARN),
            place(&choice)
        );
        app.printer.say(&text);
    }
    print(app, &choice, &[("state", json!("locked"))]);
    Ok(Exit::Ok)
}

async fn rotate(app: &App, command: &VaultRotate) -> Result<Exit, Failure> {
    let given = match &command.new_key_file {
        Some(path) => Some(read_private(app, path).await?),
        None => None,
    };
    let old = if command.keep_old { OldMasterKey::Stays } else { OldMasterKey::Goes };
    let rotated = app.engine.rotate_master_key(given, old).await.map_err(refused)?;
    let choice = app.keys.choice(&rotated.recorded)?;
    say_good(app, &format!("The vault has a new master key. What opens it: {}", place(&choice)));
    app.printer.say("     Programs that have it open go on; backups made before need the old key.");
    let to_do = say_notice(app);
    if command.keep_old {
        app.printer.say("     The old key opens it too. Give the new one to every machine, then: bursar vault rotate --finish");
    }
    if let Some(error) = rotated.leftover {
        app.printer.say(&format!(
            "{}: the old key could not be removed yet ({error}); the next use of the vault tries again",
            paint("note", WARN)
        ));
    }
    let kept = json!(command.keep_old);
    print(app, &choice, &[("rotated", json!(true)), ("to_do", json!(to_do)), ("old_key_kept", kept)]);
    Ok(Exit::Ok)
}

async fn finish(app: &App) -> Result<Exit, Failure> {
    let dropped = app.engine.drop_old_master_key().await.map_err(refused)?;
    let choice = choice(app).await?;
    let what =
        if dropped { "The old master key opens nothing any more." } else { "No old master key was kept." };
    say_good(app, what);
    print(app, &choice, &[("old_key_dropped", json!(dropped)), ("old_key_kept", json!(false))]);
    Ok(Exit::Ok)
}

fn refused(error: RotationError) -> Failure {
    match error {
        RotationError::Vault(error) => error.into(),
        RotationError::NoVault => no_vault(),
        RotationError::Busy => {
            Failure::of(Exit::Unavailable, &error).hint("the old key still counts; try again in a moment")
        }
        RotationError::OldKept => Failure::of(Exit::Error, &error).hint(
            "when every machine has the new one, run `bursar vault rotate --finish`, then rotate again",
        ),
        RotationError::OnlyOld => Failure::of(Exit::Error, &error)
            .hint("give this machine the new key first: whoever has the old one only would be locked out"),
        RotationError::SameKey => {
            Failure::of(Exit::Usage, &error).hint("make another: openssl rand -base64 32")
        }
        RotationError::Lock(_) => Failure::of(Exit::Error, &error).hint("run `bursar doctor`"),
    }
}

fn no_vault() -> Failure {
    Failure::new(Exit::VaultLocked, "there is no vault yet")
        .hint("make one with `bursar vault init`, or log in with `bursar login`")
}

/// The place that counts; asks it nothing.
async fn choice(app: &App) -> Result<MasterKeyChoice, Failure> {
    let recorded = app.engine.recorded_key_source().await?.ok_or_else(no_vault)?;
    Ok(app.keys.choice(&recorded)?)
}

fn place(choice: &MasterKeyChoice) -> String {
    format!("{} ({})", choice.backend.name(), choice.origin)
}

fn say_good(app: &App, text: &str) {
    app.printer.say(&format!("{} {text}", paint("[OK]", GOOD)));
}

/// What the owner must do or know, if anything.
fn say_notice(app: &App) -> Option<String> {
    let notice = app.keys.take_notice()?;
    app.printer.say(&format!("{}: {notice}", paint("note", WARN)));
    Some(notice)
}

fn print(app: &App, choice: &MasterKeyChoice, facts: &[(&str, Value)]) {
    if !app.printer.json {
        return;
    }
    let mut document = json!({ "schema": 1, "key": choice.backend, "origin": choice.origin });
    for (name, value) in facts {
        document[*name] = value.clone();
    }
    app.printer.document(&document);
}
