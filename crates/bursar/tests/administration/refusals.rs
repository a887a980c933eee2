//! `bursar explain`.

use super::world::{document, filters};
use crate::support::{Home, Running};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_running_server_has_just_refused_is_explained() {
    let home = Home::new();
    let (server, issuer) = serve(&home).await;
    let http = reqwest::Client::builder().no_proxy().user_agent("probe/1").build().unwrap();
    let request = http.post(format!("{issuer}/oauth/token")).basic_auth("nobody", Some("hunter2"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body("grant_type=client_credentials").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let id = answer.headers()["bursar-correlation-id"].to_str().unwrap().to_owned();
    assert!(answer.text().await.unwrap().contains(&format!("(reference: {id})")));
    let explained = home.run(&["explain", &id]).await;
    {
        let _filters = filters();
        insta::assert_snapshot!(explained, @"
        exit 0
        --- stdout
        refused     /oauth/token at [TIME]
        client      nobody
        from        127.0.0.1, probe/1
        told        invalid_client: the client is not known here; register it again
        reason      no client has this id
        what helps  Compare the client's id, its secret and its way to prove itself with
                    `bursar client show ID`; a secret that was lost is replaced with
                    `bursar client renew-secret ID`. A program that registers itself
                    does so again by itself when it hears this.
        --- stderr
        ");
    }
    let document = document(&home, &["explain", &id]).await;
    assert_eq!((&document["id"], &document["client"]), (&id.into(), &"nobody".into()), "{document}");
    assert!(!explained.to_string().contains("hunter2"));
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_survives_the_end_of_the_server_that_has_told_it() {
    let home = Home::new();
    let (server, issuer) = serve(&home).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{issuer}/oauth/authorize?client_id=nobody")).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let id = answer.headers()["bursar-correlation-id"].to_str().unwrap().to_owned();
    server.signal(rustix::process::Signal::TERM);
    let ended = server.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stderr.contains(&id), "the log tells it too: {ended}");
    let document = document(&home, &["explain", &id]).await;
    assert_eq!(document["endpoint"], "/oauth/authorize", "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reached_no_endpoint_is_explained_too() {
    let home = Home::new();
    let (server, issuer) = serve(&home).await;
    let http = reqwest::Client::builder().no_proxy().user_agent("probe/1").build().unwrap();
    for (request, endpoint) in [
        (http.get(format!("{issuer}/oauth/tokens?code=hunter2")), "/oauth/tokens"),
        (http.post(format!("{issuer}/oauth/token")).body("x".repeat(100_000)), "/oauth/token"),
    ] {
        let answer = request.send().await.unwrap();
        let id = answer.headers()["bursar-correlation-id"].to_str().unwrap().to_owned();
        assert!(answer.text().await.unwrap().contains(&format!("(reference: {id})")));
        let document = document(&home, &["explain", &id]).await;
        assert_eq!((&document["id"], &document["endpoint"]), (&id.into(), &endpoint.into()), "{document}");
        assert!(!document.to_string().contains("hunter2"), "{document}");
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_nobody_knows_is_told_so() {
    let _filters = filters();
    insta::assert_snapshot!(Home::new().run(&["explain", "abc"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: no refusal has the id `abc`
    hint: ids are on error pages and in error answers of this server, and in
          their header `Bursar-Correlation-Id`; of very many at once only some
          are kept
    ");
}

async fn serve(home: &Home) -> (Running, String) {
    let mut running = home.start(&["serve", "--listen", "127.0.0.1:0"]);
    let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    while http.get(format!("{issuer}/readyz")).send().await.unwrap().status() != 200 {}
    (running, issuer)
}
