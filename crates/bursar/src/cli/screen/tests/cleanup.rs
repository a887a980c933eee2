//! The lines of `bursar cleanup`.

use bursar_core::engine::cleanup::Ground;
use bursar_core::engine::logout::RevocationReport;
use serde_json::Value;

use super::{assert_narrow, bare};
use crate::cli::screen::cleanup_screen::{Fate, Finding};
use crate::cli::screen::fixtures::{VIEWING, at, reference};

fn findings() -> Vec<Finding> {
    let login = |provider: &str, ground, fate| {
        let reference = reference(provider, "old");
        Finding::Login { reference, ground, fate }
    };
    let queued = RevocationReport::Queued {
        detail: "the provider answered HTTP 503".into(),
        until: at("2026-12-21T15:05:00Z"),
    };
    vec![
        login("google", Ground::GrantEnded(at("2026-10-01T00:00:00Z")), Fate::WouldGo),
        login(
            "github",
            Ground::LoginRequired(at("2026-11-01T00:00:00Z")),
            Fate::Gone(RevocationReport::Revoked),
        ),
        login("gitlab", Ground::Unused(at("2026-09-01T00:00:00Z")), Fate::Gone(queued.clone())),
        login(
            "slack",
            Ground::Unused(at("2026-09-01T00:00:00Z")),
            Fate::Stays { error: "the keychain is locked".into() },
        ),
        login("twitch", Ground::LoginRequired(at("2026-11-01T00:00:00Z")), Fate::InUse { sessions: 2 }),
        Finding::Sessions { count: 1, removed: true },
        Finding::Sessions { count: 3, removed: false },
        Finding::Revocation { reference: reference("zoom", "old"), report: RevocationReport::AlreadyGone },
        Finding::Revocation { reference: reference("zoom", "older"), report: queued },
    ]
}

#[test]
fn each_line_says_what_why_and_what_became_of_it() {
    let text: String = findings().iter().map(|finding| bare(&finding.render(&VIEWING))).collect();
    assert_narrow(&text);
    insta::assert_snapshot!(text, @r#"
    would remove google:old: its login ended 2026-10-01 00:00:00 (51 days ago)
    removed github:old: it has needed a new login since 2026-11-01 00:00:00 (20
      days ago); revoked at the provider
    removed gitlab:old: it was last used 2026-09-01 00:00:00 (81 days ago); not
      revoked yet (the provider answered HTTP 503); tried again until 2026-12-21
      15:05:00
    could not remove slack:old: the keychain is locked; it was last used
      2026-09-01 00:00:00 (81 days ago)
    kept twitch:old: in use by 2 sessions; it has needed a new login since
      2026-11-01 00:00:00 (20 days ago)
    removed 1 orphaned session
    would remove 3 orphaned sessions
    given up earlier: zoom:old; the provider knew it no more
    given up earlier: zoom:older; not revoked yet (the provider answered HTTP
      503); tried again until 2026-12-21 15:05:00
    "#);
}

fn elements(wanted: fn(&Finding) -> bool) -> String {
    let findings = findings();
    let elements: Vec<Value> =
        findings.iter().filter(|finding| wanted(finding)).map(Finding::to_json).collect();
    serde_json::to_string_pretty(&elements).unwrap()
}

#[test]
fn each_element_says_it_to_programs() {
    let logins = elements(|finding| matches!(finding, Finding::Login { .. }));
    insta::assert_snapshot!(logins, @r#"
    [
      {
        "schema": 1,
        "action": "remove",
        "ref": "google:old",
        "provider": "google",
        "account": "old",
        "ground": "grant_ended",
        "since": "2026-10-01T00:00:00Z",
        "removed": false,
        "sessions": 0,
        "revocation": null,
        "error": null
      },
      {
        "schema": 1,
        "action": "remove",
        "ref": "github:old",
        "provider": "github",
        "account": "old",
        "ground": "login_required",
        "since": "2026-11-01T00:00:00Z",
        "removed": true,
        "sessions": 0,
        "revocation": {
          "outcome": "revoked",
          "detail": null,
          "until": null
        },
        "error": null
      },
      {
        "schema": 1,
        "action": "remove",
        "ref": "gitlab:old",
        "provider": "gitlab",
        "account": "old",
        "ground": "unused",
        "since": "2026-09-01T00:00:00Z",
        "removed": true,
        "sessions": 0,
        "revocation": {
          "outcome": "queued",
          "detail": "the provider answered HTTP 503",
          "until": "2026-12-21T15:05:00Z"
        },
        "error": null
      },
      {
        "schema": 1,
        "action": "remove",
        "ref": "slack:old",
        "provider": "slack",
        "account": "old",
        "ground": "unused",
        "since": "2026-09-01T00:00:00Z",
        "removed": false,
        "sessions": 0,
        "revocation": null,
        "error": "the keychain is locked"
      },
      {
        "schema": 1,
        "action": "remove",
        "ref": "twitch:old",
        "provider": "twitch",
        "account": "old",
        "ground": "login_required",
        "since": "2026-11-01T00:00:00Z",
        "removed": false,
        "sessions": 2,
        "revocation": null,
        "error": null
      }
    ]
    "#);
}

#[test]
fn each_leftover_says_it_to_programs() {
    let leftovers = elements(|finding| !matches!(finding, Finding::Login { .. }));
    insta::assert_snapshot!(leftovers, @r#"
    [
      {
        "schema": 1,
        "action": "end_sessions",
        "count": 1,
        "removed": true
      },
      {
        "schema": 1,
        "action": "end_sessions",
        "count": 3,
        "removed": false
      },
      {
        "schema": 1,
        "action": "revoke",
        "ref": "zoom:old",
        "provider": "zoom",
        "account": "old",
        "revocation": {
          "outcome": "already_gone",
          "detail": null,
          "until": null
        }
      },
      {
        "schema": 1,
        "action": "revoke",
        "ref": "zoom:older",
        "provider": "zoom",
        "account": "older",
        "revocation": {
          "outcome": "queued",
          "detail": "the provider answered HTTP 503",
          "until": "2026-12-21T15:05:00Z"
        }
      }
    ]
    "#);
}
