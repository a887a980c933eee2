//! The words of git-credential(1), as git itself writes and reads them.

use super::{World, hides};

/// What git asks when it meets a server on this machine.
fn request(host: &str) -> String {
    format!(
        "capability[]=authtype\ncapability[]=state\nprotocol=http\nhost={host}\nwwwauth[]=Basic realm=\"g\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn get_answers_with_the_token_of_the_host_and_its_end() {
    let world = World::with(&["work"]).await;
    let (token, (end, _)) = (world.token("work").await, world.end("work").await);
    let got = world.ask(&["git", "get"], &request(&world.host())).await;
    assert_eq!((got.code, got.stderr.as_str()), (0, ""), "{got}");
    assert_eq!(got.stdout, format!("username=oauth2\npassword={token}\npassword_expiry_utc={end}\n"));

    let url = format!("url=http://{}/team/repository.git\n", world.host());
    let named = world.ask(&["git", "--account", "work", "--username", "ada", "get"], &url).await;
    assert_eq!(named.stdout, format!("username=ada\npassword={token}\npassword_expiry_utc={end}\n"));

    let secrets = world.provider.secrets();
    let refresh = secrets.iter().find(|secret| world.provider.is_refresh_live(secret)).unwrap();
    hides(&got, refresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_credential_is_given_to_a_git_that_knows_it() {
    let world = World::with(&["work"]).await;
    let (token, (end, _)) = (world.token("work").await, world.end("work").await);
    let got = world.ask(&["git", "--bearer", "get"], &request(&world.host())).await;
    assert_eq!(
        got.stdout,
        format!(
            "capability[]=authtype\nauthtype=Bearer\ncredential={token}\nephemeral=1\npassword_expiry_utc={end}\n"
        )
    );
    let old = format!("protocol=http\nhost={}\n", world.host());
    let old = world.ask(&["git", "--bearer", "get"], &old).await;
    assert!(old.stdout.starts_with("username=oauth2\npassword="), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_nobodys_gets_nothing() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    let port = world.provider.address().port();
    for request in [
        "protocol=https\nhost=github.com\n".to_owned(),
        format!("protocol=http\nhost=localhost:{port}\n"),
        "protocol=http\nhost=127.0.0.1\n".to_owned(),
        format!("protocol=ssh\nhost={}\n", world.host()),
        format!("protocol=http\nhost={}@evil.example\n", world.host()),
        format!("protocol=http\nhost={}.evil.example\n", world.host()),
        "\n".to_owned(),
    ] {
        let got = world.ask(&["git", "get"], &request).await;
        assert_eq!((got.code, got.stdout.as_str(), got.stderr.as_str()), (0, "", ""), "{request}: {got}");
    }
    // A helper in the global configuration is asked for hosts that a submodule names.
    let line = ["git", "--account", "work", "get"];
    let named = world.ask(&line, "protocol=https\nhost=evil.example\n").await;
    assert_eq!((named.code, named.stdout.as_str()), (8, ""), "{named}");
    assert!(named.stderr.contains("--host evil.example"), "{named}");
    hides(&named, &token);

    let line = ["git", "--account", "work", "--host", "git.example.com:8443", "get"];
    let allowed = world.ask(&line, "protocol=https\nhost=git.example.com:8443\n").await;
    assert!(allowed.stdout.contains(&format!("password={token}\n")), "{allowed}");
    assert_eq!(world.ask(&line, "protocol=https\nhost=git.example.com\n").await.code, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_name_of_the_url_chooses_among_accounts() {
    let world = World::with(&["work"]).await;
    world.provider.change(|behaviour| {
        behaviour.identity.sub = "bob".to_owned();
        behaviour.identity.email = "bob@example.com".to_owned();
    });
    assert_eq!(world.home.login(&world.provider, "home").await.code, 0);
    let (work, home) = (world.token("work").await, world.token("home").await);
    let ask = async |user: &str| {
        let request = format!("{}username={user}\n\n", request(&world.host()));
        world.ask(&["git", "get"], &request).await
    };
    for (user, token) in
        [("work", &work), ("home", &home), ("bob@example.com", &home), ("ADA@example.com", &work)]
    {
        let got = ask(user).await;
        assert!(got.stdout.contains(&format!("password={token}\n")), "{user}: {got}");
    }
    let unknown = ask("eve").await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (0, ""), "{unknown}");
    assert!(unknown.stderr.contains("eve"), "{unknown}");
    // Nobody says which of the two, so neither is given away.
    let unclear = ask("oauth2").await;
    assert_eq!((unclear.code, unclear.stdout.as_str()), (2, ""), "{unclear}");
    assert!(unclear.stderr.contains(":work") && unclear.stderr.contains(":home"), "{unclear}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_refused_is_replaced_and_any_other_is_left_alone() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    let tried = |password: &str| format!("{}password={password}\n\n", request(&world.host()));
    for password in ["somebody-elses", ""] {
        let erased = world.ask(&["git", "erase"], &tried(password)).await;
        assert_eq!((erased.code, erased.stdout.as_str()), (0, ""), "{erased}");
    }
    assert_eq!((world.provider.refreshes(), world.token("work").await), (0, token.clone()));

    let erased = world.ask(&["git", "erase"], &tried(&token)).await;
    assert_eq!((erased.code, erased.stdout.as_str()), (0, ""), "{erased}");
    hides(&erased, &token);
    let next = world.token("work").await;
    assert_ne!(next, token);
    // Git tells every helper, and tells again: once is enough.
    world.ask(&["git", "erase"], &tried(&token)).await;
    assert_eq!((world.provider.refreshes(), world.token("work").await), (1, next.clone()));

    let bearer = format!("authtype=Bearer\ncredential={next}\nprotocol=http\nhost={}\n", world.host());
    world.ask(&["git", "erase"], &bearer).await;
    assert_ne!(world.token("work").await, next);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_and_words_of_the_future_are_ignored() {
    let world = World::with(&["work"]).await;
    let before = world.home.files();
    for action in ["store", "approve-by-telepathy"] {
        let request = format!("protocol=http\nhost={}\nusername=a\npassword=never-print-me\n", world.host());
        let ended = world.ask(&["git", action], &request).await;
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""), "{ended}");
    }
    let stored = |files: Vec<(std::path::PathBuf, Vec<u8>)>| {
        files.iter().any(|(_, bytes)| bytes.windows(14).any(|window| window == b"never-print-me"))
    };
    assert!(!stored(before) && !stored(world.home.files()));
    let capabilities = world.ask(&["git", "capability"], "").await;
    assert_eq!((capabilities.code, capabilities.stdout.as_str()), (0, "version 0\ncapability authtype\n"));
}

/// Git would ask a person for a password that nobody has.
#[tokio::test(flavor = "multi_thread")]
async fn a_named_account_that_needs_a_login_ends_gits_search() {
    let world = World::with(&["work"]).await;
    world.end_consent("work").await;
    let named = world.ask(&["git", "--account", "work", "get"], &request(&world.host())).await;
    assert_eq!((named.code, named.stdout.as_str()), (4, "quit=1\n"), "{named}");
    assert!(named.stderr.contains("bursar login"), "{named}");
    let found = world.ask(&["git", "get"], &request(&world.host())).await;
    assert_eq!((found.code, found.stdout.as_str()), (4, ""), "{found}");
    assert!(found.stderr.contains("bursar login"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_could_be_read_in_two_ways_is_refused() {
    let world = World::with(&["work"]).await;
    let host = world.host();
    for request in [
        format!("protocol=http\r\nhost={host}\r\n"),
        format!("protocol=http\nhost={host}\0\n"),
        format!("protocol=http\nhost={host}\npath={}\n", "a".repeat(70_000)),
        format!("protocol=http\nhost={host}\nnonsense\n"),
        "a".repeat(2 << 20),
    ] {
        let got = world.ask(&["git", "get"], &request).await;
        assert_eq!((got.code, got.stdout.as_str()), (2, ""), "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_called_git_credential_bursar_is_the_helper() {
    let world = World::with(&["work"]).await;
    let got = world.ask_link("git-credential-bursar-work", &["get"], &request(&world.host())).await;
    assert!(got.stdout.contains(&world.token("work").await), "{got}");
}
