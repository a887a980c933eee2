//! `bursar logout`: the login is gone here at once; what became of it at the provider is told.

use bursar_core::engine::logout::RevocationReport;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::deadlines::{access_expires_at, grant_expires_at};
use jiff::Timestamp;
use serde_json::json;

use super::app::App;
use super::arguments::LogoutCommand;
use crate::exit::{Exit, Failure};

/// Ends with success in every case: nothing is left to do for the person, or it is told what.
pub(super) async fn run(app: &App, command: &LogoutCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    // The description may be unreadable; that must not keep a login alive.
    let docs = app.engine.provider(&account.reference.provider).await.ok().and_then(|provider| provider.docs);
    // Their tokens stop working in the middle of whatever they do; that is what was asked for, but it must be told.
    let sessions =
        app.engine.sessions().await?.iter().filter(|session| session.uses(&account.reference)).count();
    let report = app.engine.logout(&account.reference).await?;
    let ends_at = ends_by_itself_at(&account);
    if app.printer.json {
        app.printer.document(&document(&account, &report, ends_at, sessions));
    } else {
        for line in words(&account, &report, ends_at, docs.as_deref()) {
            app.printer.say(&line);
        }
        if let Some(line) = warning(sessions) {
            app.printer.say(&line);
        }
    }
    Ok(Exit::Ok)
}

/// When the last token of the login ends even if nobody revokes it; `None`: no end known.
fn ends_by_itself_at(account: &Account) -> Option<Timestamp> {
    match (account.refresh.is_some(), grant_expires_at(account), access_expires_at(account)) {
        (true, grant, access) => grant.map(|grant| access.map_or(grant, |access| access.max(grant))),
        (false, _, access) => access,
    }
}

fn words(
    account: &Account,
    report: &RevocationReport,
    ends_at: Option<Timestamp>,
    docs: Option<&str>,
) -> Vec<String> {
    let reference = &account.reference;
    let provider = &reference.provider;
    let first = |what: &str| format!("Logged out of {reference}: {what}");
    match report {
        RevocationReport::Revoked => vec![first(&format!("{provider} has revoked it"))],
        RevocationReport::AlreadyGone => vec![first(&format!("{provider} had already forgotten it"))],
        RevocationReport::NotOffered => {
            let mut lines = vec![first("it is gone here")];
            lines.push(match ends_at {
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

fn document(
    account: &Account,
    report: &RevocationReport,
    ends_at: Option<Timestamp>,
    sessions: usize,
) -> serde_json::Value {
    let (word, detail, until) = match report {
        RevocationReport::Revoked => ("revoked", None, None),
        RevocationReport::AlreadyGone => ("already_gone", None, None),
        RevocationReport::NotOffered => ("not_offered", None, None),
        RevocationReport::Queued { detail, until } => ("queued", Some(detail), Some(format!("{until:.0}"))),
    };
    let still_good = matches!(report, RevocationReport::NotOffered | RevocationReport::Queued { .. });
    json!({
        "schema": 1,
        "ref": account.reference.to_string(),
        "provider": account.reference.provider.as_str(),
        "account": account.reference.nickname.as_str(),
        "identity": account.identity.as_ref().map(|identity| &identity.label),
        "revocation": word,
        "detail": detail,
        "tried_until": until,
        "sessions": sessions,
        "ends_at": ends_at.filter(|_| still_good).map(|end| format!("{end:.0}")),
    })
}
