//! `bursar serve`: the server in the foreground.

use std::cell::OnceCell;
use std::path::Path;

use bursar_core::engine::issuer::administration::first_code::FIRST_CODE_LIFETIME;
use bursar_core::secret::Secret;
use serde_json::json;

use super::app;
use super::arguments::serve::ServeCommand;
use super::printer::Printer;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::first_start::{FIRST_CODE_FILE, leave_first_code};
use crate::issuing::{authorization_server, house};
use crate::server::{self, Ground, Opened, PublicUrl, Wish};
use crate::wiring::Seams;

/// Is the server until a signal comes.
pub(super) fn run(
    command: &ServeCommand,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    app::log_of_agent(environment, None)?;
    let wish = Wish {
        listen: command.listen.clone(),
        public_url: command.public_url.clone(),
        is_ephemeral: command.ephemeral,
    };
    let file = Paths::resolve(environment)?.data_folder().join(FIRST_CODE_FILE);
    let left = OnceCell::new();
    let furnish = async |ground: &Ground| {
        let house = house(ground, environment).await?;
        let place = (!ground.is_ephemeral).then_some(file.as_path());
        if let Some(code) = first_code(ground, place, printer).await {
            let _only_once = left.set(code);
        }
        Ok(house)
    };
    server::run(environment, &wish, seams, furnish, async |opened| {
        tell(opened, printer);
        if let Some(code) = left.get() {
            let place = (!opened.is_ephemeral).then_some(file.as_path());
            tell_code(code, place, &opened.public_url, printer);
        }
        std::future::pending().await
    })?;
    Ok(Exit::Ok)
}

/// A code for the first administrator, if there is none yet and somebody can find it.
async fn first_code(ground: &Ground, place: Option<&Path>, printer: &Printer) -> Option<Secret> {
    if place.is_none() && !printer.person_is_watching() {
        return None;
    }
    let left = match authorization_server(&ground.engine, &ground.config, ground.public_url.as_str()) {
        Ok(server) => leave_first_code(&server, place).await,
        Err(failure) => Err(failure),
    };
    left.unwrap_or_else(|failure| {
        let Failure { message, causes, hint, .. } = failure;
        tracing::warn!(?causes, hint, "there is no code for a first administrator: {message}");
        None
    })
}

/// The code itself is only for a person at a terminal: whatever else reads this keeps it.
fn tell_code(code: &Secret, place: Option<&Path>, public_url: &PublicUrl, printer: &Printer) {
    let minutes = FIRST_CODE_LIFETIME.as_mins();
    printer.say("nobody may look after this server over the network yet");
    if let Some(place) = place {
        printer.say(&format!("a code for the first administrator is in {}", place.display()));
    }
    if printer.person_is_watching() {
        printer.say(&format!("the code for the first administrator is {}", code.expose()));
    }
    printer.say(&format!(
        "it is good once, for {minutes} minutes, on this machine: at {public_url}/set-up in a browser, or at \
         {public_url}/v1/first-administrator; `bursar user add NAME --admin` does the same here"
    ));
}

fn tell(opened: &Opened, printer: &Printer) {
    let Opened { urls, public_url, is_ephemeral } = opened;
    if printer.json {
        printer.document(&json!({
            "schema": 1, "urls": urls, "issuer": public_url.as_str(), "ephemeral": is_ephemeral,
        }));
    }
    for url in urls {
        printer.say(&format!("the server listens on {url}"));
    }
    printer.say(&format!("its issuer is {public_url}"));
    if *is_ephemeral {
        printer.say("everything is kept in memory, the keys too: it is gone when the server stops");
    }
}
