//! `bursar client`: programs that ask the authorization server for tokens.

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::clients::{ChangedClient, NewClient};
use bursar_core::engine::issuer::records::client::Client;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::client_metadata::{ClientMetadata, ClientMetadataError};
use serde_json::{Map, Value, json};

use super::administration::{PAGE, server_of, value};
use super::app::App;
use super::arguments::client::{
    AddClientCommand, ClientAction, ClientCommand, Grant, ListClientsCommand, RenewSecretCommand,
    UpdateClientCommand,
};
use super::screen::table::{sheet, table};
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::{AddedClientDocument, ClientDocument};

pub(super) async fn run(app: &App, command: &ClientCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    match &command.action {
        ClientAction::Add(command) => add(app, &server, command).await,
        ClientAction::List(command) => list(app, &server, command).await,
        ClientAction::Show(command) => show(app, &server, &command.id).await,
        ClientAction::Update(command) => update(app, &server, command).await,
        ClientAction::RenewSecret(command) => renew_secret(app, &server, command).await,
        ClientAction::Remove(command) => remove(app, &server, &command.id).await,
    }
}

async fn add(app: &App, server: &AuthorizationServer, command: &AddClientCommand) -> Result<Exit, Failure> {
    let wish = NewClient {
        metadata: ClientMetadata::from_object(&wanted(command)?).map_err(|error| unacceptable(&error))?,
        scope: if command.scopes.is_empty() { None } else { Some(scope(&command.scopes)?) },
        rotates: !command.no_rotation,
    };
    let (client, secret) = server.add_client(wish).await?;
    let added = ChangedClient { client, secret };
    if app.printer.json {
        app.printer.document(&value(&AddedClientDocument::new(&added.client, added.secret.as_ref())));
    } else {
        app.printer.data(&format!("{}\n", added.client.id));
        print_secret(app, &added);
    }
    let what = if added.secret.is_some() {
        "the client was added; its secret is shown this once"
    } else {
        "the client was added"
    };
    app.printer.say(what);
    Ok(Exit::Ok)
}

async fn list(
    app: &App,
    server: &AuthorizationServer,
    command: &ListClientsCommand,
) -> Result<Exit, Failure> {
    let mut clients: Vec<Client> = Vec::new();
    loop {
        let after = clients.last().map(|client| client.id.clone());
        let page = server.clients(after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        clients.extend(page.into_iter().map(|client| client.document));
        if is_last {
            break;
        }
    }
    clients.retain(|client| command.removed || client.removed_at.is_none());
    let documents: Vec<ClientDocument> = clients.iter().map(ClientDocument::from).collect();
    if app.printer.json {
        app.printer.document(&value(&documents));
        return Ok(Exit::Ok);
    }
    if documents.is_empty() {
        app.printer
            .say("there is no client; add one with `bursar client add`, or let programs bring themselves");
        return Ok(Exit::Ok);
    }
    let rows: Vec<[String; 4]> = documents.iter().map(row).collect();
    app.printer.data(&table(["ID", "NAME", "PROVES ITSELF", "FROM"], 1, &rows));
    Ok(Exit::Ok)
}

async fn show(app: &App, server: &AuthorizationServer, id: &str) -> Result<Exit, Failure> {
    let client = server.client(id).await?.ok_or_else(|| missing(id))?;
    print(app, &ClientDocument::from(&client.document));
    Ok(Exit::Ok)
}

async fn update(
    app: &App,
    server: &AuthorizationServer,
    command: &UpdateClientCommand,
) -> Result<Exit, Failure> {
    let client = server.client(&command.id).await?.ok_or_else(|| missing(&command.id))?.document;
    let metadata = ClientMetadata::from_object(&changed(&client.metadata, command))
        .map_err(|error| unacceptable(&error))?;
    let scope = match &command.scopes {
        Some(scopes) => Some(Some(scope(scopes)?)),
        None => command.any_scope.then_some(None),
    };
    let changed = server
        .update_client(&command.id, &|client| {
            client.metadata = metadata.clone();
            client.rotates = command.rotation.unwrap_or(client.rotates);
            if let Some(scope) = &scope {
                client.scope.clone_from(scope);
            }
        })
        .await?
        .ok_or_else(|| missing(&command.id))?;
    if app.printer.json {
        app.printer.document(&value(&AddedClientDocument::new(&changed.client, changed.secret.as_ref())));
    }
    app.printer.say("the client was changed");
    Ok(Exit::Ok)
}

async fn renew_secret(
    app: &App,
    server: &AuthorizationServer,
    command: &RenewSecretCommand,
) -> Result<Exit, Failure> {
    let renewed = server.renew_client_secret(&command.id, command.overlap).await?;
    let renewed = renewed.ok_or_else(|| missing(&command.id))?;
    if app.printer.json {
        app.printer.document(&value(&AddedClientDocument::new(&renewed.client, renewed.secret.as_ref())));
    } else {
        print_secret(app, &renewed);
    }
    let old = renewed.client.secrets.iter().filter_map(|secret| secret.expires_at).max();
    let until = old.map_or_else(|| "has ended".to_owned(), |end| format!("works until {end:.0}"));
    app.printer.say(&format!("the new secret is shown this once; the old one {until}"));
    Ok(Exit::Ok)
}

async fn remove(app: &App, server: &AuthorizationServer, id: &str) -> Result<Exit, Failure> {
    if !server.remove_client(id).await? {
        return Err(missing(id));
    }
    app.printer.say(&format!("client `{id}` was removed, and everything issued to it has ended"));
    Ok(Exit::Ok)
}

/// The metadata of a new client (RFC 7591 §2).
fn wanted(command: &AddClientCommand) -> Result<Map<String, Value>, Failure> {
    let has_keys = command.keys_file.is_some() || command.keys_url.is_some();
    let method = match (has_keys, command.confidential) {
        (true, _) => "private_key_jwt",
        (false, true) => "client_secret_basic",
        (false, false) => "none",
    };
    let mut grants: Vec<Grant> = command.grants.clone();
    if grants.is_empty() {
        grants = match (command.redirects.is_empty(), method) {
            (false, _) => vec![Grant::AuthorizationCode, Grant::RefreshToken],
            (true, "none") => {
                return Err(Failure::new(Exit::Usage, "the client has no way to get tokens")
                    .hint("add `--redirect URI`, `--grant device-code`, or `--confidential`"));
            }
            (true, _) => vec![Grant::ClientCredentials],
        };
    }
    if grants.contains(&Grant::ClientCredentials) && method == "none" {
        return Err(Failure::new(Exit::Usage, "a client that proves nothing gets no tokens in its own name")
            .hint("add `--confidential`, `--keys-file FILE` or `--keys-url URL`"));
    }
    let mut members = Map::new();
    members.insert("client_name".to_owned(), json!(command.name));
    members.insert("redirect_uris".to_owned(), json!(command.redirects));
    members.insert("post_logout_redirect_uris".to_owned(), json!(command.post_logout_redirects));
    members.insert("backchannel_logout_uri".to_owned(), json!(command.backchannel_logout));
    members.insert("token_endpoint_auth_method".to_owned(), json!(method));
    members.insert("grant_types".to_owned(), grant_names(&grants));
    members.insert("dpop_bound_access_tokens".to_owned(), json!(command.dpop));
    if let Some(url) = &command.keys_url {
        members.insert("jwks_uri".to_owned(), json!(url));
    }
    if let Some(path) = &command.keys_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let mut failure = Failure::new(Exit::Usage, format!("`{}` cannot be read", path.display()));
            failure.causes.push(error.to_string());
            failure
        })?;
        let keys: Value = serde_json::from_str(&text).map_err(|_| {
            Failure::new(Exit::Usage, format!("`{}` is not JSON", path.display()))
                .hint("write the client's public keys into it, as a JWKS with a member `keys`")
        })?;
        members.insert("jwks".to_owned(), keys);
    }
    Ok(members)
}

