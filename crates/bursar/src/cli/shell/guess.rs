//! Which shell will run what is printed: the one that started us, else the user's own.

use std::path::Path;

use crate::cli::arguments::shell::Shell;
use crate::config::environment::Environment;

/// The shell, if nobody names one.
pub(in crate::cli) fn shell(environment: &Environment) -> Shell {
    guessed(parent().as_deref(), environment.text("SHELL"))
}

fn guessed(parent: Option<&str>, login_shell: Option<&str>) -> Shell {
    let named = |path: &str| Path::new(path).file_name().and_then(|name| name.to_str()).and_then(by_name);
    parent.and_then(named).or_else(|| login_shell.and_then(named)).unwrap_or(OTHERWISE)
}

fn by_name(program: &str) -> Option<Shell> {
    // A login shell's name begins with `-`, a Windows program's ends in `.exe`.
    match program.trim_start_matches('-').trim_end_matches(".exe") {
        "bash" => Some(Shell::Bash),
        "zsh" => Some(Shell::Zsh),
        "fish" => Some(Shell::Fish),
        "sh" | "dash" | "ash" | "ksh" | "mksh" | "busybox" => Some(Shell::Sh),
        "pwsh" | "powershell" => Some(Shell::PowerShell),
        "nu" => Some(Shell::Nushell),
        _ => None,
    }
}

/// The name of the program that started us. Where the system has no file for that, `SHELL` has to do.
#[cfg(target_os = "linux")]
fn parent() -> Option<String> {
    let id = std::os::unix::process::parent_id();
    let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some(name.trim_end().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn parent() -> Option<String> {
    None
}

/// What every system of its kind has.
const OTHERWISE: Shell = if cfg!(windows) { Shell::PowerShell } else { Shell::Sh };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_that_asks_outranks_the_login_shell() {
        for (parent, login_shell, expected) in [
            (Some("fish"), Some("/bin/bash"), Shell::Fish),
            (Some("-zsh"), None, Shell::Zsh),
            (Some("pwsh"), Some("/usr/bin/fish"), Shell::PowerShell),
            (Some("dash"), Some("/bin/bash"), Shell::Sh),
            (Some("make"), Some("/usr/local/bin/zsh"), Shell::Zsh),
            (Some("nu"), None, Shell::Nushell),
            (None, Some("/bin/bash"), Shell::Bash),
            (None, Some("/opt/xonsh"), OTHERWISE),
            (Some("tcsh"), None, OTHERWISE),
            (None, None, OTHERWISE),
        ] {
            assert_eq!(guessed(parent, login_shell), expected, "{parent:?} {login_shell:?}");
        }
    }
}
