//! `bursar key`: the keys that sign the authorization server's tokens.

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::keys::KEYS_MAX_AGE;

use super::administration::{server_of, value};
use super::app::App;
use super::arguments::key::{KeyAction, KeyCommand, RemoveKeyCommand};
use super::screen::table::table;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::KeyDocument;

pub(super) async fn run(app: &App, command: &KeyCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    match &command.action {
        KeyAction::List => list(app, &server).await,
        KeyAction::Renew => renew(app, &server).await,
        KeyAction::Remove(command) => remove(app, &server, command).await,
    }
}

async fn list(app: &App, server: &AuthorizationServer) -> Result<Exit, Failure> {
    let documents = documents(app, server).await?;
    if app.printer.json {
        app.printer.document(&value(&documents));
    } else if documents.is_empty() {
        app.printer.say("there is no key yet; the server makes them when they are needed");
    } else {
        let rows: Vec<[String; 4]> = documents
            .iter()
            .map(|key| {
                let (from, until) = (&key.signs_from, &key.signs_until);
                let when = match (key.state, until, &key.published_until) {
                    ("waiting", _, _) => format!("signs from {from}"),
                    ("retiring", _, Some(end)) => format!("published until {end}"),
                    (_, Some(until), _) => format!("signs until {until}"),
                    _ => format!("since {from}"),
                };
                [key.id.clone(), key.algorithm.to_owned(), key.state.to_owned(), when]
            })
            .collect();
        app.printer.data(&table(["ID", "ALGORITHM", "STATE", ""], 0, &rows));
    }
    Ok(Exit::Ok)
}

async fn renew(app: &App, server: &AuthorizationServer) -> Result<Exit, Failure> {
    if !has_vault(app).await? {
        return Err(Failure::new(Exit::Usage, "there is no key yet")
            .hint("the server makes them when they are needed; start it with `bursar serve`"));
    }
    let renewed = server.renew_keys().await?;
    if app.printer.json {
        app.printer.document(&value(&documents(app, server).await?));
    }
    let what = match renewed {
        0 => "no key was renewed: each has a successor already".to_owned(),
        1 => "a successor was published; it signs when everybody who verifies knows it".to_owned(),
        many => {
            format!("{many} successors were published; they sign when everybody who verifies knows them")
        }
    };
    app.printer.say(&what);
    Ok(Exit::Ok)
}

async fn remove(
    app: &App,
    server: &AuthorizationServer,
    command: &RemoveKeyCommand,
) -> Result<Exit, Failure> {
    let known = documents(app, server).await?;
    let mut meant = known.iter().filter(|key| key.id.starts_with(command.id.trim_end_matches(CUT)));
    let (Some(key), None) = (meant.next(), meant.next()) else {
        return Err(Failure::new(Exit::Error, format!("`{}` does not name one key", command.id))
            .hint("see what there is with `bursar key list`"));
    };
    if !command.end_its_tokens {
        return Err(Failure::new(Exit::Usage, "every token the key has signed would be refused at once")
            .hint(
                "run `bursar key renew` to replace it without harm; if somebody else has the key, add \
                 `--end-its-tokens`",
            ));
    }
    if !server.remove_key(&key.id).await? {
        return Err(Failure::new(Exit::Unavailable, "the key has just changed").hint("try again"));
    }
    app.printer.say(&format!("key `{}` was removed; tokens it signed are refused from now on", key.id));
    app.printer.say(&format!(
        "who verifies tokens by a copy of the published keys may take them for {} min more",
        KEYS_MAX_AGE.as_mins()
    ));
    Ok(Exit::Ok)
}

async fn documents(app: &App, server: &AuthorizationServer) -> Result<Vec<KeyDocument>, Failure> {
    if !has_vault(app).await? {
        return Ok(Vec::new());
    }
    let keys = server.keys().await?;
    Ok(keys.iter().map(|key| KeyDocument::new(key, app.now())).collect())
}

/// Without a vault there is nothing that could be sealed in it.
async fn has_vault(app: &App) -> Result<bool, Failure> {
    Ok(app.engine.recorded_key_source().await?.is_some())
}

/// What the list ends a long id with.
const CUT: char = '…';
