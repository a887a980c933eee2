//! `bursar grant`: what users let clients do.

use std::collections::HashMap;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::grants::GrantsOf;
use bursar_core::engine::issuer::records::grant::Grant;
use bursar_core::ports::document::Document as _;

use super::administration::{PAGE, server_of, user_called, value};
use super::app::App;
use super::arguments::grant::{GrantAction, GrantCommand, ListGrantsCommand, WithdrawGrantCommand};
use super::screen::table::table;
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::GrantDocument;

pub(super) async fn run(app: &App, command: &GrantCommand) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    match &command.action {
        GrantAction::List(command) => list(app, &server, command).await,
        GrantAction::Withdraw(command) => withdraw(app, &server, command).await,
    }
}

async fn list(app: &App, server: &AuthorizationServer, command: &ListGrantsCommand) -> Result<Exit, Failure> {
    let user = match &command.user {
        Some(called) => Some(user_called(server, called).await?.id),
        None => None,
    };
    let grants = read(server, user.as_deref(), command.client.as_deref()).await?;
    let documents: Vec<GrantDocument> = grants.iter().map(GrantDocument::from).collect();
    if app.printer.json {
        app.printer.document(&value(&documents));
    } else if documents.is_empty() {
        app.printer.say("nobody lets a client do anything");
    } else {
        let names = Names::of(server, &documents).await?;
        let rows: Vec<[String; 4]> = documents.iter().map(|grant| names.row(grant)).collect();
        app.printer.data(&table(["ID", "USER", "CLIENT", "MAY"], 3, &rows));
    }
    Ok(Exit::Ok)
}

async fn withdraw(
    app: &App,
    server: &AuthorizationServer,
    command: &WithdrawGrantCommand,
) -> Result<Exit, Failure> {
    let grants = match (&command.id, &command.user) {
        (Some(id), _) => server.grant(id).await?.into_iter().collect(),
        (None, Some(called)) => {
            let user = user_called(server, called).await?;
            read(server, Some(&user.id), command.client.as_deref()).await?
        }
        (None, None) => Vec::new(),
    };
    if grants.is_empty() {
        return Err(Failure::new(Exit::Error, "there is no such grant")
            .hint("see what there is with `bursar grant list`"));
    }
    let mut withdrawn = 0;
    for grant in &grants {
        withdrawn += u32::from(server.withdraw_grant_of_key(&grant.key()).await?.is_some());
    }
    let what = if withdrawn == 1 { "a grant was".to_owned() } else { format!("{withdrawn} grants were") };
    app.printer.say(&format!("{what} taken back, and everything issued under it has ended"));
    Ok(Exit::Ok)
}

async fn read(
    server: &AuthorizationServer,
    user: Option<&str>,
    client: Option<&str>,
) -> Result<Vec<Grant>, Failure> {
    let mut grants = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = server.grants(GrantsOf { user, client }, after.as_deref(), PAGE).await?;
        grants.extend(page.grants);
        after = page.next;
        if after.is_none() {
            return Ok(grants);
        }
    }
}

/// What users and clients are called, for people.
struct Names {
    users: HashMap<String, String>,
    clients: HashMap<String, String>,
}

impl Names {
    async fn of(server: &AuthorizationServer, grants: &[GrantDocument]) -> Result<Self, Failure> {
        let mut names = Self { users: HashMap::new(), clients: HashMap::new() };
        for grant in grants {
            if !names.users.contains_key(&grant.user)
                && let Some(user) = server.user(&grant.user).await?
            {
                names.users.insert(grant.user.clone(), user.document.username);
            }
            if !names.clients.contains_key(&grant.client)
                && let Some(name) = server
                    .client(&grant.client)
                    .await?
                    .and_then(|client| client.document.metadata.client_name)
            {
                names.clients.insert(grant.client.clone(), name);
            }
        }
        Ok(names)
    }

    fn row(&self, grant: &GrantDocument) -> [String; 4] {
        let may: Vec<String> = grant
            .consents
            .iter()
            .map(|consent| match &consent.resource {
                Some(resource) => format!("{} at {resource}", consent.scope),
                None => consent.scope.clone(),
            })
            .collect();
        let called = |names: &HashMap<String, String>, id: &String| names.get(id).unwrap_or(id).clone();
        [
            grant.id.clone(),
            called(&self.users, &grant.user),
            called(&self.clients, &grant.client),
            may.join("; "),
        ]
    }
}
