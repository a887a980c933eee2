//! `bursar credential docker`: a helper for docker, podman, buildah and whoever speaks their protocol.
//!
//! Nothing is stored: the tokens are here already, and `docker logout` must not end a login that others use. What fails
//! is told on standard output, because that is where docker looks.

use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::refresh::Ask;

use super::choice::account_for;
use super::docker_words::{NOT_FOUND, Stored, answer, list, read_server};
use super::hosts::Place;
use super::standard_input::read_all;
use super::user_name::{DOCKER_TOKEN, user_name};
use crate::cli::app::App;
use crate::cli::arguments::credential::DockerCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &DockerCredential) -> Result<Exit, Failure> {
    let done = match command.action.as_str() {
        "get" => get(app, command).await,
        "store" => store(app, command).await,
        "erase" => read_all().map(|_server| Exit::Ok),
        "list" => Ok(list_hosts(app, command)),
        "version" => {
            app.printer.data(concat!("bursar ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(Exit::Ok)
        }
        other => Err(Failure::new(Exit::Error, format!("unknown action `{other}`"))),
    };
    if let Err(failure) = &done {
        app.printer.data(&told(failure));
    }
    done
}

async fn get(app: &App, command: &DockerCredential) -> Result<Exit, Failure> {
    let server = read_server(&read_all()?).map_err(|error| Failure::of(Exit::Error, &error))?;
    let Some((place, handed)) = found(app, command, &server, Ask::default()).await? else {
        app.printer.data(&format!("{NOT_FOUND}\n"));
        return Ok(Exit::Error);
    };
    app.printer.data(&answer(&server, username(command, &place), &handed.token));
    Ok(Exit::Ok)
}

/// `docker login` stores what it has just got from here, and that is fine; a password would be lost, so it is refused.
async fn store(app: &App, command: &DockerCredential) -> Result<Exit, Failure> {
    let stored = Stored::read(&read_all()?).map_err(|error| Failure::of(Exit::Error, &error))?;
    let ours = found(app, command, &stored.server, Ask::default()).await?;
    if ours.is_some_and(|(_, handed)| handed.token == stored.secret) {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::Error, "bursar keeps no passwords of registries")
        .hint("take this registry out of `credHelpers`, or log in with `bursar login`"))
}

/// Docker asks for everything in the list and hands it to its builder: only hosts that were named for it are in it.
fn list_hosts(app: &App, command: &DockerCredential) -> Exit {
    let places =
        command.choice.hosts.iter().filter_map(|host| Some((host.as_str(), Place::of_server(host)?)));
    let named: Vec<(&str, &str)> = places.map(|(host, place)| (host, username(command, &place))).collect();
    app.printer.data(&list(named));
    Exit::Ok
}

async fn found(
    app: &App,
    command: &DockerCredential,
    server: &str,
    ask: Ask,
) -> Result<Option<(Place, Arc<HandOut>)>, Failure> {
    let Some(place) = Place::of_server(server) else { return Ok(None) };
    let account = match account_for(app, &command.choice, &place, None).await {
        // Docker asks a helper about every registry; one that is not the account's is just another one.
        Err(failure) if failure.exit == Exit::Denied => return Ok(None),
        account => account?,
    };
    let Some(account) = account else { return Ok(None) };
    let wait = app.config.refresh.wait.unsigned_abs();
    let handed = app.desk.hand_out(&account.reference, &ask, wait).await?;
    Ok(Some((place, handed)))
}

fn username<'a>(command: &'a DockerCredential, place: &Place) -> &'a str {
    match &command.choice.username {
        Some(name) => name,
        None if command.token_user => DOCKER_TOKEN,
        None => user_name(place),
    }
}

/// A failure in one line.
fn told(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{}; {hint}\n", failure.message),
        None => format!("{}\n", failure.message),
    }
}