/// The metadata after a change.
fn changed(metadata: &ClientMetadata, command: &UpdateClientCommand) -> Map<String, Value> {
    let mut members = metadata.to_object();
    // They follow from the grants.
    members.remove("response_types");
    let mut set = |name: &str, wanted: Option<Value>| {
        if let Some(wanted) = wanted {
            members.insert(name.to_owned(), wanted);
        }
    };
    set("client_name", command.name.as_ref().map(|name| json!(name)));
    set("redirect_uris", command.redirects.as_ref().map(|redirects| json!(redirects)));
    set(
        "post_logout_redirect_uris",
        command.post_logout_redirects.as_ref().map(|redirects| json!(redirects)),
    );
    set("backchannel_logout_uri", command.backchannel_logout.as_ref().map(|address| json!(address)));
    set("grant_types", command.grants.as_deref().map(grant_names));
    set("dpop_bound_access_tokens", command.dpop.map(|dpop| json!(dpop)));
    members
}

fn grant_names(grants: &[Grant]) -> Value {
    grants.iter().map(|grant| grant.grant_type().as_str()).collect()
}

fn scope(words: &[String]) -> Result<Scope, Failure> {
    Scope::parse(&words.join(" "))
        .map_err(|error| Failure::of(Exit::Usage, &error).hint("write a scope as a word, such as notes:read"))
}

fn unacceptable(error: &ClientMetadataError) -> Failure {
    Failure::of(Exit::Usage, error).hint("see `bursar client add --help`")
}

fn missing(id: &str) -> Failure {
    Failure::new(Exit::Error, format!("there is no client `{id}`"))
        .hint("see what there is with `bursar client list`")
}

fn print_secret(app: &App, changed: &ChangedClient) {
    if let Some(secret) = &changed.secret {
        app.printer.data(&format!("{}\n", secret.expose()));
    }
}

fn row(client: &ClientDocument) -> [String; 4] {
    let from = if client.removed_at.is_some() { "removed" } else { client.origin };
    [
        client.id.clone(),
        client.name.clone().unwrap_or_else(|| "-".to_owned()),
        client.authentication.to_owned(),
        from.replace('_', " "),
    ]
}

fn print(app: &App, client: &ClientDocument) {
    if app.printer.json {
        app.printer.document(&value(client));
        return;
    }
    let secrets: Vec<String> = client
        .secrets
        .iter()
        .map(|secret| match &secret.expires_at {
            Some(end) => format!("from {} until {end}", secret.created_at),
            None => format!("from {}", secret.created_at),
        })
        .collect();
    let mut facts = vec![
        ("id", client.id.clone()),
        ("name", client.name.clone().unwrap_or_default()),
        ("from", client.origin.replace('_', " ")),
        ("proves itself", client.authentication.to_owned()),
        ("secrets", secrets.join("\n")),
        ("grants", client.grant_types.join("\n")),
        ("redirects", client.redirect_uris.join("\n")),
        ("scope", client.scope.clone().unwrap_or_else(|| "whatever the resources offer".to_owned())),
        ("rotation", if client.rotates { "with every use" } else { "never" }.to_owned()),
        ("added", client.created_at.clone()),
    ];
    if let Some(address) = client.backchannel_logout() {
        facts.push(("told of logouts", address.to_owned()));
    }
    if let Some(removed) = &client.removed_at {
        facts.push(("removed", removed.clone()));
    }
    app.printer.data(&sheet(&facts));
}
