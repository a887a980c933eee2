//! Real processes in real folders and repositories: each gets the token of the account that is meant there, or none.

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::git::repository;
use super::world::World;
use crate::support::{ended, filters, write_private};

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_chooses_before_the_default_and_behind_what_is_written() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\ndirectory = \"~/office\"\n");
    for (folder, nickname) in
        [("office", "work"), ("office/web/source", "work"), ("garden", "play"), ("officer", "play")]
    {
        assert_eq!(world.meant(folder, &[]).await, nickname, "{folder}");
    }
    let variable = world.variable();
    assert_eq!(
        world.meant("office", &[(&variable, "play")]).await,
        "play",
        "the environment comes before rules"
    );
    let written = world.run("office", &["token", &format!("{}:play", world.provider), "--json"]).await;
    assert!(written.stdout.contains(":play\""), "{written}");
    let variable = format!("T={}", world.provider);
    let child = world.run("office", &["exec", "--env", &variable, "--", "sh", "-c", "echo $T"]).await;
    let token = world.run("office", &["token", "work"]).await;
    assert_eq!(child.stdout, token.stdout, "exec means the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_chooses_however_it_is_spelled() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\ngit_remote = \"github.com/acme/*\"\n");
    repository(&world.folder("ssh"), "git@github.com:acme/web.git");
    repository(&world.folder("https"), "https://ada:hunter2@github.com/acme/web.git");
    repository(&world.folder("other"), "https://github.com/other/web.git");
    for (folder, nickname) in [("ssh", "work"), ("https/below", "work"), ("other", "play"), ("none", "play")]
    {
        assert_eq!(world.meant(folder, &[]).await, nickname, "{folder}");
    }
    let told = world.run("https", &["which", &world.provider, "--json"]).await;
    assert!(!told.stdout.contains("hunter2") && !told.stderr.contains("hunter2"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_chooses_by_a_rule() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\nenvironment = \"STAGE=production\"\n");
    assert_eq!(world.meant("here", &[("STAGE", "production")]).await, "work");
    assert_eq!(world.meant("here", &[("STAGE", "testing")]).await, "play");
    assert_eq!(world.meant("here", &[]).await, "play");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_account_is_an_error_and_no_other_account_s_token_comes_out() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:wor\"\ndirectory = \"~/office\"\n");
    let refused = world.run("office", &["token", &world.provider]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused}");
    assert!(refused.stderr.contains("because: rule 1 of the configuration chooses it"), "{refused}");
    assert!(refused.stderr.contains(":work"), "the neighbour is named, not taken: {refused}");
    assert_eq!(world.meant("garden", &[]).await, "play", "elsewhere nothing is wrong");
    let variable = world.variable();
    for missing in ["gone", "wor", "github-app:work", "PROVIDER:gone"] {
        let mut command = world.command("garden", &["token", &world.provider]);
        let refused = ended(command.env(&variable, missing.replace("PROVIDER", &world.provider))).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{missing}: {refused}");
        assert!(refused.stderr.contains(&format!("because: {variable} chooses it")), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_judged_hands_out_nothing() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\ngit_remote = \"github.com/acme/*\"\n");
    let web = world.folder("web");
    repository(&web, "git@github.com:acme/web.git");
    std::fs::remove_file(web.join(".git/config")).unwrap();
    std::fs::create_dir(web.join(".git/config")).unwrap();
    let refused = world.run("web", &["token", &world.provider]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused}");
    assert!(refused.stderr.contains("rule 1") && refused.stderr.contains(".git/config"), "{refused}");
    let named = world.run("web", &["token", "work"]).await;
    assert_eq!(named.code, 0, "what is named needs no rule: {named}");
    let gone = format!(
        "cd {} && rmdir ../gone && exec \"$0\" token {}",
        world.folder("gone").display(),
        world.provider
    );
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", &gone, env!("CARGO_BIN_EXE_bursar")]).env_clear();
    for (name, value) in world.home.command(&[]).as_std().get_envs() {
        command.env(name, value.unwrap());
    }
    let refused = ended(&mut command).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "a folder that is gone: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn which_tells_the_rule_with_its_conditions() {
    let _filters = filters();
    let world = World::new().await;
    world.rules(
        "[[rules]]\naccount = \"PROVIDER:play\"\nenvironment = \"GAME\"\n\
         [[rules]]\naccount = \"PROVIDER:work\"\ndirectory = \"~/office\"\ngit_remote = \"github.com/acme\"\n",
    );
    repository(&world.folder("office/web"), "git@github.com:acme/web.git");
    let shown = |text: &str| text.replace(&world.provider, "PROVIDER").replace(&world.variable(), "VARIABLE");
    let told = world.run("office/web", &["which", &world.provider]).await;
    insta::assert_snapshot!(shown(&told.to_string()), @"
    exit 0
    --- stdout
    PROVIDER:work (ada@example.com): named by rule 2 of [FOLDER]/home/config.toml: the folder is in `~/office`, and a Git remote is in `github.com/acme`
    --- stderr
    ");
    let all = world.run("office/web", &["which"]).await;
    assert_eq!(all, told, "without an argument: every provider");
    let json = world.run("office/web", &["which", "--json"]).await;
    let documents: Value = serde_json::from_str(&json.stdout).unwrap();
    let rule = serde_json::json!({
        "number": 2, "directory": "~/office", "git_remote": "github.com/acme", "environment": null,
    });
    assert_eq!((&documents[0]["rule"], documents.as_array().unwrap().len()), (&rule, 1), "{json}");
    assert_eq!(documents[0]["account"], "work");
    let variable = world.variable();
    let by_variable = ended(world.command("office/web", &["which"]).env(&variable, "play")).await;
    insta::assert_snapshot!(shown(&by_variable.stdout), @"PROVIDER:play (ada@example.com): named by VARIABLE");
    let by_default = world.run("garden", &["which", "--json", &world.provider]).await;
    let document: Value = serde_json::from_str(&by_default.stdout).unwrap();
    assert_eq!(
        (&document["rule"], &document["reason"]),
        (&Value::Null, &Value::from("the provider's default account"))
    );
    let missing = ended(world.command("garden", &["which"]).env(&variable, "gone")).await;
    assert_eq!((missing.code, missing.stdout.as_str()), (3, ""), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn use_says_where_it_changes_nothing() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\ndirectory = \"~/office\"\n");
    let said = world.run("office", &["use", "play"]).await;
    assert!(said.stderr.contains("but not here") && said.stderr.contains("rule 1"), "{said}");
    let said = world.run("garden", &["use", "play"]).await;
    assert!(!said.stderr.contains("but not here"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_cut_short_is_not_taken_in_silence() {
    let world = World::new().await;
    let cut = world.run("here", &["token", &format!("{}:wor", world.provider)]).await;
    assert_eq!(cut.code, 0, "{cut}");
    assert!(cut.stderr.contains("is taken for") && cut.stderr.contains(":work"), "{cut}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_provider_s_name_never_means_an_account_elsewhere() {
    let world = World::new().await;
    let server = MisbehavingProvider::start(Behaviour::default()).await;
    for nickname in ["google", "github", "github-app-2"] {
        let login = world.home.login(&server, nickname).await;
        assert_eq!(login.code, 0, "{login}");
    }
    for provider in ["google", "github", "github-app", "gcp"] {
        let refused = world.run("here", &["token", provider]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{provider}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_s_alias_means_the_same_account_everywhere() {
    let world = World::new().await;
    for nickname in ["work", "play"] {
        let file = world.home.beside(nickname);
        write_private(&file, &format!("key-of-{nickname}"));
        let keys = ["login", "github", "--as", nickname, "--api-key-file", file.to_str().unwrap()];
        let login = world.run("here", &keys).await;
        assert_eq!(login.code, 0, "{login}");
    }
    let used = world.run("here", &["use", "github:play"]).await;
    assert_eq!(used.code, 0, "{used}");
    world.rules("[[rules]]\naccount = \"github:work\"\ndirectory = \"~/office\"\n");
    for name in ["github", "github-app"] {
        for (folder, variable, expected) in [
            ("garden", None, "key-of-play\n"),
            ("office", None, "key-of-work\n"),
            ("garden", Some(("BURSAR_ACCOUNT_GITHUB", "work")), "key-of-work\n"),
            ("office", Some(("BURSAR_ACCOUNT_GITHUB_APP", "github:play")), "key-of-play\n"),
        ] {
            let token = ended(world.command(folder, &["token", name]).envs(variable)).await;
            assert_eq!(token.stdout, expected, "{name} {folder} {variable:?}: {token}");
        }
    }
}
