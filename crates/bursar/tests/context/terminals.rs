//! Two terminals: what one chooses for itself, the other cannot change.

use std::path::Path;

use super::world::World;
use crate::support::ended;

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_in_one_terminal_is_untouched_by_use_in_another() {
    let world = World::new().await;
    let variable = world.variable();
    let one = [(variable.as_str(), "work")];
    assert_eq!(world.meant("here", &one).await, "work");
    for nickname in ["play", "work", "play"] {
        let used = world.run("here", &["use", nickname]).await;
        assert_eq!(used.code, 0, "{used}");
        assert_eq!(world.meant("here", &one).await, "work", "the first terminal, after `use {nickname}`");
        assert_eq!(world.meant("here", &[]).await, nickname, "the second one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_s_account_is_untouched_by_use_anywhere() {
    let world = World::new().await;
    world.rules("[[rules]]\naccount = \"PROVIDER:work\"\ndirectory = \"~/office\"\n");
    for nickname in ["play", "work", "play"] {
        let used = world.run("office", &["use", nickname]).await;
        assert_eq!(used.code, 0, "{used}");
        assert_eq!(world.meant("office", &[]).await, "work");
        assert_eq!(world.meant("garden", &[]).await, nickname);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_command_keeps_its_account_while_the_default_changes() {
    let world = World::new().await;
    let (variable, provider) = (world.variable(), world.provider.clone());
    let (path, key) =
        (Path::new(env!("CARGO_BIN_EXE_bursar")).parent().unwrap().display(), world.home.key_file());
    // The child has to be given the key again: `exec` does not pass it on.
    let script = format!(
        "export BURSAR_MASTER_KEY_FILE=$KEY; bursar use work 2>&-; \
         test \"$T\" = \"$(bursar token {provider}:play)\" && echo same"
    );
    let variable_of_child = format!("T={provider}");
    let mut command =
        world.command("here", &["exec", "--env", &variable_of_child, "--", "sh", "-c", &script]);
    command.env("PATH", format!("{path}:/usr/bin:/bin")).env(&variable, "play").env("KEY", key);
    let ended = ended(&mut command).await;
    assert_eq!(ended.stdout, "same\n", "{ended}");
    assert_eq!(world.meant("here", &[]).await, "work", "the default did change");
}
