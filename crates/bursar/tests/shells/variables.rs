//! Which variables a shell gets, for how long, and how they go again.

use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::{SHELLS, run, store_key};
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn they_are_those_of_exec_and_it_tells_until_when_they_serve() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    assert_eq!(home.login(&provider, "work").await.code, 0);
    store_key(&home, "ci", "glpat-1", None).await;
    let env = home.run(&["env", "work", "gitlab", "--env", "MINE=work", "--shell", "sh"]).await;
    assert_eq!(env.code, 0, "{env}");
    let exec = home
        .run(&[
            "exec",
            "work",
            "gitlab",
            "--env",
            "MINE=work",
            "--",
            "sh",
            "-c",
            "env | sort | grep -v ^BURSAR_[HM]",
        ])
        .await;
    for line in env.stdout.lines() {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        let value = value.strip_prefix('\'').unwrap().strip_suffix("';").unwrap();
        assert!(exec.stdout.contains(&format!("{name}={value}\n")), "{line}\n{exec}");
    }
    assert_eq!(env.stdout.lines().count(), 4, "ACCESS_TOKEN, BURSAR_TOKEN, GITLAB_TOKEN, MINE: {env}");
    assert!(env.stderr.contains("ACCESS_TOKEN, BURSAR_TOKEN, MINE of 127.0.0.1-"), "{env}");
    assert!(env.stderr.contains(" serve until 2") && env.stderr.contains("; set them anew then\n"), "{env}");
    assert!(env.stderr.contains("GITLAB_TOKEN of gitlab:ci has no known end\n"), "{env}");
    assert!(!provider.secrets().iter().any(|secret| env.stderr.contains(secret.as_str())), "{env}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_first() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    assert_eq!(home.login(&provider, "work").await.code, 0);
    while !home.run(&["status", "--json"]).await.stdout.contains("\"state\": \"expired\"") {}
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(3));
    let env = home.run(&["env", "work", "--env", "T=work", "--shell", "sh", "--json"]).await;
    assert_eq!((env.code, provider.refreshes()), (0, 1), "{env}");
    let facts: Value = serde_json::from_str(&env.stdout).unwrap();
    assert!(provider.is_live(facts["set"]["T"].as_str().unwrap()));
    assert!(facts["accounts"][0]["seconds_left"].as_i64().unwrap() > 10_000, "{facts}");
    assert_eq!((&facts["schema"], &facts["unset"]), (&Value::from(1), &serde_json::json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_go_again_without_a_token_being_asked_for() {
    let home = Home::new();
    store_key(&home, "ci", "glpat-1", None).await;
    for shell in SHELLS {
        let (set, gone) = (shell.acts_upon("env gitlab"), shell.acts_upon("env --unset gitlab"));
        let ended =
            run(&home, shell, &format!("{set}\nenv | grep -c '^GITLAB_TOKEN='\n{gone}\n{gone}\nenv")).await;
        assert!(ended.stdout.starts_with("1\n"), "{shell:?}: {ended}");
        assert!(!ended.stdout.contains("GITLAB_TOKEN"), "{shell:?}: {ended}");
    }
    // A locked vault is no reason to keep a token in a shell.
    home.write_key("bm90IHRoZSBrZXkgdGhpcyB2YXVsdCB3YXMgbWFkZSA=");
    let gone = home.run(&["env", "--unset", "gitlab", "--shell", "sh"]).await;
    assert_eq!((gone.code, gone.stdout.as_str(), gone.stderr.as_str()), (0, "unset -v GITLAB_TOKEN;\n", ""));
    let json = home.run(&["env", "--unset", "gitlab", "--json"]).await;
    let facts: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&facts["unset"][0], &facts["set"]), (&Value::from("GITLAB_TOKEN"), &serde_json::json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_gets_all_its_variables_or_none() {
    let home = Home::new();
    store_key(&home, "a", "one", None).await;
    store_key(&home, "b", "two", None).await;
    for (arguments, code, why) in [
        (&["gitlab:a", "gitlab:c"][..], 3, "Account 'gitlab:c' not found"),
        (&["gitlab:a", "gitlab:b"], 2, "gitlab:a and gitlab:b both set GITLAB_TOKEN"),
        (&["gitlab"], 2, "'gitlab' fits 2 accounts"),
        (&["--env", "PATH=gitlab:a"], 8, "PATH is never set to a token"),
        (&["--env", "A;B=gitlab:a"], 2, "cannot be a variable's name"),
        (&[], 2, "required arguments were not provided"),
        (&["--functions", "gitlab:a"], 2, "cannot be used with"),
    ] {
        let ended = home.run(&[&["env", "--shell", "sh"], arguments].concat()).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{ended}");
        assert!(ended.stderr.contains(why), "{ended}");
    }
}
