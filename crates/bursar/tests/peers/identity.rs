//! An account belongs to one person at the provider, whoever happens to be signed in there.

use serde_json::Value;

use super::person::Person;

#[tokio::test]
async fn somebody_elses_login_does_not_replace_an_account() {
    let person = Person::logged_in().await;
    let token = person.token("work").await;
    let before = stored(&person).await;

    person.server.sign_in("bob").await;
    let login = person.log_in("work").await;
    assert_eq!(login.code, 8, "{login}");
    for word in ["ada@example.com", "bob@example.com", "--as"] {
        assert!(login.stderr.contains(word), "{word} is missing: {login}");
    }

    assert_eq!(stored(&person).await, before);
    assert_eq!(person.token("work").await, token);
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
    assert_eq!(stored(&person).await.as_array().unwrap().len(), 1);
}

/// All accounts, without what changes by looking at them later.
async fn stored(person: &Person) -> Value {
    let list = person.home.run(&["list", "--json"]).await.succeeded();
    let mut accounts: Value = serde_json::from_str(&list.stdout).unwrap();
    for account in accounts.as_array_mut().unwrap() {
        account.as_object_mut().unwrap().remove("seconds_left").unwrap();
    }
    accounts
}
