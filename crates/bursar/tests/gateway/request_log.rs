//! The request log: what it tells, what it never tells, and that no request depends on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use super::upstream::Upstream;
use super::world::{World, route};

fn config(log: &Path, more: &str, upstream: &Upstream) -> String {
    format!("[gateway]\nlog = \"{}\"\n{more}{}", log.display(), route("api", &upstream.url("/base")))
}

fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_leaves_a_line_without_secrets() {
    let upstream = Upstream::agreeable().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.log");
    let world = World::with(&config(&log, "", &upstream)).await;
    let account_token = world.account_token().await;
    let token = world.token.clone();
    assert_eq!(world.get("/things?secret=hunter2").send().await.unwrap().text().await.unwrap(), "ok");
    let refused =
        world.client.post(world.api("/x?secret=hunter2")).bearer_auth("bgw_unknown").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let ended = world.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");

    let lines = lines(&log);
    assert_eq!(lines.len(), 2, "{lines:?}");
    let first = lines.iter().find(|line| line["status"] == 200).unwrap();
    assert_eq!((&first["route"], &first["method"]), (&"api".into(), &"GET".into()));
    assert_eq!(first["path"], "/gateway/api/things");
    assert_eq!((&first["caller"], &first["bytes"]), (&"tests".into(), &2.into()));
    assert!(first["account"].as_str().unwrap().ends_with(":work"));
    assert!(first["latency_ms"].is_u64());
    first["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let second = lines.iter().find(|line| line["status"] == 401).unwrap();
    assert_eq!((&second["caller"], &second["account"]), (&Value::Null, &Value::Null));

    let text = std::fs::read_to_string(&log).unwrap();
    for secret in [account_token.as_str(), token.as_str(), "bgw_unknown", "hunter2"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!ended.stderr.contains(secret), "{ended}");
    }
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_log_is_put_aside_and_only_so_many_are_kept() {
    let upstream = Upstream::agreeable().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.log");
    let world = World::with(&config(&log, "log_size = \"1KiB\"\nlog_keep = 2\n", &upstream)).await;
    for _ in 0..40 {
        assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
    }
    assert_eq!(world.stopped().await.code, 0);
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["requests.log", "requests.log.1", "requests.log.2"]);
    for name in names {
        let path = folder.path().join(name);
        assert!(std::fs::metadata(&path).unwrap().len() <= 1024);
        assert!(!lines(&path).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_no_request_and_is_told_once() {
    let upstream = Upstream::agreeable().await;
    let world = World::with(&config(Path::new("/dev/full"), "log_size = \"1GiB\"\n", &upstream)).await;
    for _ in 0..5 {
        assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
    }
    let ended = world.stopped().await;
    assert_eq!(ended.stderr.matches("request log cannot be written").count(), 1, "{ended}");
}
