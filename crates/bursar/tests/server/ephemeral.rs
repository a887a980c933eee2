//! A server that keeps nothing.

use super::world::{Server, get};
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_server_leaves_no_file_behind() {
    let home = Home::new();
    let mut server = Server::start(&home, &["--ephemeral", "--listen", "127.0.0.1:0"]).await;
    let said = server.running.says(|line| line.contains("memory").then(|| line.to_owned())).await;
    assert_eq!(said, "everything is kept in memory, the keys too: it is gone when the server stops");
    server.ready().await;
    assert_eq!(get(&format!("{}/readyz", server.urls[0])).await.0, 200);
    assert!(!home.path().exists(), "no folder, no store, no key");
    let ended = server.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(!home.path().exists());
    let beside: Vec<_> =
        std::fs::read_dir(home.beside("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["key"], "only what the test put there");
}
