//! `bursar resource`: APIs that take tokens of the authorization server.

use std::collections::{BTreeMap, BTreeSet};

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::resource::{Resource, TokenFormat};
use clap::ValueEnum as _;
use jiff::SignedDuration;
use serde_json::json;

use super::administration::{PAGE, server_of, unless_empty, value};
use super::app::App;
use super::arguments::resource::{
    AddResourceCommand, Format, ResourceAction, ResourceCommand, UpdateResourceCommand,
};
use super::screen::table::{sheet, table};
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::{ResourceDocument, format_named};

pub(super) async fn run(app: &App, command: &ResourceCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    match &command.action {
        ResourceAction::Add(command) => add(app, &server, command).await,
        ResourceAction::List => list(app, &server).await,
        ResourceAction::Show(command) => show(app, &server, &command.url).await,
        ResourceAction::Update(command) => update(app, &server, command).await,
        ResourceAction::Remove(command) => remove(app, &server, &command.url).await,
        ResourceAction::Challenge(command) => challenge(app, &server, &command.url).await,
    }
}

async fn add(app: &App, server: &AuthorizationServer, command: &AddResourceCommand) -> Result<Exit, Failure> {
    let resource = Resource {
        url: command.url.clone(),
        name: command.name.as_deref().and_then(unless_empty),
        scopes: command.scopes.iter().cloned().collect(),
        tools: tools(&command.tools),
        format: command.format.map_or(server.rules().access_format, format),
        access_lifetime: command.lifetime,
        introspectors: command.introspectors.clone(),
        requires_proof: command.dpop,
        created_at: server.now(),
    };
    if !server.add_resource(&resource).await? {
        return Err(Failure::new(Exit::Usage, format!("there is a resource `{}` already", resource.url))
            .hint(format!("change it with `bursar resource update {}`", resource.url)));
    }
    if app.printer.json {
        app.printer.document(&value(&document(server, &resource)));
    }
    app.printer.say(&format!("resource `{}` was added", resource.url));
    if !app.printer.json {
        tell_challenge(app, server, &resource);
    }
    Ok(Exit::Ok)
}

