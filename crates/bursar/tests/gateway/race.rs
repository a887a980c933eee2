//! Ten thousand connections that say nothing.

use std::time::Duration;

use tokio::net::TcpStream;

use super::upstream::Upstream;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_hurt_nobody() {
    bursar::http::serving::allow_many_descriptors().unwrap();
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
    let before = resident(&world);
    let mut idle = Vec::new();
    for _ in 0..10_000 {
        idle.push(TcpStream::connect(world.address()).await.unwrap());
    }
    let asked = async {
        for _ in 0..100 {
            assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("requests still pass");
    let grown = resident(&world).saturating_sub(before) / 10_000;
    assert!(grown < 8, "{grown} KiB a connection, after {before} KiB");
    assert_eq!(idle.len(), 10_000);
}

/// What the gateway's process occupies, in KiB.
fn resident(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.gateway.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
