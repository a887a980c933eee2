//! The report of `bursar rebuild`.

use std::collections::{BTreeMap, BTreeSet};

use bursar_core::ports::event::Event;

use crate::cli::screen::fixtures::VIEWING;
use crate::cli::screen::rebuild_screen::{LostLogin, Rebuilt, Traces};

fn rebuilt() -> Rebuilt {
    Rebuilt {
        file: "/home/ada/.local/share/bursar/bursar.db".into(),
        moved_to: "/home/ada/.local/share/bursar/bursar.db.damaged-20261121T150500Z".into(),
        accounts: 1,
        others: 4,
        events: 17,
        lost: vec!["account: 1 rows hold garbage".into()],
        secrets_open: true,
        login_again: vec![LostLogin {
            reference: "google:work".into(),
            command: "bursar login google --as work".into(),
        }],
    }
}

#[test]
fn it_tells_what_was_saved_what_was_lost_and_what_to_run() {
    insta::assert_snapshot!(rebuilt().render(), @r#"
    rebuilt /home/ada/.local/share/bursar/bursar.db
    the damaged file was kept as
      /home/ada/.local/share/bursar/bursar.db.damaged-20261121T150500Z
    saved: 1 account, 4 other records, 17 events
    lost: account: 1 rows hold garbage
    these logins were lost; make them again:
      bursar login google --as work
    "#);
    insta::assert_snapshot!(serde_json::to_string_pretty(&rebuilt().to_json()).unwrap(), @r#"
    {
      "schema": 1,
      "rebuilt": true,
      "file": "/home/ada/.local/share/bursar/bursar.db",
      "damaged_file": "/home/ada/.local/share/bursar/bursar.db.damaged-20261121T150500Z",
      "saved": {
        "accounts": 1,
        "other_records": 4,
        "events": 17
      },
      "lost": [
        "account: 1 rows hold garbage"
      ],
      "secrets_open": true,
      "login_again": [
        {
          "schema": 1,
          "ref": "google:work",
          "command": "bursar login google --as work"
        }
      ]
    }
    "#);
}

#[test]
fn a_lost_key_is_told_because_no_saved_token_opens_without_it() {
    let text = Rebuilt { secrets_open: false, ..rebuilt() }.render();
    assert!(text.contains("lost: the key of the saved tokens"), "{text}");
}

#[test]
fn logins_that_only_other_records_remember_are_lost() {
    let event = |name: &str, subject: &str| Event::new(VIEWING.now, name, subject);
    let traces = Traces {
        accounts: 1,
        accounted_for: BTreeSet::from(["google:work".into()]),
        pointed_to: vec!["google:Work".into(), "github:play".into()],
        events: vec![
            event("account.logged_in", "google:Work"),
            event("account.logged_in", "slack:old"),
            event("account.logged_out", "slack:old"),
            event("account.logged_in", "zoom:Team"),
            event("account.logged_out", "zoom:Team"),
            event("account.logged_in", "zoom:Team"),
            event("account.refreshed", "gitlab:never"),
        ],
        issuers: BTreeMap::from([("zoom".into(), "https://zoom.example".into())]),
    };
    let lost: Vec<_> = traces.lost_logins().into_iter().map(|lost| (lost.reference, lost.command)).collect();
    assert_eq!(
        lost,
        [
            ("github:play".to_owned(), "bursar login github --as play".to_owned()),
            ("zoom:Team".to_owned(), "bursar login https://zoom.example --as Team".to_owned()),
        ]
    );
}
