//! bursar and an authorization server that other people wrote, npm's `oidc-provider`: real processes on both sides.

pub(crate) mod authorization_server;
mod bound;
mod identity;
mod login;
mod logout;
mod machine;
pub(crate) mod person;
mod renewal;

use self::person::Person;

/// What the README shows, one command after the other.
#[tokio::test]
async fn the_tour_works_against_an_independent_server() {
    let person = Person::new().await;
    let run = async |arguments: &[&str]| person.home.run(arguments).await;

    let login = person.log_in("work").await.succeeded();
    assert!(login.stderr.contains("as ada@example.com"), "{login}");

    let status = run(&["status"]).await.succeeded();
    assert!(status.stdout.contains("work") && status.stdout.contains("ada@example.com"), "{status}");

    let first = person.token("work").await;
    assert!(person.server.is_live(&first).await);
    assert_eq!(run(&["check", "--live"]).await.succeeded().stdout, "");

    run(&["refresh", "work"]).await.succeeded();
    let second = person.token("work").await;
    assert_ne!(second, first);
    assert!(person.server.is_live(&second).await);

    let child = run(&["exec", "work", "--", "sh", "-c", "printf %s \"$ACCESS_TOKEN\""]).await.succeeded();
    assert_eq!(child.stdout, second);

    run(&["logout", "work"]).await.succeeded();
    assert!(!person.server.is_live(&second).await);
    assert_eq!(run(&["list", "--json"]).await.succeeded().stdout.trim(), "[]");

    let counts = person.server.counts().await;
    assert_eq!((counts.refreshes, counts.refresh_successes, counts.reuse_detected), (1, 1, 0));
}
