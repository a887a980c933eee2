//! `bursar list`.

use super::stored::{elements, logged_in};

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_one_line_an_account_and_marks_the_default() {
    let (home, provider) = logged_in().await;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    assert_eq!(home.run(&["use", "play"]).await.code, 0);
    let ended = home.run(&["list"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ended}");
    assert!(
        lines[0].starts_with("  #  REF") && lines.iter().all(|line| line.chars().count() <= 80),
        "{ended}"
    );
    assert!(lines[1].starts_with("* 1  ") && lines[1].contains(":play"), "{ended}");
    assert!(lines[2].starts_with("  2  ") && lines[2].contains(":work"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_narrows_it() {
    let (home, provider) = logged_in().await;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    let all = elements(&home, &["list"]).await;
    let names: Vec<_> = all.iter().map(|element| element["account"].as_str().unwrap()).collect();
    assert_eq!(names, ["play", "work"]);
    assert_eq!(elements(&home, &["list", "work"]).await.len(), 1);
    let of_provider = elements(&home, &["list", all[0]["provider"].as_str().unwrap()]).await;
    assert_eq!(of_provider.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_trouble_does_not_change_the_exit_code() {
    let (home, _provider) = logged_in().await;
    super::stored::change(&home, "work", super::stored::needs_login(1)).await;
    assert_eq!(home.run(&["list"]).await.code, 0);
}
