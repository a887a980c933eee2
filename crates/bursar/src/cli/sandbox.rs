//! `bursar sandbox`: tenants of the server, each an authorization server of its own.

mod seed_file;

use std::path::Path;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::rules::Quotas;
use bursar_core::engine::sandboxes::{NewSandbox, Sandbox, SandboxSettings, Sandboxes};
use serde_json::json;

use super::administration::{COMMAND_LINE, missing_sandbox, server_around, server_within, value};
use super::app::App;
use super::arguments::sandbox::{
    EndSandboxCommand, NewSandboxCommand, SandboxAction, SandboxCommand, SeedCommand,
};
use super::screen::table::{sheet, table};
use crate::exit::{Exit, Failure};
use crate::http::administration::documents::SandboxDocument;
use crate::http::administration::seed::{SeededDocument, sow_here};
use crate::sandboxes::address::issuer_of;

pub(super) async fn run(app: &App, command: &SandboxCommand) -> Result<Exit, Failure> {
    let sandboxes = Sandboxes::new(app.engine.clone()).acting_as(COMMAND_LINE);
    let around = server_around(app).await?;
    match &command.action {
        SandboxAction::New(command) => add(app, &sandboxes, &around, command).await,
        SandboxAction::List => list(app, &sandboxes, &around).await,
        SandboxAction::Show(command) => {
            let sandbox = called(&sandboxes, &command.name).await?;
            print(app, &SandboxDocument::new(&sandbox, &around.rules().issuer));
            Ok(Exit::Ok)
        }
        SandboxAction::Seed(command) => seed(app, &sandboxes, &around, command).await,
        SandboxAction::Reset(command) => reset(app, &sandboxes, &around, command).await,
        SandboxAction::Delete(command) => delete(app, &sandboxes, command).await,
    }
}

async fn add(
    app: &App,
    sandboxes: &Sandboxes,
    around: &AuthorizationServer,
    command: &NewSandboxCommand,
) -> Result<Exit, Failure> {
    let issuer = &around.rules().issuer;
    issuer_of(issuer, command.name.as_str(), command.host.as_ref()).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("serve by https at `server.public_url`, or leave `--host` out to have it at /s/NAME")
    })?;
    // What is wrong with the file is told before there is a sandbox.
    let wanted = match &command.seed {
        Some(file) => Some(seed_file::read(app, file).await?),
        None => None,
    };
    let wish = NewSandbox {
        name: command.name.clone(),
        host: command.host.clone(),
        lifetime: command.ttl,
        settings: SandboxSettings {
            quotas: Quotas {
                clients: command.clients,
                users: command.users,
                grants: command.grants,
                accounts: command.accounts,
            },
            access_token: command.access_token,
            refresh_token: command.refresh_token,
            open_registration: command.open_registration,
        },
    };
    let sandbox = sandboxes.add(wish).await?;
    let document = SandboxDocument::new(&sandbox, issuer);
    let seeded = match wanted {
        Some(wanted) => match sow_here(&server_within(around, &sandbox)?, wanted).await {
            Ok(seeded) => Some(seeded),
            Err(failure) => {
                // Nobody wants half of what was asked for, and its name taken.
                sandboxes.remove(sandbox.name.as_str()).await?;
                return Err(failure);
            }
        },
        None => None,
    };
    if app.printer.json {
        let mut told = value(&document);
        if let Some(seeded) = &seeded {
            told["seeded"] = value(seeded);
        }
        app.printer.document(&told);
    } else {
        app.printer.data(&format!("{}\n", document.issuer.as_deref().unwrap_or_default()));
        if let Some(seeded) = &seeded {
            print_seeded(app, seeded);
        }
    }
    let end = document.expires_at.map(|end| format!("; it ends at {end}")).unwrap_or_default();
    app.printer.say(&format!("sandbox `{}` was made{end}", document.name));
    Ok(Exit::Ok)
}

