//! `bursar agent status`.

use std::fmt::Write as _;

use http::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Seen;
use crate::account_view::time_words::both;
use crate::agent::client::{CallError, NoAnswer};
use crate::exit::{Exit, Failure};
use crate::http::wire::{AgentDocument, VaultState};

pub(super) async fn show(seen: &Seen<'_>) -> Result<Exit, Failure> {
    let asked = match seen.client() {
        Some(client) => client.ask::<AgentDocument>(Method::GET, "/v1/agent", &Value::Null).await,
        None => Err(CallError::NoAnswer(NoAnswer::NotRunning)),
    };
    let document = match asked {
        Ok(document) => document,
        Err(CallError::NoAnswer(why)) => return silent(seen, why),
        Err(CallError::Refused(failure) | CallError::VaultUnavailable(failure)) => return Err(failure),
    };
    if seen.printer.json {
        seen.printer.document(&json!(document));
    } else {
        seen.printer.data(&screen(&document, seen.clock.now(), &TimeZone::system()));
    }
    Ok(Exit::Ok)
}

/// Not running is an answer too; not answering is a fault.
fn silent(seen: &Seen<'_>, why: NoAnswer) -> Result<Exit, Failure> {
    let process = crate::agent::running(seen.paths);
    match (why, process) {
        (NoAnswer::NotRunning, None) => {
            if seen.printer.json {
                seen.printer.document(&json!({ "schema": 1, "running": false }));
            } else {
                seen.printer.data("the agent is not running\n");
                seen.printer
                    .say("start it with `bursar agent start`, or at every login with `bursar agent install`");
            }
            Ok(Exit::Unreachable)
        }
        (_, process) => {
            let who = process.filter(|number| *number > 0);
            let who = who.map_or_else(String::new, |number| format!(" (process {number})"));
            Err(Failure::new(Exit::Unreachable, format!("the agent{who} does not answer")).hint(
                "commands go on without it; see `bursar agent logs`, end the process, and run `bursar agent start`",
            ))
        }
    }
}

fn screen(document: &AgentDocument, now: Timestamp, zone: &TimeZone) -> String {
    let time = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |time| both(time, now, zone));
    let vault = match document.vault {
        VaultState::Open => "open",
        VaultState::Locked => "locked: run `bursar vault unlock`",
        VaultState::Absent => "none yet: the first login makes it",
    };
    let mut lines = vec![
        ("agent", format!("running, process {}, version {}", document.process, document.version)),
        ("started", time(&document.started_at)),
        ("vault", vault.to_owned()),
        (
            "accounts",
            format!(
                "{}, {} being refreshed, {} in use",
                document.accounts, document.refreshing, document.sessions
            ),
        ),
    ];
    lines.push((
        "next refresh",
        document.next.as_ref().map_or_else(
            || "nothing is planned".to_owned(),
            |next| format!("{}, {}", next.account, time(&next.at)),
        ),
    ));
    if let Some(last) = &document.last_refresh {
        lines.push(("last refresh", time(last)));
    }
    if let Some([last, next]) = &document.nightly {
        if let Some(last) = last {
            lines.push(("last night", time(last)));
        }
        if let Some(next) = next {
            lines.push(("next night", time(next)));
        }
    }
    if let Some(gateway) = &document.gateway {
        lines.push(("gateway", gateway.clone()));
    }
    if let Some(error) = &document.config_error {
        lines.push(("config", format!("broken, the one before is in force: {error}")));
    }
    let mut screen = String::new();
    for (name, value) in lines {
        // Writing to a `String` cannot fail.
        let _ = writeln!(screen, "{name:<13} {value}");
    }
    screen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::NextWork;

    #[test]
    fn every_line_of_the_screen() {
        let document = AgentDocument {
            schema: 1,
            running: true,
            version: "0.1.0".into(),
            process: 4711,
            started_at: "2026-11-21T08:00:00Z".into(),
            vault: VaultState::Locked,
            next: Some(NextWork { account: "google:work".into(), at: "2026-11-21T12:25:00Z".into() }),
            last_refresh: Some("2026-11-21T11:55:00Z".into()),
            nightly: Some([Some("2026-11-21T03:30:00Z".into()), Some("2026-11-22T03:30:00Z".into())]),
            refreshing: 1,
            accounts: 12,
            sessions: 3,
            gateway: Some("http://127.0.0.1:8791".into()),
            config_error: Some("config.toml:3: unknown key `agent.nightli`".into()),
        };
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        insta::assert_snapshot!(screen(&document, now, &TimeZone::UTC), @"
        agent         running, process 4711, version 0.1.0
        started       2026-11-21 08:00:00 (4 hours ago)
        vault         locked: run `bursar vault unlock`
        accounts      12, 1 being refreshed, 3 in use
        next refresh  google:work, 2026-11-21 12:25:00 (in 25 minutes)
        last refresh  2026-11-21 11:55:00 (5 minutes ago)
        last night    2026-11-21 03:30:00 (8 hours ago)
        next night    2026-11-22 03:30:00 (in 15 hours)
        gateway       http://127.0.0.1:8791
        config        broken, the one before is in force: config.toml:3: unknown key `agent.nightli`
        ");
    }
}
