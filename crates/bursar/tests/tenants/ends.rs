//! Accounts of sandboxes go with their sandbox, and with everything else from one store to another.

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn accounts_end_with_their_sandbox() {
    let world = World::with(&["one", "other"]).await;
    for name in ["one", "other"] {
        world.login("work", name).await;
    }
    world.home.run(&["sandbox", "reset", "one", "--yes"]).await.succeeded();
    world.home.run(&["sandbox", "delete", "other", "--yes"]).await.succeeded();
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "one"]).await.code, 3);
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "other"]).await.code, 1);
    world.home.run(&["sandbox", "new", "other"]).await.succeeded();
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "other"]).await.code, 3);
    world.login("work", "one").await;
    world.token("work", "one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_accounts_of_sandboxes_back() {
    let world = World::with(&["one"]).await;
    world.login("work", "one").await;
    let token = world.token("work", "one").await;
    let file = world.home.beside("bursar.backup");
    let file = file.to_str().unwrap();
    world.home.run(&["backup", file]).await.succeeded();
    let source = std::fs::read_dir(world.home.path()).unwrap().map(|entry| entry.unwrap().path());
    for database in source.filter(|path| path.to_string_lossy().contains("bursar.db")) {
        std::fs::remove_file(database).unwrap();
    }
    world.home.run(&["restore", file]).await.succeeded();
    assert_eq!(world.token("work", "one").await, token);
    // The original may still refresh it, and may have done so: in a sandbox as anywhere.
    let refused = world.home.run(&["refresh", "work", "--sandbox", "one"]).await;
    assert!(refused.code == 5 && refused.stderr.contains("restored copy"), "{refused}");
    world.home.run(&["restore", "--confirm"]).await.succeeded();
    let refused = world.home.run(&["refresh", "work", "--sandbox", "one"]).await;
    assert!(refused.code == 5 && refused.stderr.contains("is unknown"), "{refused}");
    assert_eq!(world.provider.refreshes(), 0);
}
