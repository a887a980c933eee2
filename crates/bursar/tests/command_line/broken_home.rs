//! Homes that cannot be used: others can look in, nothing can be written, no home at all.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Home, ended, filters, write_private};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loose_home_is_refused_untouched_and_mended_by_doctor() {
    let _filters = filters();
    let home = Home::new();
    assert_eq!(home.run(&["list"]).await.code, 0);
    set_mode(&home.path(), 0o755);
    let before = home.files();
    insta::assert_snapshot!(home.run(&["list"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: others can look into [FOLDER]/home (mode 0755)
    hint: run: chmod 700 '[FOLDER]/home'
    ");
    assert_eq!(home.files(), before);
    assert_eq!(mode(&home.path()), 0o755);

    assert_eq!(home.run(&["doctor"]).await.code, 1);
    assert_eq!(mode(&home.path()), 0o755, "only --mend mends");
    let mended = home.run(&["doctor", "--mend"]).await;
    assert_eq!(mended.code, 0, "{mended}");
    assert_eq!(mode(&home.path()), 0o700);
    assert_eq!(home.run(&["list"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loose_key_file_is_refused_with_the_command() {
    let _filters = filters();
    let home = Home::new();
    let api_key = home.beside("api-key");
    write_private(&api_key, "hunter2");
    set_mode(&home.key_file(), 0o644);
    let ended =
        home.run(&["login", "github", "--as", "bot", "--api-key-file", api_key.to_str().unwrap()]).await;
    insta::assert_snapshot!(ended, @"
    exit 7
    --- stdout
    --- stderr
    error: no master key from the key file: others can read [FOLDER]/key (mode 0644)
    hint: run: chmod 600 '[FOLDER]/key'
    ");
    assert_eq!(mode(&home.key_file()), 0o644);
    assert_eq!(home.run(&["list", "--json"]).await.stdout, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_written_is_told_and_left_as_it_was() {
    let _filters = filters();
    let home = Home::new();
    assert_eq!(home.run(&["list"]).await.code, 0);
    let before = home.files();
    set_mode(&home.path(), 0o500);
    set_mode(&home.path().join("bursar.db"), 0o400);
    let listed = ended(&mut unprivileged(&home, &["list"])).await;
    let examined = ended(&mut unprivileged(&home, &["doctor"])).await;
    set_mode(&home.path().join("bursar.db"), 0o600);
    set_mode(&home.path(), 0o700);
    insta::assert_snapshot!(listed, @"
    exit 1
    --- stdout
    --- stderr
    error: the store cannot be written: attempt to write a readonly database
    hint: make it writable for you, the file or your rights on the server; see
          `bursar doctor`
    ");
    assert_eq!(examined.code, 1, "{examined}");
    assert!(examined.stdout.contains("nothing can be written into"), "{examined}");
    assert_eq!(home.files(), before);
}

/// Modes do not bind root. Without these capabilities they do.
fn unprivileged(home: &Home, arguments: &[&str]) -> tokio::process::Command {
    if !rustix::process::geteuid().is_root() {
        return home.command(arguments);
    }
    let plain = home.command(arguments);
    let plain = plain.as_std();
    let mut command = tokio::process::Command::new("/usr/bin/setpriv");
    command
        .args(["--bounding-set=-dac_override,-dac_read_search", "--"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_home_the_variable_is_named() {
    let _filters = filters();
    let home = Home::new();
    let without = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env_remove("BURSAR_HOME").env_remove("HOME");
        command
    };
    let listed = ended(&mut without(&["list"])).await;
    insta::assert_snapshot!(listed, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no home folder to keep files in
    hint: set BURSAR_HOME to an absolute path
    ");
    let examined = ended(&mut without(&["doctor"])).await;
    assert_eq!(examined.code, 1, "{examined}");
    assert!(examined.stdout.contains("BURSAR_HOME"), "{examined}");
}
