//! What `bursar cleanup` did, or would do, line by line.

use bursar_core::engine::cleanup::Ground;
use bursar_core::engine::logout::RevocationReport;
use bursar_core::engine::records::Revocation;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::document::Document as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::WIDTH;
use super::plain::{plain, wrapped};
use crate::account_view::time_words::{absolute, both};
use crate::account_view::{Viewing, rfc3339};

/// One thing cleaning up came across.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// A login nobody can use any more.
    Login {
        /// Which.
        reference: AccountReference,
        /// Why it goes.
        ground: Ground,
        /// What became of it.
        fate: Fate,
    },
    /// A login given up earlier that its provider had not revoked yet.
    Revocation {
        /// Which.
        reference: AccountReference,
        /// How that stands.
        report: RevocationReport,
    },
    /// Sessions nobody has ended, whose process is gone or whose time is over.
    Sessions {
        /// How many.
        count: usize,
        /// Whether they are off the record now.
        removed: bool,
    },
}

/// What became of a login.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It would have been removed.
    WouldGo,
    /// It was removed; its tokens met this at the provider.
    Gone(RevocationReport),
    /// It stays: sessions have begun to use it in this moment.
    InUse {
        /// How many.
        sessions: usize,
    },
    /// It could not be removed.
    Stays {
        /// Why.
        error: String,
    },
}

impl Finding {
    /// A revocation that waits for its next attempt.
    pub(crate) fn waiting(revocation: &Revocation) -> Self {
        let detail = revocation.last_error.clone().unwrap_or_else(|| "not tried yet".to_owned());
        let until = revocation.expires_at().unwrap_or(Timestamp::MAX);
        let report = RevocationReport::Queued { detail, until };
        Self::Revocation { reference: revocation.account.reference.clone(), report }
    }

    /// The lines on the screen.
    pub(crate) fn render(&self, viewing: &Viewing<'_>) -> String {
        let sentence = match self {
            Self::Login { reference, ground, fate } => {
                let why = describe_ground(ground, viewing);
                match fate {
                    Fate::WouldGo => format!("would remove {reference}: {why}"),
                    Fate::Gone(report) => {
                        format!("removed {reference}: {why}; {}", describe_report(report, viewing))
                    }
                    Fate::InUse { sessions } => {
                        format!("kept {reference}: in use by {}; {why}", counted(*sessions, "session"))
                    }
                    Fate::Stays { error } => format!("could not remove {reference}: {error}; {why}"),
                }
            }
            Self::Revocation { reference, report } => {
                format!("given up earlier: {reference}; {}", describe_report(report, viewing))
            }
            Self::Sessions { count, removed } => {
                let act = if *removed { "removed" } else { "would remove" };
                format!("{act} {}", counted(*count, "orphaned session"))
            }
        };
        wrapped(&plain(&sentence), WIDTH - INDENT).join("\n  ") + "\n"
    }

    /// The element of `--json`.
    pub(crate) fn to_json(&self) -> Value {
        let (action, reference) = match self {
            Self::Login { reference, .. } => ("remove", reference),
            Self::Revocation { reference, .. } => ("revoke", reference),
            Self::Sessions { count, removed } => {
                return json!({"schema": 1, "action": "end_sessions", "count": count, "removed": removed});
            }
        };
        let mut element = json!({
            "schema": 1,
            "action": action,
            "ref": reference.to_string(),
            "provider": reference.provider.as_str(),
            "account": reference.nickname.as_str(),
        });
        match self {
            Self::Login { ground, fate, .. } => {
                let (word, since) = ground_word(ground);
                element["ground"] = json!(word);
                element["since"] = json!(rfc3339(since));
                element["removed"] = json!(matches!(fate, Fate::Gone(_)));
                element["sessions"] = json!(match fate {
                    Fate::InUse { sessions } => *sessions,
                    _ => 0,
                });
                element["revocation"] = match fate {
                    Fate::Gone(report) => report_json(report),
                    _ => Value::Null,
                };
                element["error"] = match fate {
                    Fate::Stays { error } => json!(error),
                    _ => Value::Null,
                };
            }
            Self::Revocation { report, .. } => element["revocation"] = report_json(report),
            Self::Sessions { .. } => {}
        }
        element
    }
}

fn ground_word(ground: &Ground) -> (&'static str, Timestamp) {
    match ground {
        Ground::GrantEnded(since) => ("grant_ended", *since),
        Ground::LoginRequired(since) => ("login_required", *since),
        Ground::Unused(since) => ("unused", *since),
    }
}

fn describe_ground(ground: &Ground, viewing: &Viewing<'_>) -> String {
    let (_, since) = ground_word(ground);
    let since = both(since, viewing.now, viewing.zone);
    match ground {
        Ground::GrantEnded(_) => format!("its login ended {since}"),
        Ground::LoginRequired(_) => format!("it has needed a new login since {since}"),
        Ground::Unused(_) => format!("it was last used {since}"),
    }
}

fn describe_report(report: &RevocationReport, viewing: &Viewing<'_>) -> String {
    match report {
        RevocationReport::Revoked => "revoked at the provider".to_owned(),
        RevocationReport::AlreadyGone => "the provider knew it no more".to_owned(),
        RevocationReport::NotOffered => {
            "the provider offers no revocation, its tokens end by themselves".to_owned()
        }
        RevocationReport::Queued { detail, until } => {
            format!("not revoked yet ({detail}); tried again until {}", absolute(*until, viewing.zone))
        }
    }
}

fn report_json(report: &RevocationReport) -> Value {
    let outcome = match report {
        RevocationReport::Revoked => "revoked",
        RevocationReport::AlreadyGone => "already_gone",
        RevocationReport::NotOffered => "not_offered",
        RevocationReport::Queued { .. } => "queued",
    };
    let (detail, until) = match report {
        RevocationReport::Queued { detail, until } => (Some(detail), Some(rfc3339(*until))),
        _ => (None, None),
    };
    json!({"outcome": outcome, "detail": detail, "until": until})
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Of every line but the first.
const INDENT: usize = 2;
