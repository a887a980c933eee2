//! The end of a login, at the server too.

use super::person::Person;

#[tokio::test]
async fn after_a_logout_the_server_honours_nothing_of_it() {
    let person = Person::logged_in().await;
    let first = person.token("work").await;
    person.home.run(&["refresh", "work"]).await.succeeded();
    let second = person.token("work").await;

    let logout = person.home.run(&["logout", "work"]).await.succeeded();
    assert!(logout.stderr.contains("revoked"), "{logout}");
    assert!(!person.server.is_live(&second).await);
    assert!(!person.server.is_live(&first).await);
    assert!(person.server.counts().await.revocations > 0);

    let token = person.home.run(&["token", "work"]).await;
    assert_eq!((token.code, token.stdout.as_str()), (3, ""), "{token}");
}

#[tokio::test]
async fn a_login_after_a_logout_starts_anew() {
    let person = Person::logged_in().await;
    let before = person.token("work").await;
    person.home.run(&["logout", "work"]).await.succeeded();

    // Nothing pins the nickname any more: another person may have it.
    person.server.sign_in("bob").await;
    person.log_in("work").await.succeeded();
    assert_eq!(person.status("work").await["identity"], "bob@example.com");
    let after = person.token("work").await;
    assert_ne!(after, before);
    assert!(person.server.is_live(&after).await);
    person.home.run(&["refresh", "work"]).await.succeeded();
}
