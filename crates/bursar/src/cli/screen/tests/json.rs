//! The elements of `--json`.

use serde_json::Value;

use crate::account_view::AccountView;
use crate::cli::screen::fixtures::{every_state, view};

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot")]
fn every_state_as_json() {
    let elements: Vec<Value> = every_state().iter().map(|(_, account)| view(account).to_json()).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&elements).unwrap(), @r#"
    [
      {
        "schema": 1,
        "ref": "google:work",
        "provider": "google",
        "account": "work",
        "identity": "work@example.com",
        "status": "valid",
        "state": "valid",
        "expires_at": "2026-11-21T15:30:00Z",
        "grant_expires_at": null,
        "seconds_left": 1500,
        "last_refreshed": "2026-11-21T14:25:00Z",
        "last_used": "2026-11-21T15:04:00Z",
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 2,
        "default": true,
        "paused": false,
        "note": null,
        "last_error": null,
        "next_try": null
      },
      {
        "schema": 1,
        "ref": "google:guest",
        "provider": "google",
        "account": "guest",
        "identity": "guest@example.com",
        "status": "expiring",
        "state": "expiring",
        "expires_at": "2026-11-21T15:30:00Z",
        "grant_expires_at": "2026-11-23T08:00:00Z",
        "seconds_left": 1500,
        "last_refreshed": "2026-11-21T14:25:00Z",
        "last_used": null,
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 0,
        "default": false,
        "paused": false,
        "note": "login ends in 40 hours; it cannot be extended; run `bursar login google --as guest`",
        "last_error": null,
        "next_try": null
      },
      {
        "schema": 1,
        "ref": "github:private",
        "provider": "github",
        "account": "private",
        "identity": "private@example.com",
        "status": "expired",
        "state": "expired",
        "expires_at": "2026-11-21T14:00:00Z",
        "grant_expires_at": null,
        "seconds_left": 0,
        "last_refreshed": "2026-11-21T12:00:00Z",
        "last_used": null,
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 0,
        "default": false,
        "paused": false,
        "note": "refreshed on next use",
        "last_error": null,
        "next_try": null
      },
      {
        "schema": 1,
        "ref": "github:work",
        "provider": "github",
        "account": "work",
        "identity": "work@example.com",
        "status": "expiring",
        "state": "failing",
        "expires_at": "2026-11-21T15:30:00Z",
        "grant_expires_at": null,
        "seconds_left": 1500,
        "last_refreshed": "2026-11-21T14:25:00Z",
        "last_used": "2026-11-21T15:04:00Z",
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 2,
        "default": true,
        "paused": false,
        "note": "the provider answered HTTP 503: no JSON; tries again at 15:10 (in 5 minutes); the current token still serves",
        "last_error": {
          "kind": "server_error",
          "detail": "the provider answered HTTP 503: no JSON",
          "at": "2026-11-21T15:00:00Z"
        },
        "next_try": "2026-11-21T15:10:00Z"
      },
      {
        "schema": 1,
        "ref": "gitlab:work",
        "provider": "gitlab",
        "account": "work",
        "identity": "work@example.com",
        "status": "expiring",
        "state": "uncertain",
        "expires_at": "2026-11-21T15:08:00Z",
        "grant_expires_at": null,
        "seconds_left": 180,
        "last_refreshed": "2026-11-21T12:00:00Z",
        "last_used": "2026-11-21T15:04:00Z",
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 2,
        "default": true,
        "paused": false,
        "note": "the outcome of the last refresh is unknown (no answer within 30 s); tries again at 15:08 (in 3 minutes); the current token still serves",
        "last_error": {
          "kind": "timed_out",
          "detail": "no answer within 30 s",
          "at": "2026-11-21T15:03:00Z"
        },
        "next_try": "2026-11-21T15:08:00Z"
      },
      {
        "schema": 1,
        "ref": "slack:team",
        "provider": "slack",
        "account": "team",
        "identity": "team@example.com",
        "status": "expired",
        "state": "login_required",
        "expires_at": "2026-11-21T14:00:00Z",
        "grant_expires_at": null,
        "seconds_left": 0,
        "last_refreshed": "2026-11-21T12:00:00Z",
        "last_used": null,
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 0,
        "default": false,
        "paused": false,
        "note": "the provider answered invalid_grant: token was revoked; run `bursar login slack --as team`",
        "last_error": {
          "kind": "grant_refused",
          "detail": "the provider answered invalid_grant: token was revoked",
          "at": "2026-11-21T14:01:00Z"
        },
        "next_try": null
      },
      {
        "schema": 1,
        "ref": "slack:old",
        "provider": "slack",
        "account": "old",
        "identity": "old@example.com",
        "status": "expired",
        "state": "revoked",
        "expires_at": "2026-11-21T15:30:00Z",
        "grant_expires_at": null,
        "seconds_left": 1500,
        "last_refreshed": "2026-11-21T14:25:00Z",
        "last_used": null,
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 0,
        "default": false,
        "paused": false,
        "note": "revoked 2 days ago; run `bursar login slack --as old`",
        "last_error": null,
        "next_try": null
      },
      {
        "schema": 1,
        "ref": "zoom:default",
        "provider": "zoom",
        "account": "default",
        "identity": null,
        "status": "valid",
        "state": "paused",
        "expires_at": "2026-11-21T15:30:00Z",
        "grant_expires_at": null,
        "seconds_left": 1500,
        "last_refreshed": "2026-11-21T14:25:00Z",
        "last_used": null,
        "created_at": "2026-11-01T08:00:00Z",
        "login_age_days": 20,
        "rotate_after": "2026-12-01T08:00:00Z",
        "scope": "email openid",
        "token_type": "Bearer",
        "method": "browser",
        "generation": 7,
        "sessions": 0,
        "default": false,
        "paused": true,
        "note": "kept fresh but not handed out; run `bursar resume zoom:default`",
        "last_error": null,
        "next_try": null
      }
    ]
    "#);
}

#[test]
fn filtering_by_status_finds_every_account_that_is_not_usable_as_it_stands() {
    let views: Vec<AccountView> = every_state().iter().map(|(_, account)| view(account)).collect();
    let found: Vec<String> = views
        .iter()
        .map(AccountView::to_json)
        .filter(|element| element["status"] == "expired")
        .map(|element| element["ref"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, ["github:private", "slack:team", "slack:old"]);
}
