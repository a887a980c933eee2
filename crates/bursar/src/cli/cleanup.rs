//! `bursar cleanup`: removes logins nobody can use any more, and finishes what earlier removals and killed processes
//! left.

mod issued;

use bursar_core::engine::cleanup::{CleanupRules, Removal, candidates};
use bursar_core::engine::logout::RevocationReport;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::app::App;
use super::arguments::CleanupCommand;
use super::screen::cleanup_screen::{Fate, Finding};
use crate::account_view::Viewing;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &CleanupCommand) -> Result<Exit, Failure> {
    if command.issued {
        return issued::run(app, command.dry_run).await;
    }
    let mut exit = Exit::Ok;
    let mut findings = revocations(app, command.dry_run).await?;
    findings.extend(sessions(app, command.dry_run).await?);
    let rules = CleanupRules { dead_for: app.config.cleanup.keep, unused_for: command.unused };
    let (overview, sessions) = (app.engine.overview().await?, app.engine.sessions().await?);
    for (reference, ground) in candidates(&overview, &sessions, rules, app.now()) {
        let fate = if command.dry_run {
            Fate::WouldGo
        } else {
            // One by one: if one cannot be removed, the others still can, and what happened is told of each.
            match app.engine.remove(&reference, rules).await {
                Ok(Removal::Removed(report)) => Fate::Gone(report),
                Ok(Removal::InUse { sessions }) => Fate::InUse { sessions },
                // Another process was faster and tells it, or somebody has just logged in again.
                Ok(Removal::Spared) => continue,
                Err(error) => {
                    let failure = Failure::from(error);
                    exit = failure.exit;
                    let error = failure.message.clone();
                    app.printer.failure(&failure);
                    Fate::Stays { error }
                }
            }
        };
        findings.push(Finding::Login { reference, ground, fate });
    }
    // Before anything else can fail: what was removed must be told.
    print(app, &findings);
    if !command.dry_run {
        collect_expired(app).await?;
    }
    Ok(exit)
}

/// Tries what is due of the queue, and tells how every revocation in it stands.
async fn revocations(app: &App, dry_run: bool) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    if !dry_run {
        for (reference, report) in app.engine.revoke_queued().await? {
            if !matches!(report, RevocationReport::Queued { .. }) {
                findings.push(Finding::Revocation { reference, report });
            }
        }
    }
    findings.extend(app.engine.queued_revocations().await?.iter().map(Finding::waiting));
    Ok(findings)
}

/// Sessions nobody has ended, whose process is gone or whose time is over.
async fn sessions(app: &App, dry_run: bool) -> Result<Option<Finding>, Failure> {
    let count = if dry_run {
        app.engine.orphaned_sessions().await?.len()
    } else {
        app.engine.collect_sessions().await?
    };
    Ok((count > 0).then_some(Finding::Sessions { count, removed: !dry_run }))
}

/// Each call collects a bounded number, so that nobody else waits long for the store.
async fn collect_expired(app: &App) -> Result<(), Failure> {
    let mut collected = 0;
    loop {
        match app.engine.collect_expired().await? {
            0 => break,
            more => collected += more,
        }
    }
    if collected > 0 {
        let records = if collected == 1 { "record" } else { "records" };
        app.printer.say(&format!("{collected} expired {records} collected"));
    }
    Ok(())
}

fn print(app: &App, findings: &[Finding]) {
    let zone = TimeZone::system();
    let viewing = Viewing { now: app.now(), warn: app.warn(None), zone: &zone };
    if app.printer.json {
        app.printer.document(&findings.iter().map(Finding::to_json).collect::<Value>());
    } else {
        for finding in findings {
            app.printer.data(&finding.render(&viewing));
        }
    }
    if findings.is_empty() && !app.printer.json {
        app.printer.say("nothing to clean up");
    }
}
