//! Rotations that are killed: `SIGKILL` inside each of their commits, and a new key that cannot be put into its place.
//!
//! The children are this program itself, told by a variable where to die.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::paths::Paths;
use bursar::wiring::{Caller, Seams, wire};
use bursar_core::engine::vault::rotation::OldMasterKey;
use rustix::process::{Signal, getpid, kill_process};

use super::world::World;

/// What happens to a child in which commit.
const DEATH: &str = "BURSAR_TEST_ROTATION";

#[tokio::test]
async fn a_rotation_killed_before_its_commit_leaves_the_old_key() {
    if rotates_and("killed at 1").await {
        return;
    }
    let world = interrupted("a_rotation_killed_before_its_commit_leaves_the_old_key", "killed at 1").await;
    assert_eq!(world.key_files().len(), 2, "the new key waits beside");
    goes_on(&world).await;
}

#[tokio::test]
async fn a_rotation_killed_after_its_commit_leaves_the_new_key() {
    if rotates_and("killed at 2").await {
        return;
    }
    let world = interrupted("a_rotation_killed_after_its_commit_leaves_the_new_key", "killed at 2").await;
    assert_eq!(world.key_files().len(), 1, "the old key is gone, and the record does not know it yet");
    goes_on(&world).await;
}

#[tokio::test]
async fn a_rotation_stopped_between_commit_and_place_leaves_both_keys() {
    if rotates_and("blocked at 1").await {
        return;
    }
    let name = "a_rotation_stopped_between_commit_and_place_leaves_both_keys";
    let world = interrupted(name, "blocked at 1").await;
    assert_eq!(world.key_files().len(), 2);
    let (place, aside) = (world.home.key_file(), world.home.beside("aside"));
    world.opens().await;
    // The old key is back in its place, as a kill at this moment would have left it.
    std::fs::remove_dir(&place).unwrap();
    std::fs::rename(&aside, &place).unwrap();
    goes_on(&world).await;
}

/// In a child: rotates, and does not come back if it dies as told.
async fn rotates_and(death: &str) -> bool {
    let environment = Environment::from_process();
    if environment.text(DEATH) != Some(death) {
        return false;
    }
    let paths = Paths::resolve(&environment).unwrap();
    let config = Config::load(&environment, &paths).unwrap();
    // Opening the store commits as well.
    let commits = Arc::new(AtomicUsize::new(usize::MAX / 2));
    let (counted, place) = (Arc::clone(&commits), environment.path("BURSAR_MASTER_KEY_FILE").unwrap());
    let death = death.to_owned();
    let on_commit = move || {
        let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
        if death == format!("killed at {number}") {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
        if death == format!("blocked at {number}") {
            std::fs::rename(&place, place.with_file_name("aside")).unwrap();
            std::fs::create_dir(&place).unwrap();
        }
    };
    let seams = Seams { on_commit: Some(Arc::new(on_commit)), ..Seams::default() };
    let wired = wire(&environment, &paths, &config, Caller::Program, seams).await.unwrap();
    commits.store(0, Ordering::SeqCst);
    let rotated = wired.engine.rotate_master_key(None, OldMasterKey::Goes).await.unwrap();
    assert!(rotated.leftover.is_some(), "it was told to fail");
    true
}

/// A home whose rotation ended as told.
async fn interrupted(test: &str, death: &str) -> World {
    let world = World::with_key_file();
    world.log_in().await;
    world.opens().await;
    let prepared = world.command(&[]);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("vault::kill::{test}"), "--nocapture"])
        .env_clear()
        .envs(prepared.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env(DEATH, death)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), if death.starts_with("killed") { None } else { Some(0) }, "{said}");
    world
}

/// The vault opens, can be rotated, and has one key in the end.
async fn goes_on(world: &World) {
    world.opens().await;
    world.run(&["doctor"]).await;
    world.run(&["vault", "rotate"]).await.succeeded();
    world.opens().await;
    assert_eq!(world.key_files(), [world.home.key_file()]);
}
