//! `bursar stats`: how much there is.

use bursar_core::engine::issuer::statistics::Statistics;

use super::administration::{server_of, value};
use super::app::App;
use super::arguments::StatsCommand;
use super::screen::table::table;
use crate::exit::{Exit, Failure};

/// The command has one subject so far, and insists on its name.
pub(super) async fn run(app: &App, _command: &StatsCommand) -> Result<Exit, Failure> {
    let counts = server_of(app).await?.statistics().await?;
    if app.printer.json {
        let mut document = value(&counts);
        document["schema"] = 1.into();
        app.printer.document(&document);
    } else {
        app.printer.data(&table(["WHAT", "COUNT", "OF THEM"], 2, &rows(&counts)));
    }
    Ok(Exit::Ok)
}

fn rows(counts: &Statistics) -> Vec<[String; 3]> {
    let Statistics { clients, users, grants, logins, codes, device_codes, .. } = *counts;
    let row = |what: &str, count: u64, parts: &[(u64, &str)]| {
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, part)| format!("{count} {part}"))
            .collect();
        [what.to_owned(), count.to_string(), parts.join(", ")]
    };
    let present = clients.added + clients.registered + clients.by_document;
    vec![
        row("active refresh tokens", counts.active_tokens, &[]),
        row(
            "logins of clients",
            logins.active + logins.over,
            &[(logins.with_access_token, "with an access token"), (logins.over, "over")],
        ),
        row(
            "clients",
            present + clients.removed,
            &[
                (clients.registered, "registered themselves"),
                (clients.by_document, "named by their document"),
                (clients.unused, "unused"),
                (clients.removed, "removed"),
            ],
        ),
        row("users", users.active + users.disabled, &[(users.disabled, "disabled")]),
        row("resources", counts.resources, &[]),
        row("held accounts", counts.accounts, &[]),
        row("grants", grants.standing + grants.withdrawn, &[(grants.withdrawn, "withdrawn")]),
        row("codes", codes.waiting + codes.over, &[(codes.waiting, "waiting")]),
        row("device codes", device_codes.waiting + device_codes.over, &[(device_codes.waiting, "waiting")]),
        row("browser sessions", counts.browser_sessions, &[]),
        row("revocations", counts.revocations, &[]),
        row("signing keys", counts.signing_keys, &[]),
        row("ended, not yet collected", counts.expired, &[]),
    ]
}
