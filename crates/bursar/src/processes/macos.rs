//! Processes as the tools of macOS tell about them: its system calls cannot be used without `unsafe`.

use std::process::{Command, Stdio};

use super::{Look, apple_words};

pub(super) fn machine() -> String {
    let devices = said("/usr/sbin/ioreg", &["-rd1", "-c", "IOPlatformExpertDevice"]);
    devices.and_then(|devices| apple_words::platform_identifier(&devices)).unwrap_or_default()
}

/// Not the time of the boot: that moves whenever the clock is set.
pub(super) fn boot() -> String {
    said("/usr/sbin/sysctl", &["-n", "kern.bootsessionuuid"])
        .map_or_else(String::new, |boot| boot.trim().to_owned())
}

pub(super) fn namespace() -> String {
    String::new()
}

pub(super) fn look(number: u32) -> Look {
    match said("/bin/ps", &["-o", "stat=,lstart=", "-p", &number.to_string()]) {
        Some(answer) => apple_words::from_ps(&answer),
        None => Look::Unclear,
    }
}

/// What a tool of the system prints; it looks at itself and ends at once.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    // Their words and times, whatever language and zone the caller likes.
    command.args(arguments).env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()
}
