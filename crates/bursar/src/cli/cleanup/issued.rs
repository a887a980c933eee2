//! `bursar cleanup --issued`: what the authorization server does by itself now and then, at once and completely.

use bursar_core::engine::issuer::tidying::Tidied;
use serde_json::{Value, json};

use crate::cli::administration::server_of;
use crate::cli::app::App;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, dry_run: bool) -> Result<Exit, Failure> {
    let server = server_of(app).await?;
    let tidied = if dry_run { server.untidy().await? } else { server.clean_up().await? };
    let removals = removals(&tidied);
    if app.printer.json {
        app.printer.document(&removals.iter().map(|removal| removal.to_json(!dry_run)).collect::<Value>());
        return Ok(Exit::Ok);
    }
    let act = if dry_run { "would remove" } else { "removed" };
    for removal in &removals {
        app.printer.data(&format!("{act} {}\n", removal.words()));
    }
    if removals.is_empty() {
        app.printer.say("nothing to clean up");
    }
    Ok(Exit::Ok)
}

/// So many of something.
#[derive(Debug)]
struct Removal {
    action: &'static str,
    kind: &'static str,
    count: u64,
}

fn removals(tidied: &Tidied) -> Vec<Removal> {
    let expired = tidied.expired.iter();
    let mut removals: Vec<Removal> =
        expired.map(|&(kind, count)| Removal { action: "collect", kind, count }).collect();
    for (action, kind, count) in
        [("forget", "client", tidied.unused_clients), ("forget", "event", tidied.events)]
    {
        if count > 0 {
            removals.push(Removal { action, kind, count });
        }
    }
    removals
}

impl Removal {
    fn words(&self) -> String {
        let (one, many) = match (self.action, self.kind) {
            ("forget", "client") => ("unused client", "unused clients"),
            ("forget", _) => ("old event", "old events"),
            (_, kind) => NAMES
                .iter()
                .find(|(known, ..)| *known == kind)
                .map_or(("other ended record", "other ended records"), |(_, one, many)| (*one, *many)),
        };
        format!("{} {}", self.count, if self.count == 1 { one } else { many })
    }

    fn to_json(&self, removed: bool) -> Value {
        json!({
            "schema": 1,
            "action": self.action,
            "kind": self.kind,
            "count": self.count,
            "removed": removed,
        })
    }
}

/// What people call the kinds of records that end.
const NAMES: [(&str, &str, &str); 16] = [
    ("client", "client nobody has agreed to", "clients nobody has agreed to"),
    ("client_use", "note on the use of a client", "notes on the use of clients"),
    ("family", "ended login of a client", "ended logins of clients"),
    ("grant", "withdrawn grant", "withdrawn grants"),
    ("code", "authorization code", "authorization codes"),
    ("device", "device code", "device codes"),
    ("pushed", "pushed request", "pushed requests"),
    ("revoked", "mark of tokens that have ended since", "marks of tokens that have ended since"),
    ("signing_key", "signing key", "signing keys"),
    ("browser_session", "browser session", "browser sessions"),
    ("logout_notice", "notice of an end of a session", "notices of ends of sessions"),
    ("sign_out", "sign-out of a user", "sign-outs of users"),
    ("spent", "note on something used once", "notes on things used once"),
    ("first_code", "code for the first administrator", "codes for the first administrator"),
    ("reset_code", "code for a new password", "codes for new passwords"),
    ("session", "ended session of an account", "ended sessions of accounts"),
];
