//! Logins that a person takes part in.

use super::person::Person;

#[tokio::test]
async fn an_issuer_url_is_enough_to_log_in() {
    let person = Person::logged_in().await;
    let status = person.status("work").await;
    assert_eq!((&status["identity"], &status["state"]), (&"ada@example.com".into(), &"valid".into()));
    assert_eq!((&status["method"], &status["account"]), (&"browser".into(), &"work".into()));
    assert!(person.server.is_live(&person.token("work").await).await);
}

#[tokio::test]
async fn a_device_login_ends_when_it_is_approved_elsewhere() {
    let person = Person::new().await;
    let login = person.log_in_with_code("phone", async |code| person.server.approve_device(code).await).await;
    login.succeeded();
    let status = person.status("phone").await;
    assert_eq!((&status["identity"], &status["method"]), (&"ada@example.com".into(), &"device".into()));
    assert!(person.server.is_live(&person.token("phone").await).await);

    person.home.run(&["refresh", "phone"]).await.succeeded();
    assert_eq!(person.server.counts().await.refresh_successes, 1);
}

#[tokio::test]
async fn a_device_login_that_is_denied_stores_nothing() {
    let person = Person::new().await;
    let login = person.log_in_with_code("phone", async |code| person.server.deny_device(code).await).await;
    assert_eq!(login.code, 4, "{login}");
    assert!(login.stderr.contains("denied"), "{login}");
    assert_eq!(person.home.run(&["list", "--json"]).await.succeeded().stdout.trim(), "[]");
}

#[tokio::test]
async fn check_live_asks_the_server_itself() {
    let person = Person::logged_in().await;
    person.home.run(&["check", "--live", "work"]).await.succeeded();

    person.server.revoke(&person.token("work").await).await;
    // Nothing here knows of the revocation, so only asking can tell.
    person.home.run(&["check", "work"]).await.succeeded();
    let check = person.home.run(&["check", "--live", "work"]).await;
    assert_eq!(check.code, 4, "{check}");
    assert!(check.stderr.contains("refuses"), "{check}");
}