async fn list(app: &App, server: &AuthorizationServer) -> Result<Exit, Failure> {
    let mut resources: Vec<Resource> = Vec::new();
    loop {
        let after = resources.last().map(|resource| resource.url.clone());
        let page = server.resources(after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        resources.extend(page.into_iter().map(|resource| resource.document));
        if is_last {
            break;
        }
    }
    let documents: Vec<ResourceDocument> =
        resources.iter().map(|resource| document(server, resource)).collect();
    if app.printer.json {
        app.printer.document(&value(&documents));
    } else if documents.is_empty() {
        app.printer.say("there is no resource; add one with `bursar resource add URL`");
    } else {
        let rows: Vec<[String; 3]> = documents
            .iter()
            .map(|resource| {
                let scopes: Vec<&str> = resource.scopes.keys().map(String::as_str).collect();
                [resource.url.clone(), resource.format.to_owned(), scopes.join(" ")]
            })
            .collect();
        app.printer.data(&table(["URL", "FORMAT", "SCOPES"], 2, &rows));
    }
    Ok(Exit::Ok)
}

async fn show(app: &App, server: &AuthorizationServer, url: &str) -> Result<Exit, Failure> {
    let resource = server.resource(url).await?.ok_or_else(|| missing(url))?.document;
    let document = document(server, &resource);
    if app.printer.json {
        app.printer.document(&value(&document));
        return Ok(Exit::Ok);
    }
    let scopes: Vec<String> = document
        .scopes
        .iter()
        .map(|(name, words)| if words.is_empty() { name.clone() } else { format!("{name}: {words}") })
        .collect();
    let tools: Vec<String> = document
        .tools
        .iter()
        .map(|(tool, scopes)| {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            format!("{tool}: {}", scopes.join(" "))
        })
        .collect();
    let lifetime =
        document.access_lifetime.map_or_else(|| "as all others".to_owned(), |life| format!("{life} s"));
    app.printer.data(&sheet(&[
        ("url", document.url),
        ("name", document.name.unwrap_or_default()),
        ("scopes", scopes.join("\n")),
        ("tools", tools.join("\n")),
        ("format", document.format.to_owned()),
        ("lifetime", lifetime),
        ("introspectors", document.introspectors.join("\n")),
        ("proof of a key", if document.requires_proof { "required" } else { "not required" }.to_owned()),
        ("metadata", document.metadata_url.unwrap_or_default()),
        ("added", document.created_at),
    ]));
    Ok(Exit::Ok)
}

async fn update(
    app: &App,
    server: &AuthorizationServer,
    command: &UpdateResourceCommand,
) -> Result<Exit, Failure> {
    let changed = server
        .update_resource(&command.url, &|resource| {
            if let Some(scopes) = &command.scopes {
                resource.scopes = scopes.iter().cloned().collect();
            }
            if let Some(wanted) = &command.tools {
                resource.tools = tools(wanted.iter().flatten());
            }
            if let Some(name) = &command.name {
                resource.name = unless_empty(name);
            }
            if let Some(wanted) = command.format {
                resource.format = format(wanted);
            }
            if let Some(lifetime) = command.lifetime {
                resource.access_lifetime = Some(lifetime).filter(|lifetime| *lifetime > SignedDuration::ZERO);
            }
            if let Some(clients) = &command.introspectors {
                resource.introspectors = clients.iter().filter(|id| !id.is_empty()).cloned().collect();
            }
            resource.requires_proof = command.dpop.unwrap_or(resource.requires_proof);
        })
        .await?
        .ok_or_else(|| missing(&command.url))?;
    if app.printer.json {
        app.printer.document(&value(&document(server, &changed)));
    }
    app.printer.say(&format!("resource `{}` was changed", command.url));
    Ok(Exit::Ok)
}

async fn remove(app: &App, server: &AuthorizationServer, url: &str) -> Result<Exit, Failure> {
    if !server.remove_resource(url).await? {
        return Err(missing(url));
    }
    app.printer.say(&format!(
        "resource `{url}` was removed; access tokens that were issued for it stay good until their end"
    ));
    Ok(Exit::Ok)
}

async fn challenge(app: &App, server: &AuthorizationServer, url: &str) -> Result<Exit, Failure> {
    let resource = server.resource(url).await?.ok_or_else(|| missing(url))?.document;
    let document = document(server, &resource);
    if app.printer.json {
        app.printer.document(&json!({
            "schema": 1,
            "url": document.url,
            "metadata_url": document.metadata_url,
            "metadata_is_served_here": document.metadata_is_served_here,
            "challenge": document.challenge,
        }));
    } else if let (Some(metadata_url), Some(challenge)) = (&document.metadata_url, &document.challenge) {
        app.printer.data(&format!("{metadata_url}\nWWW-Authenticate: {challenge}\n"));
        tell_where(app, &document);
    }
    Ok(Exit::Ok)
}

fn tell_challenge(app: &App, server: &AuthorizationServer, resource: &Resource) {
    let document = document(server, resource);
    if let Some(challenge) = &document.challenge {
        app.printer.say("to requests without a good token it answers 401 with this header:");
        app.printer.data(&format!("WWW-Authenticate: {challenge}\n"));
        tell_where(app, &document);
    }
}

fn tell_where(app: &App, document: &ResourceDocument) {
    if !document.metadata_is_served_here {
        app.printer.say(
            "its metadata is asked for at its own host: let that pass such requests on to this server, or answer \
             them itself",
        );
    }
}

fn document(server: &AuthorizationServer, resource: &Resource) -> ResourceDocument {
    ResourceDocument::new(resource, server.announcement(resource).ok().as_ref())
}

/// One entry a tool, with every scope it was named with.
fn tools<'a>(named: impl IntoIterator<Item = &'a (String, String)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut tools: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (tool, scope) in named {
        tools.entry(tool.clone()).or_default().insert(scope.clone());
    }
    tools
}

fn format(wanted: Format) -> TokenFormat {
    let name = wanted.to_possible_value();
    name.and_then(|value| format_named(value.get_name())).unwrap_or_default()
}

fn missing(url: &str) -> Failure {
    Failure::new(Exit::Error, format!("there is no resource `{url}`"))
        .hint("see what there is with `bursar resource list`; addresses count character by character")
}
