//! `bursar agent install` and `uninstall`: the files that are written, read by the programs they are for.

mod manager;
mod readers;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ended, Home, ended, filters};

/// Where the units of a home belong.
fn units(home: &Home) -> PathBuf {
    home.beside(".config/systemd/user")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const BOTH: [&str; 2] = ["bursar-agent.service", "bursar-agent.socket"];

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{ended}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_every_file_with_its_path_and_writes_none() {
    let _filters = filters();
    let home = Home::new();
    let shown = home.run(&["agent", "install", "--dry-run"]).await;
    let program = env!("CARGO_BIN_EXE_bursar");
    insta::assert_snapshot!(shown.to_string().replace(program, "[PROGRAM]"), @r#"
    exit 0
    --- stdout
    --- [FOLDER]/.config/systemd/user/bursar-agent.socket
    # Written by `bursar agent install`; `bursar agent uninstall` removes it.
    # Changes made here are lost; make them with `systemctl --user edit bursar-agent.socket`.
    [Unit]
    Description=Socket of the bursar agent
    Documentation=https://github.com/bursar/bursar

    [Socket]
    ListenStream=[FOLDER]/home/agent.sock
    SocketMode=0600
    DirectoryMode=0700
    RemoveOnStop=yes

    [Install]
    WantedBy=sockets.target
    --- [FOLDER]/.config/systemd/user/bursar-agent.service
    # Written by `bursar agent install`; `bursar agent uninstall` removes it.
    # Changes made here are lost; make them with `systemctl --user edit bursar-agent.service`.
    [Unit]
    Description=bursar agent, keeps OAuth tokens fresh
    Documentation=https://github.com/bursar/bursar
    Requires=bursar-agent.socket
    After=bursar-agent.socket

    [Service]
    Type=notify
    ExecStart="[PROGRAM]" agent run
    Environment="BURSAR_HOME=[FOLDER]/home"
    Environment="BURSAR_MASTER_KEY_FILE=[FOLDER]/key"
    Restart=on-failure
    RestartSec=1s
    # A refresh under way saves its answer first; it takes at most 50 s.
    TimeoutStopSec=60s
    KillMode=mixed
    UMask=0077
    LimitCORE=0
    NoNewPrivileges=yes
    LockPersonality=yes
    RestrictRealtime=yes
    RestrictSUIDSGID=yes
    SystemCallArchitectures=native
    RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

    [Install]
    WantedBy=default.target
    Also=bursar-agent.socket
    --- stderr
    would then run:
      systemctl --user daemon-reload
      systemctl --user enable --now bursar-agent.socket bursar-agent.service
    "#);
    assert!(!units(&home).exists());
    let document = json(&home.run(&["agent", "install", "--dry-run", "--json"]).await);
    assert_eq!(document["manager"], "systemd");
    for (file, name) in
        document["files"].as_array().unwrap().iter().zip(["bursar-agent.socket", "bursar-agent.service"])
    {
        assert_eq!(file["path"].as_str().unwrap(), units(&home).join(name).to_str().unwrap());
        assert!(shown.stdout.contains(file["text"].as_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_manager_the_files_are_written_and_the_commands_are_told() {
    let home = Home::new();
    let installed = home.run(&["agent", "install"]).await;
    assert_eq!((installed.code, installed.stdout.as_str()), (0, ""), "{installed}");
    for words in [
        "created ",
        "systemctl --user daemon-reload",
        "systemctl --user enable --now",
        "loginctl enable-linger",
    ] {
        assert!(installed.stderr.contains(words), "{words}: {installed}");
    }
    assert_eq!(names(&units(&home)), BOTH);
    let again = json(&home.run(&["agent", "install", "--json"]).await);
    assert_eq!(again["started"], false);
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["change"] == "unchanged"), "{again}");

    // Somebody's own additions, and a link as the manager makes it.
    let (wants, drop_in) =
        (units(&home).join("default.target.wants"), units(&home).join("bursar-agent.service.d"));
    std::fs::create_dir(&wants).unwrap();
    std::fs::create_dir(&drop_in).unwrap();
    std::fs::write(drop_in.join("mine.conf"), "[Service]\nNice=5\n").unwrap();
    std::os::unix::fs::symlink(units(&home).join(BOTH[0]), wants.join(BOTH[0])).unwrap();
    std::os::unix::fs::symlink("/usr/lib/systemd/user/other.service", wants.join("other.service")).unwrap();

    let would = home.run(&["agent", "uninstall", "--dry-run"]).await;
    assert!(would.stderr.contains("would remove"), "{would}");
    assert_eq!(names(&units(&home)).len(), 4, "a dry run removes nothing");
    let removed = json(&home.run(&["agent", "uninstall", "--json"]).await);
    assert_eq!(removed["removed"].as_array().unwrap().len(), 2, "{removed}");
    assert_eq!(names(&units(&home)), ["bursar-agent.service.d", "default.target.wants"]);
    assert_eq!(names(&wants), ["other.service"]);
    assert_eq!(names(&drop_in), ["mine.conf"]);
    let nothing = home.run(&["agent", "uninstall"]).await;
    assert_eq!(nothing.code, 0, "{nothing}");
    assert!(nothing.stderr.contains("nothing is installed"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_unit_is_neither_replaced_nor_removed() {
    let home = Home::new();
    std::fs::create_dir_all(units(&home)).unwrap();
    let unit = units(&home).join(BOTH[0]);
    std::fs::write(&unit, "[Service]\nExecStart=/usr/bin/mine\n").unwrap();
    let refused = home.run(&["agent", "install"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("was not written by bursar") && refused.stderr.contains("mv '"),
        "{refused}"
    );
    assert_eq!(names(&units(&home)), [BOTH[0]], "half an installation is none");
    let left = home.run(&["agent", "uninstall"]).await;
    assert_eq!(left.code, 0, "{left}");
    assert!(left.stderr.contains("left alone"), "{left}");
    assert_eq!(std::fs::read_to_string(&unit).unwrap(), "[Service]\nExecStart=/usr/bin/mine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_gets_into_a_file() {
    let home = Home::new();
    let mut command = home.command(&["agent", "install", "--json"]);
    command
        .env("BURSAR_MASTER_KEY", "j0Rfr9dIw1cprKuwTz/dr78cKTiu5C+Oz1lpB8vYu4M=")
        .env("BURSAR_NETWORK_PROXY", "http://ada:hunter2@127.0.0.1:1")
        .env("HTTPS_PROXY", "http://ada:hunter2@127.0.0.1:1");
    let installed = ended(&mut command).await;
    let document = json(&installed);
    let left_out = document["left_out"].as_array().unwrap();
    for name in ["BURSAR_MASTER_KEY", "BURSAR_NETWORK_PROXY", "HTTPS_PROXY"] {
        assert!(left_out.contains(&name.into()) && installed.stderr.contains(name), "{name}: {installed}");
    }
    for name in BOTH {
        let text = std::fs::read_to_string(units(&home).join(name)).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("j0Rfr9dIw1"), "{text}");
    }
    assert!(!installed.stderr.contains("hunter2"), "{installed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_systemd_cannot_read_is_refused() {
    let home = Home::new();
    let place = home.beside("line\nend");
    let mut command = home.command(&["agent", "install"]);
    command.env("BURSAR_HOME", &place);
    let refused = ended(&mut command).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("a control character"), "{refused}");
    assert!(!units(&home).exists());
    let long = format!("/{}", "a".repeat(120));
    let mut command = home.command(&["agent", "install"]);
    command.env("BURSAR_SOCKET", &long);
    let refused = ended(&mut command).await;
    assert!(refused.stderr.contains("BURSAR_SOCKET to a shorter path"), "{refused}");
}
