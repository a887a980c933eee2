//! Processes as Linux tells about them in `/proc`.

use std::fs::{read_link, read_to_string};
use std::io::ErrorKind;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::Look;

/// Many containers have no machine id of their own; their host name is then the best there is.
pub(super) fn machine() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/hostname"]
        .into_iter()
        .map(line)
        .find(|identifier| !identifier.is_empty())
        .unwrap_or_default()
}

pub(super) fn boot() -> String {
    line("/proc/sys/kernel/random/boot_id")
}

pub(super) fn namespace() -> String {
    read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default()
}

pub(super) fn look(number: u32) -> Look {
    match read_to_string(format!("/proc/{number}/stat")) {
        Ok(stat) => from_stat(&stat),
        Err(error) if error.kind() == ErrorKind::NotFound => hidden(number),
        // It ended between opening and reading.
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Look::Gone,
        Err(_) => Look::Unclear,
    }
}

/// `/proc` may be mounted so that processes of other users do not show (`hidepid`), or not at all; signals still
/// find them.
fn hidden(number: u32) -> Look {
    let Some(process) = i32::try_from(number).ok().and_then(Pid::from_raw) else { return Look::Gone };
    match test_kill_process(process) {
        Err(Errno::SRCH) => Look::Gone,
        _ => Look::Unclear,
    }
}

/// Reads `proc_pid_stat(5)`: the name, in parentheses, may hold any character, so fields are counted from its end.
pub(super) fn from_stat(stat: &str) -> Look {
    let Some((_, fields)) = stat.rsplit_once(')') else { return Look::Unclear };
    let mut fields = fields.split_ascii_whitespace();
    match fields.next() {
        Some("Z" | "X" | "x") => return Look::Gone,
        Some(_) => {}
        None => return Look::Unclear,
    }
    let started = fields.nth(STARTTIME - STATE - 1).and_then(|ticks| ticks.parse().ok());
    started.map_or(Look::Unclear, Look::Runs)
}

fn line(path: &str) -> String {
    read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Numbers of fields, as `proc_pid_stat(5)` counts them.
const STATE: usize = 3;
const STARTTIME: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_call_itself_anything() {
        let stat = |name: &str, state: &str| {
            format!("42 ({name}) {state} 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10")
        };
        for name in ["sh", "a b", ") Z 1 2 3", "((", ""] {
            assert_eq!(from_stat(&stat(name, "S")), Look::Runs(987_654), "{name}");
            assert_eq!(from_stat(&stat(name, "T")), Look::Runs(987_654), "{name}");
            assert_eq!(from_stat(&stat(name, "Z")), Look::Gone, "{name}");
        }
        for unreadable in
            ["", "42", "42 (sh)", "42 (sh) S 1 2", "42 (sh) S 1 42 42 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 x"]
        {
            assert_eq!(from_stat(unreadable), Look::Unclear, "{unreadable}");
        }
    }
}
