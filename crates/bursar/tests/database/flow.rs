//! The whole program, its commands and its server, without a file for a store.

use std::sync::Arc;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::world::{DATABASE, Installation, Machine, On, Tokens};
use crate::servers::Servers;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_a_client_goes_on() {
    for on in On::ALL {
        let installation = Installation::on(on).await;
        let first = installation.log_in().await;
        let answer = installation.refresh(&installation.first.url, &first.refresh).await.unwrap();
        let second = Tokens::of(&answer);
        assert_ne!(first.pair(), second.pair(), "{on:?}");
        // Commands see what the server does, and the server what commands do.
        let grants = installation.machine.run(&["grant", "list", "--json"]).await.succeeded();
        let grants: Value = serde_json::from_str(&grants.stdout).unwrap();
        let grant = grants[0]["id"].as_str().unwrap_or_else(|| panic!("{on:?}: {grants}")).to_owned();
        installation.machine.run(&["grant", "withdraw", &grant]).await.succeeded();
        let answer = installation.refresh(&installation.first.url, &second.refresh).await.unwrap();
        assert_eq!(
            (answer.status, answer.document["error"].as_str()),
            (400, Some("invalid_grant")),
            "{on:?}"
        );
        let home = installation.machine.home.path();
        let Installation { ref first, .. } = installation;
        assert!(first.url.starts_with("http://"), "{on:?}");
        assert!(!home.join("bursar.db").exists(), "{on:?}: a file was made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_logged_in_on_one_machine_is_there_on_the_other() {
    for on in On::ALL {
        let servers = Servers::start();
        let machines = [(); 2].map(|()| Machine::new(on.variables(&servers)));
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        let reference = machines[0].log_in(&provider, "work").await;
        let tokens: Vec<String> = [
            machines[0].run(&["token", &reference]).await.succeeded().stdout,
            machines[1].run(&["token", &reference]).await.succeeded().stdout,
        ]
        .to_vec();
        assert_eq!(tokens[0], tokens[1], "{on:?}");
        let refreshed = machines[1].run(&["refresh", &reference]).await.succeeded();
        let now = machines[0].run(&["token", &reference]).await.succeeded().stdout;
        assert_ne!(now, tokens[0], "{on:?}: {refreshed}");
        let doctor = machines[1].run(&["doctor", "--json"]).await;
        let findings: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let store = findings.as_array().unwrap().iter().find(|finding| finding["name"] == "store");
        let store = store.unwrap_or_else(|| panic!("{on:?}: {doctor}"));
        assert!(store["what"].as_str().unwrap().ends_with("opens and holds 1 account"), "{on:?}: {store}");
        let rebuild = machines[1].run(&["rebuild"]).await;
        assert_eq!(rebuild.code, 2, "{rebuild}");
        for machine in &machines {
            assert!(!machine.home.path().join("bursar.db").exists(), "{on:?}: a file was made");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_with_a_prefix_each_share_one_database_of_redis() {
    let servers = Arc::new(Servers::start());
    let redis = servers.redis_url().expose().to_owned();
    let variables = |prefix: &str| vec![(DATABASE, redis.clone()), (PREFIX, prefix.to_owned())];
    let ours = Installation::with(Arc::clone(&servers), variables("ours")).await;
    let theirs = Installation::with(Arc::clone(&servers), variables("theirs")).await;
    let tokens = [ours.log_in().await, theirs.log_in().await];
    // What one has issued the other has never heard of.
    let answer = theirs.refresh(&theirs.first.url, &tokens[0].refresh).await.unwrap();
    assert_eq!(answer.document["error"], "invalid_grant", "{answer:?}");
    for (installation, tokens) in [ours, theirs].iter().zip(tokens) {
        Tokens::of(&installation.refresh(&installation.first.url, &tokens.refresh).await.unwrap());
        let clients = installation.machine.run(&["client", "list", "--json"]).await.succeeded();
        assert_eq!(serde_json::from_str::<Value>(&clients.stdout).unwrap().as_array().unwrap().len(), 1);
    }
    assert_eq!(servers.ask_redis("KEYS bursar:*").trim(), "*0");
    let ended = Machine::new(variables("a:b")).run(&["list"]).await;
    assert_eq!(ended.code, 2, "{ended}");
    assert!(ended.stderr.contains("must be made of letters, digits"), "{ended}");
}

const PREFIX: &str = "BURSAR_STORE_REDIS_PREFIX";

#[tokio::test(flavor = "multi_thread")]
async fn other_servers_variables_put_everything_into_redis() {
    let servers = Arc::new(Servers::start());
    let redis = servers.redis_url().expose().to_owned();
    let variables = vec![("SESSION_PROVIDER", "redis".to_owned()), ("SESSION_REDIS_URL", redis)];
    let installation = Installation::with(servers, variables).await;
    let tokens = installation.log_in().await;
    let answer = installation.refresh(&installation.first.url, &tokens.refresh).await.unwrap();
    Tokens::of(&answer);
    assert!(!installation.servers.ask_redis("KEYS bursar:*").contains("*0\r\n"));
    // They may be meant for another program, so what a person holds is not looked for there.
    let list = installation.machine.run(&["list", "--json"]).await.succeeded();
    assert_eq!(list.stdout.trim(), "[]");
    assert!(installation.machine.home.path().join("bursar.db").exists());
}
