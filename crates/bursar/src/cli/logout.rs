//! `bursar logout`: the login is gone here at once; what became of it at the provider is told.

use bursar_core::engine::logout::RevocationReport;

use super::app::App;
use super::arguments::LogoutCommand;
use crate::exit::{Exit, Failure};
use crate::http::wire::LogoutDocument;
use crate::logged_out::LoggedOut;

/// Ends with success in every case: nothing is left to do for the person, or it is told what.
pub(super) async fn run(app: &App, command: &LogoutCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    // The description may be unreadable; that must not keep a login alive.
    let docs = app.engine.provider(&account.reference.provider).await.ok().and_then(|provider| provider.docs);
    let logged_out = LoggedOut::of(&app.engine, account).await?;
    if app.printer.json {
        let document = LogoutDocument::from(&logged_out);
        app.printer.document(&serde_json::to_value(document).unwrap_or_default());
    } else {
        for line in words(&logged_out, docs.as_deref()) {
            app.printer.say(&line);
        }
        if let Some(line) = warning(logged_out.sessions) {
            app.printer.say(&line);
        }
    }
    Ok(Exit::Ok)
}

fn words(logged_out: &LoggedOut, docs: Option<&str>) -> Vec<String> {
    let reference = &logged_out.account.reference;
    let provider = &reference.provider;
    let first = |what: &str| format!("Logged out of {reference}: {what}");
    match &logged_out.report {
        RevocationReport::Revoked => vec![first(&format!("{provider} has revoked it"))],
        RevocationReport::AlreadyGone => vec![first(&format!("{provider} had already forgotten it"))],
        RevocationReport::NotOffered => {
            let mut lines = vec![first("it is gone here")];
            lines.push(match logged_out.ends_by_itself_at() {
                Some(end) => {
                    format!("{provider} offers no revocation; what it issued ends by itself on {end:.0}")
                }
                None => format!("{provider} offers no revocation and names no end"),
            });
            let place =
                docs.map_or_else(|| "its website".to_owned(), |docs| format!("its website (see {docs})"));
            lines.push(format!("to end it now, remove the access on {place}"));
            lines
        }
        RevocationReport::Queued { detail, until } => vec![
            first("it is gone here, but not yet revoked"),
            format!("  because: {detail}"),
            format!("revoking is tried again by `bursar cleanup`, until {until:.0}"),
        ],
    }
}

/// What whoever is using the account right now is about to meet.
fn warning(sessions: usize) -> Option<String> {
    match sessions {
        0 => None,
        1 => Some("1 running session was using it and gets no new token".to_owned()),
        more => Some(format!("{more} running sessions were using it and get no new token")),
    }
}
