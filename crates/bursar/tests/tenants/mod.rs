//! Held accounts in sandboxes, by the running program: with and without an agent.

mod agent;
mod ends;
mod world;

use serde_json::Value;

use self::world::World;
use crate::support::ended;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_a_sandbox_is_there_and_nowhere_else() {
    let world = World::with(&["one", "other"]).await;
    world.login("work", "one").await;
    let account = world.account("work");
    let token = world.token("work", "one").await;
    assert!(world.provider.is_live(&token));
    // Whoever has no sandbox, or another, hears what they would hear of any name.
    for elsewhere in [&["token", &account][..], &["token", &account, "--sandbox", "other"]] {
        let refused = world.home.run(elsewhere).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused}");
        let nobody = [&["token", "nobody:work"], &elsewhere[2..]].concat();
        let nobody = world.home.run(&nobody).await;
        assert_eq!(nobody.stderr, refused.stderr.replace(&account, "nobody:work"));
    }
    let list = world.json(&["list", "--sandbox", "one"]).await;
    assert_eq!((&list[0]["ref"], &list[0]["sandbox"]), (&Value::from(account.clone()), &"one".into()));
    for elsewhere in [&["list"][..], &["status"], &["list", "--sandbox", "other"]] {
        assert_eq!(world.json(elsewhere).await, Value::Array(Vec::new()), "{elsewhere:?}");
    }

    world.home.run(&["refresh", "work", "--sandbox", "one"]).await.succeeded();
    assert_eq!(world.provider.refresh_successes(), 1);
    assert_ne!(world.token("work", "one").await, token);
    world.home.run(&["pause", "work", "--sandbox", "one"]).await.succeeded();
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "one"]).await.code, 8);
    world.home.run(&["resume", "work", "--sandbox", "one"]).await.succeeded();
    let newest = world.token("work", "one").await;
    world.home.run(&["logout", "work", "--sandbox", "one"]).await.succeeded();
    assert!(world.provider.revoked(&newest));
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "one"]).await.code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_one_name_are_each_their_own() {
    let world = World::with(&["one"]).await;
    world.home.login(&world.provider, "work").await.succeeded();
    world.login("work", "one").await;
    let own = world.home.run(&["token", "work"]).await.succeeded().stdout;
    let there = world.token("work", "one").await;
    assert_ne!(own.trim_end(), there);
    world.home.run(&["logout", "work"]).await.succeeded();
    assert!(world.provider.is_live(&there));
    assert_eq!(world.token("work", "one").await, there);
    let counts = world.json(&["stats", "--issued", "--sandbox", "one"]).await;
    assert_eq!(counts["accounts"], 1);
    assert_eq!(world.json(&["stats", "--issued"]).await["accounts"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_chooses_for_all_commands_and_a_server_s_setting_for_no_account() {
    let world = World::with(&["one", "other"]).await;
    world.login("work", "one").await;
    let token = world.token("work", "one").await;
    let run = async |arguments: &[&str], name: &str, value: &str| {
        ended(world.home.command(arguments).env(name, value)).await
    };
    let by_variable = run(&["token", "work"], "BURSAR_SANDBOX", "one").await.succeeded();
    assert_eq!(by_variable.stdout.trim_end(), token);
    let typed = run(&["token", "work", "--sandbox", "other"], "BURSAR_SANDBOX", "one").await;
    assert_eq!(typed.code, 3, "{typed}");
    // What a server's configuration says of administration moves nobody's accounts.
    let of_server = run(&["token", "work"], "BURSAR_SERVER_SANDBOX", "one").await;
    assert_eq!(of_server.code, 3, "{of_server}");
    let missing = run(&["token", "work"], "BURSAR_SANDBOX", "none").await;
    assert!(missing.code == 1 && missing.stderr.contains("bursar sandbox list"), "{missing}");
    let wrong = run(&["token", "work"], "BURSAR_SANDBOX", "No").await;
    assert!(wrong.code == 2 && wrong.stderr.contains("BURSAR_SANDBOX"), "{wrong}");
    let nowhere = world.home.run(&["vault", "status", "--sandbox", "one"]).await;
    assert!(nowhere.code == 2 && nowhere.stderr.contains("works in no sandbox"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_started_there_asks_for_is_there_too() {
    let world = World::with(&["one"]).await;
    world.home.login(&world.provider, "work").await.succeeded();
    world.login("work", "one").await;
    let (token, program) = (world.token("work", "one").await, env!("CARGO_BIN_EXE_bursar"));
    let script = format!("{program} token work; {program} list --json");
    let line = ["exec", "work", "--socket", "--sandbox", "one", "--", "sh", "-c", &script];
    let said = world.home.run(&line).await.succeeded().stdout;
    assert_eq!(said.lines().next(), Some(token.as_str()));
    assert!(said.contains("\"sandbox\": \"one\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_holds_no_more_accounts_than_was_said() {
    let world = World::with(&[]).await;
    let made = world.json(&["sandbox", "new", "small", "--accounts", "1"]).await;
    assert_eq!(made["accounts"], 1);
    world.login("work", "small").await;
    let refused = world.home.login_with(&world.provider, "further", &["--sandbox", "small"]).await;
    assert_eq!(refused.code, 8, "{refused}");
    assert!(refused.stderr.contains("there are 1 accounts already"), "{refused}");
    world.login("work", "small").await;
    assert_eq!(world.json(&["list", "--sandbox", "small"]).await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_helper_keeps_to_its_sandbox() {
    let world = World::with(&["one", "other"]).await;
    world.login("work", "one").await;
    let account = world.account("work");
    let helper = async |sandbox: &str| {
        let line = ["credential", "api-key-helper", &account, "--sandbox", sandbox];
        world.home.run(&line).await
    };
    assert_eq!(helper("one").await.succeeded().stdout.trim_end(), world.token("work", "one").await);
    let refused = helper("other").await;
    assert!(refused.code != 0 && refused.stdout.is_empty(), "{refused}");
}