async fn list(app: &App, sandboxes: &Sandboxes, around: &AuthorizationServer) -> Result<Exit, Failure> {
    let all = sandboxes.all().await?;
    let documents: Vec<SandboxDocument> =
        all.iter().map(|sandbox| SandboxDocument::new(sandbox, &around.rules().issuer)).collect();
    if app.printer.json {
        app.printer.document(&value(&documents));
    } else if documents.is_empty() {
        app.printer.say("there is no sandbox; make one with `bursar sandbox new NAME`");
    } else {
        let unless = |fact: &Option<String>| fact.clone().unwrap_or_else(|| "-".to_owned());
        let row = |one: &SandboxDocument| [one.name.clone(), unless(&one.issuer), unless(&one.expires_at)];
        let rows: Vec<[String; 3]> = documents.iter().map(row).collect();
        app.printer.data(&table(["NAME", "ISSUER", "ENDS"], 1, &rows));
    }
    Ok(Exit::Ok)
}

async fn seed(
    app: &App,
    sandboxes: &Sandboxes,
    around: &AuthorizationServer,
    command: &SeedCommand,
) -> Result<Exit, Failure> {
    let sandbox = called(sandboxes, &command.name).await?;
    let wanted = seed_file::read(app, Path::new(&command.file)).await?;
    let seeded = sow_here(&server_within(around, &sandbox)?, wanted).await?;
    if app.printer.json {
        app.printer.document(&value(&seeded));
    } else {
        print_seeded(app, &seeded);
    }
    Ok(Exit::Ok)
}

async fn reset(
    app: &App,
    sandboxes: &Sandboxes,
    around: &AuthorizationServer,
    command: &EndSandboxCommand,
) -> Result<Exit, Failure> {
    called(sandboxes, &command.name).await?;
    meant(command)?;
    let sandbox = sandboxes.reset(&command.name).await?.ok_or_else(|| missing_sandbox(&command.name))?;
    if app.printer.json {
        app.printer.document(&value(&SandboxDocument::new(&sandbox, &around.rules().issuer)));
    }
    app.printer.say(&format!("sandbox `{}` is empty and has new keys", sandbox.name));
    Ok(Exit::Ok)
}

async fn delete(app: &App, sandboxes: &Sandboxes, command: &EndSandboxCommand) -> Result<Exit, Failure> {
    called(sandboxes, &command.name).await?;
    meant(command)?;
    if !sandboxes.remove(&command.name).await? {
        return Err(missing_sandbox(&command.name));
    }
    app.printer.say(&format!("sandbox `{}` has ended; a server removes what is left of it", command.name));
    Ok(Exit::Ok)
}

fn meant(command: &EndSandboxCommand) -> Result<(), Failure> {
    if command.yes {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("everything in sandbox `{}` would be lost", command.name))
        .hint("add `--yes` if that is meant"))
}

async fn called(sandboxes: &Sandboxes, name: &str) -> Result<Sandbox, Failure> {
    sandboxes.named(name).await?.ok_or_else(|| missing_sandbox(name))
}

fn print(app: &App, document: &SandboxDocument) {
    if app.printer.json {
        app.printer.document(&value(document));
        return;
    }
    let told = value(document);
    let facts = [
        ("name", "name"),
        ("issuer", "issuer"),
        ("made", "created_at"),
        ("ends", "expires_at"),
        ("clients, at most", "clients"),
        ("users, at most", "users"),
        ("grants, at most", "grants"),
        ("access token, s", "access_token_seconds"),
        ("refresh token, s", "refresh_token_seconds"),
        ("open registration", "open_registration"),
    ];
    let facts = facts.map(|(what, member)| {
        let fact = match &told[member] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (what, fact)
    });
    app.printer.data(&sheet(&facts));
}

/// One thing a line, with what is told this once.
fn print_seeded(app: &App, seeded: &SeededDocument) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let text = |document: &serde_json::Value, member: &str| {
        document.get(member).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    for client in &seeded.clients {
        let told = value(client);
        rows.push(["client".to_owned(), text(&told, "id"), text(&told, "client_secret")]);
    }
    for resource in &seeded.resources {
        rows.push(["resource".to_owned(), text(&json!(resource), "url"), String::new()]);
    }
    for user in &seeded.users {
        let told = value(user);
        rows.push(["user".to_owned(), user.user.username.clone(), text(&told, "password")]);
    }
    for row in &rows {
        app.printer.data(&format!("{}\n", row.join(" ").trim_end()));
    }
    let (added, existing) = (rows.len(), seeded.existing.len());
    app.printer.say(&format!("{added} added, {existing} were there; secrets are shown this once"));
}
