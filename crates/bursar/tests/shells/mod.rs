//! `bursar env` in real shells, and the commands of a working day.

mod calendar;
mod functions;
mod hook;
mod literals;
mod routine;
mod variables;

use std::path::Path;

use tokio::process::Command;

use crate::support::{Ended, Home, ended, write_private};

/// A shell that the tests start. One that is not installed fails them: `scripts/setup-tests` installs all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    Bash,
    Zsh,
    Dash,
    Fish,
}

const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Dash, Shell::Fish];

impl Shell {
    /// The command that runs a script without anybody's start files.
    fn line(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash", "--norc", "--noprofile", "-u", "-c"],
            // With this option two single quotes are one, in a text between single quotes.
            Self::Zsh => &["zsh", "-f", "-u", "-o", "rc_quotes", "-c"],
            Self::Dash => &["dash", "-u", "-c"],
            Self::Fish => &["fish", "--no-config", "-c"],
        }
    }

    /// Makes the shell act upon what `bursar` prints with these arguments.
    fn acts_upon(self, arguments: &str) -> String {
        match self {
            Self::Fish => format!("bursar {arguments} | source"),
            _ => format!("eval \"$(bursar {arguments})\""),
        }
    }
}

/// Runs a script in a shell that finds `bursar`.
async fn run(home: &Home, shell: Shell, script: &str) -> Ended {
    ended(&mut prepared(home, shell, script)).await
}

fn prepared(home: &Home, shell: Shell, script: &str) -> Command {
    let [program, arguments @ ..] = shell.line() else { unreachable!("every line has a program") };
    let mut command = Command::new(program);
    let like = home.command(&[]);
    for (name, value) in like.as_std().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_bursar")).parent().unwrap().display();
    command
        .args(arguments)
        .arg(script)
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("BURSAR_AGENT_ON_DEMAND", "false")
        .env_remove("SHELL")
        .current_dir(home.path().parent().unwrap())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Stores a text as the key of `gitlab:NICKNAME`.
async fn store_key(home: &Home, nickname: &str, key: &str, expires: Option<&str>) {
    let path = home.beside(&format!("key-of-{nickname}"));
    write_private(&path, key);
    let path = path.display().to_string();
    let mut line = vec!["login", "gitlab", "--api-key-file", &path, "--as", nickname];
    line.extend(expires.into_iter().flat_map(|end| ["--expires", end]));
    let login = home.run(&line).await;
    assert_eq!(login.code, 0, "{login}");
}
