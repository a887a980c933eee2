//! An account belongs to one person at the provider, whoever happens to be signed in there.

use super::person::Person;

#[tokio::test]
async fn somebody_elses_login_does_not_replace_an_account() {
    let person = Person::logged_in().await;
    let before = person.home.stored().await;

    person.server.sign_in("bob").await;
    let login = person.log_in("work").await;
    assert_eq!(login.code, 8, "{login}");
    for word in ["ada@example.com", "bob@example.com", "--as"] {
        assert!(login.stderr.contains(word), "{word} is missing: {login}");
    }

    assert_eq!(person.home.stored().await, before);
    // The stored refresh token is still the one that works.
    person.home.run(&["refresh", "work"]).await.succeeded();
    assert!(person.server.is_live(&person.token("work").await).await);
}

#[tokio::test]
async fn two_people_are_two_accounts() {
    let person = Person::logged_in().await;
    person.server.sign_in("bob").await;
    person.log_in("home").await.succeeded();

    assert_eq!(person.status("work").await["identity"], "ada@example.com");
    assert_eq!(person.status("home").await["identity"], "bob@example.com");
    let (ada, bob) = (person.token("work").await, person.token("home").await);
    assert_ne!(ada, bob);

    // One of them leaves; the other stays.
    person.home.run(&["logout", "home"]).await.succeeded();
    assert!(!person.server.is_live(&bob).await);
    assert!(person.server.is_live(&ada).await);
    assert_eq!(person.token("work").await, ada);
}

#[tokio::test]
async fn the_same_person_logs_in_again_and_gets_new_tokens() {
    let person = Person::logged_in().await;
    let before = person.token("work").await;
    person.log_in("work").await.succeeded();
    let after = person.token("work").await;
    assert_ne!(after, before);
    assert_eq!(person.home.stored().await.len(), 1);
}
