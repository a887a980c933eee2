//! What a mail client sends to log in: XOAUTH2 and OAUTHBEARER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn both_strings_are_one_line_of_base64() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    for (line, words) in [
        (&["xoauth2", "work"][..], format!("user=ada@example.com\u{1}auth=Bearer {token}\u{1}\u{1}")),
        (
            &["xoauth2", "work", "--user", "shared@example.com"],
            format!("user=shared@example.com\u{1}auth=Bearer {token}\u{1}\u{1}"),
        ),
        (&["oauthbearer", "work"], format!("n,a=ada@example.com,\u{1}auth=Bearer {token}\u{1}\u{1}")),
        (
            &["oauthbearer", "work", "--host", "imap.example.com", "--port", "993"],
            format!(
                "n,a=ada@example.com,\u{1}host=imap.example.com\u{1}port=993\u{1}auth=Bearer {token}\u{1}\u{1}"
            ),
        ),
    ] {
        let printed = world.ask(line, "").await;
        assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{printed}");
        assert_eq!(printed.stdout, STANDARD.encode(&words) + "\n", "{line:?}");
        let raw = world.ask(&[line, &["--raw"]].concat(), "").await;
        assert_eq!(raw.stdout, words, "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_is_refused() {
    let world = World::with(&["work"]).await;
    for (line, exit) in [
        (&["xoauth2", "work", "--host", "imap.example.com"][..], 2),
        (&["xoauth2", "work", "--user", "a\u{1}auth=Bearer x"], 1),
        (&["oauthbearer", "nobody"], 3),
    ] {
        let refused = world.ask(line, "").await;
        assert_eq!((refused.code, refused.stdout.as_str()), (exit, ""), "{line:?}: {refused}");
        assert!(refused.stderr.starts_with("error: "), "{refused}");
    }
}
