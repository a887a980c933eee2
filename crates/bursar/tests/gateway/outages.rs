//! Upstreams that are down, slow, cut, or were never there; accounts that cannot be used.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::upstream::{Upstream, beside, nobody};
use super::world::{World, refusal, route};

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_is_a_502_that_names_it() {
    let world = World::with(&route("api", &format!("http://{}", nobody()))).await;
    let answer = world.get("/x").send().await.unwrap();
    assert_eq!(refusal(answer).await, (502, "upstream_unreachable".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_stays_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    beside(async move {
        let answers: [&[u8]; 3] = [
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ];
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sink = [0; 4096];
            tokio::io::AsyncReadExt::read(&mut stream, &mut sink).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    let world = World::with(&route("api", &format!("http://{address}"))).await;
    assert_eq!(refusal(world.get("/x").send().await.unwrap()).await, (502, "upstream_failed".to_owned()));
    for _ in 0..2 {
        let answer = world.get("/x").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.bytes().await.is_err(), "half an answer must not pass for a whole one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_never_ends_keeps_only_its_own_connection() {
    let upstream = Upstream::handling(|request: axum::extract::Request| async move {
        if request.uri().path() == "/never" {
            return std::future::pending().await;
        }
        axum::response::Response::new("ok".into())
    })
    .await;
    let world = World::before(&upstream).await;
    let waiting: Vec<_> = (0..100).map(|_| beside(world.get("/never").send())).collect();
    for _ in 0..100 {
        assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
    }
    assert!(waiting.iter().all(|request| !request.is_finished()));
    for request in waiting {
        request.abort();
    }
    // Requests under way get their moment, and no more.
    let ended = world.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_whose_account_or_host_cannot_be_used_says_so_and_the_others_go_on() {
    let upstream = Upstream::agreeable().await;
    let elsewhere = format!(
        "[gateway.routes.elsewhere]\naccount = \"work\"\nupstream = \"{}\"\n",
        upstream.url("").replace("127.0.0.1", "localhost")
    );
    let config = [
        route("api", &upstream.url("")),
        route("nobody", &upstream.url("")).replace("\"work\"", "\"nobody\""),
        elsewhere,
        "[gateway.routes.nowhere]\naccount = \"work\"\n".to_owned(),
    ]
    .concat();
    let mut world = World::with(&config).await;
    let ask = |route: &str| {
        world.client.get(format!("{}/gateway/{route}/x", world.url)).bearer_auth(&world.token).send()
    };
    assert_eq!(ask("api").await.unwrap().status(), 200);
    assert_eq!(refusal(ask("nobody").await.unwrap()).await, (503, "no_such_account".to_owned()));
    assert_eq!(refusal(ask("elsewhere").await.unwrap()).await, (503, "route_unusable".to_owned()));
    assert_eq!(refusal(ask("nowhere").await.unwrap()).await, (503, "route_unusable".to_owned()));
    assert_eq!(upstream.arrivals().len(), 1, "no token left for a host outside the list");
    world.gateway.says(|line| line.contains("may not be sent to localhost").then_some(())).await;

    // What another process changes is believed for a second at most.
    let soon = async |status: u16| {
        let seen = async { while world.get("/x").send().await.unwrap().status() != status {} };
        tokio::time::timeout(Duration::from_secs(2), seen).await.expect("a change is seen soon");
    };
    let paused = world.home.run(&["pause", "work"]).await;
    assert_eq!(paused.code, 0, "{paused}");
    soon(403).await;
    assert_eq!(refusal(world.get("/x").send().await.unwrap()).await, (403, "denied".to_owned()));
    let resumed = world.home.run(&["resume", "work"]).await;
    assert_eq!(resumed.code, 0, "{resumed}");
    soon(200).await;
    let gone = world.home.run(&["logout", "work"]).await;
    assert_eq!(gone.code, 0, "{gone}");
    soon(503).await;
    assert_eq!(refusal(world.get("/x").send().await.unwrap()).await, (503, "no_such_account".to_owned()));
}
