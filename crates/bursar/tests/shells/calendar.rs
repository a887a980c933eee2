//! `bursar status --calendar`, and the age of a login.

use jiff::{SignedDuration, Timestamp};
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::store_key;
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_needs_a_person_in_order_of_date() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    assert_eq!(home.login(&provider, "work").await.code, 0);
    store_key(&home, "week", "one", Some("7d")).await;
    store_key(&home, "soon", "two", Some("1h")).await;
    let calendar = home.run(&["status", "--calendar"]).await;
    assert_eq!(calendar.code, 9, "as status: {calendar}");
    let rows: Vec<&str> = calendar.stdout.lines().take(3).collect();
    for (row, words) in rows.iter().zip([":soon  ", ":week  ", ":work  "]) {
        assert!(row.contains(words) && row.chars().count() <= 80, "{calendar}");
    }
    assert!(rows[0].ends_with("token ends") && rows[2].ends_with("login gets old"), "{calendar}");
    assert!(
        calendar
            .stdout
            .contains("Next: gitlab:soon: token ends in 59 minutes; run\n`bursar login gitlab --as soon"),
        "{calendar}"
    );
    let json = home.run(&["status", "--calendar", "--json"]).await;
    let elements: Value = serde_json::from_str(&json.stdout).unwrap();
    let occasions: Vec<&str> =
        elements.as_array().unwrap().iter().map(|one| one["occasion"].as_str().unwrap()).collect();
    assert_eq!(occasions, ["token_ends", "token_ends", "rotate_after"]);
    assert_eq!(elements[0]["command"], "bursar login gitlab --as soon --api-key-file FILE");
    let one = home.run(&["status", "gitlab:week", "--calendar", "--json"]).await;
    assert_eq!((one.code, one.stdout.matches("\"at\"").count()), (0, 1), "{one}");
    assert_eq!(home.run(&["status", "nobody", "--calendar"]).await.code, 3);
    assert_eq!(home.run(&["status", "--calendar", "--watch"]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_accounts_it_says_how_to_get_one() {
    let home = Home::new();
    let calendar = home.run(&["status", "--calendar"]).await;
    assert_eq!((calendar.code, calendar.stdout.as_str()), (0, ""), "{calendar}");
    assert!(calendar.stderr.contains("`bursar login PROVIDER`"), "{calendar}");
    assert_eq!(home.run(&["status", "--calendar", "--json"]).await.stdout, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_the_age_of_a_login_and_when_it_asks_for_a_new_one() {
    let home = Home::new();
    store_key(&home, "ci", "key", None).await;
    let status = home.run(&["status"]).await;
    assert!(status.stdout.contains("logged in       2"), "{status}");
    let json = home.run(&["status", "--json"]).await;
    let elements: Value = serde_json::from_str(&json.stdout).unwrap();
    let time = |member: &str| elements[0][member].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(time("rotate_after").duration_since(time("created_at")), SignedDuration::from_hours(30 * 24));
    assert_eq!(elements[0]["login_age_days"], 0);
}
