//! Tokens that end: they are replaced in time, and each refresh token is spent once.

use crate::support::write_private;

use super::person::Person;

#[tokio::test]
async fn a_token_near_its_end_is_replaced_before_anybody_gets_a_dead_one() {
    let person = Person::new().await;
    person.server.set_access_lifetime(6).await;
    person.log_in("work").await.succeeded();
    let first = person.token("work").await;
    loop {
        let token = person.token("work").await;
        assert!(person.server.is_live(&token).await, "a dead token was handed out");
        if token != first {
            break;
        }
    }
    let counts = person.server.counts().await;
    assert_eq!((counts.refresh_successes, counts.reuse_detected), (1, 0));
}

#[tokio::test]
async fn an_expired_token_is_replaced_on_its_next_use() {
    let person = Person::new().await;
    person.server.set_access_lifetime(1).await;
    person.log_in("work").await.succeeded();
    person.wait_for_state("work", "expired").await;
    assert_eq!(person.status("work").await["status"], "expired");
    assert_eq!(person.home.run(&["check", "work"]).await.code, 9);

    person.server.set_access_lifetime(600).await;
    let token = person.token("work").await;
    assert!(person.server.is_live(&token).await);
    assert_eq!(person.status("work").await["state"], "valid");
    person.home.run(&["check", "work"]).await.succeeded();
}

/// The server accepts each refresh token once and ends the login at the second time: five refreshes in a row go well
/// only if each spends the token that the one before has brought.
#[tokio::test]
async fn every_refresh_spends_the_newest_refresh_token() {
    let person = Person::logged_in().await;
    let mut tokens = vec![person.token("work").await];
    for _ in 0..5 {
        person.home.run(&["refresh", "work"]).await.succeeded();
        let token = person.token("work").await;
        assert!(person.server.is_live(&token).await);
        assert!(!tokens.contains(&token));
        tokens.push(token);
    }
    let counts = person.server.counts().await;
    assert_eq!((counts.refreshes, counts.refresh_successes), (5, 5));
    assert_eq!((counts.reuse_detected, counts.grants_revoked), (0, 0));
}

#[tokio::test]
async fn a_token_the_caller_saw_refused_is_replaced() {
    let person = Person::logged_in().await;
    let refused = person.token("work").await;
    let file = person.home.beside("refused");
    write_private(&file, &refused);

    let line = ["token", "work", "--rejected-file", file.to_str().unwrap()];
    let token = person.home.run(&line).await.succeeded().stdout.trim_end().to_owned();
    assert_ne!(token, refused);
    assert!(person.server.is_live(&token).await);

    // Whoever comes late with the same news gets what has already replaced it.
    let again = person.home.run(&line).await.succeeded();
    assert_eq!(again.stdout.trim_end(), token);
    assert_eq!(person.server.counts().await.refresh_successes, 1);
}

#[tokio::test]
async fn exec_gives_its_command_a_fresh_token() {
    let person = Person::new().await;
    person.server.set_access_lifetime(1).await;
    person.log_in("work").await.succeeded();
    person.wait_for_state("work", "expired").await;
    person.server.set_access_lifetime(600).await;

    let line = ["exec", "work", "--", "sh", "-c", "printf %s \"$ACCESS_TOKEN\"; exit 7"];
    let child = person.home.run(&line).await;
    assert_eq!(child.code, 7, "{child}");
    assert!(person.server.is_live(&child.stdout).await, "{child}");
    assert_eq!(child.stdout, person.token("work").await);
}
