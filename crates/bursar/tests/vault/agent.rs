//! The agent's vault: opened by a person's passphrase, and locked again.

use serde_json::Value;

use super::world::World;
use crate::support::Running;

#[tokio::test]
async fn without_an_agent_there_is_nobody_to_give_the_key_to() {
    let world = World::with_key_file();
    world.log_in().await;
    let unlock = world.run(&["vault", "unlock"]).await;
    assert_eq!(unlock.code, 6, "{unlock}");
    assert!(unlock.stderr.contains("no agent is running"), "{unlock}");
    let lock = world.run(&["vault", "lock"]).await.succeeded();
    assert!(
        lock.stderr.contains("nobody holds the key") && lock.stderr.contains("can still fetch"),
        "{lock}"
    );
}

/// A home with a passphrase that only one shell knows, and its agent, which does not.
struct Divided {
    world: World,
    passphrase: String,
    agent: Running,
}

impl Divided {
    async fn start() -> Self {
        let mut world = World::with_passphrase("correct horse battery");
        world.log_in().await;
        let passphrase = world.home.beside("passphrase").to_str().unwrap().to_owned();
        world.take("BURSAR_PASSPHRASE_FILE");
        let agent = Running::of(&mut world.command(&["agent", "run"]));
        let divided = Self { world, passphrase, agent };
        while divided.world.run(&["agent", "status"]).await.code != 0 {}
        divided
    }

    async fn vault(&self) -> Value {
        let status = self.world.run(&["agent", "status", "--json"]).await.succeeded();
        serde_json::from_str::<Value>(&status.stdout).unwrap()["vault"].clone()
    }

    /// As the one who knows the passphrase.
    async fn knowing(&self, arguments: &[&str]) -> crate::support::Ended {
        let mut command = self.world.command(arguments);
        crate::support::ended(command.env("BURSAR_PASSPHRASE_FILE", &self.passphrase)).await
    }

    async fn ends(self) {
        self.world.run(&["agent", "stop"]).await.succeeded();
        self.agent.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_given_once_opens_the_vault_for_all_until_it_is_locked() {
    let divided = Divided::start().await;
    assert_eq!(divided.vault().await, "locked");
    let shut = divided.world.token().await;
    assert_eq!(shut.code, 7, "{shut}");
    assert!(shut.stderr.contains("`bursar vault unlock`"), "{shut}");

    let given = divided.knowing(&["vault", "unlock", "--json"]).await.succeeded();
    let document: Value = serde_json::from_str(&given.stdout).unwrap();
    assert_eq!((&document["state"], &document["key"]), (&"open".into(), &"passphrase".into()));
    assert_eq!(divided.vault().await, "open");
    divided.world.opens().await;

    divided.world.run(&["vault", "lock"]).await.succeeded();
    assert_eq!(divided.vault().await, "locked");
    let shut = divided.world.token().await;
    assert_eq!(shut.code, 7, "{shut}");
    assert!(shut.stderr.contains("`bursar vault unlock`"), "{shut}");
    divided.knowing(&["vault", "unlock"]).await.succeeded();
    divided.world.opens().await;
    divided.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_leaves_the_agent_as_it_was() {
    let divided = Divided::start().await;
    let wrong = divided.world.private("wrong", "incorrect horse");
    let mut command = divided.world.command(&["vault", "unlock"]);
    let refused = crate::support::ended(command.env("BURSAR_PASSPHRASE_FILE", &wrong)).await;
    assert_eq!(refused.code, 7, "{refused}");
    assert!(refused.stderr.contains("does not fit"), "{refused}");
    assert_eq!(divided.vault().await, "locked");
    divided.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_has_the_vault_open_goes_on_after_a_rotation() {
    let divided = Divided::start().await;
    divided.knowing(&["vault", "unlock"]).await.succeeded();
    let next = divided.world.private("next", "another horse battery");
    divided.knowing(&["vault", "rotate", "--new-key-file", &next]).await.succeeded();
    divided.world.opens().await;
    divided.world.run(&["vault", "lock"]).await.succeeded();
    let old = divided.knowing(&["vault", "unlock"]).await;
    assert_eq!(old.code, 7, "{old}");
    let mut command = divided.world.command(&["vault", "unlock"]);
    crate::support::ended(command.env("BURSAR_PASSPHRASE_FILE", &next)).await.succeeded();
    divided.world.opens().await;
    divided.ends().await;
}
