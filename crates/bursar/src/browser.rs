//! Opens a page in the user's browser.
//!
//! The address comes from a provider's metadata, so it is nobody's friend: only web addresses are opened, as one
//! argument of a program, never through a shell.

use std::io;
use std::process::{Command, Stdio};

use url::{Host, Url};

use crate::child_environment::scrub;
use crate::config::environment::Environment;

/// Starts a browser and does not wait for it: the one `$BROWSER` names, else the desktop's.
///
/// That a browser was started does not mean that somebody sees it; callers print the address as well.
pub fn open(url: &Url, environment: &Environment) -> Result<(), BrowserError> {
    if !is_safe(url) {
        return Err(BrowserError::NotAWebAddress);
    }
    let candidates = match environment.text("BROWSER") {
        Some(list) => list.split(':').filter_map(|entry| named(entry, url)).collect(),
        None => open::commands(url.as_str()),
    };
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for mut command in candidates {
        scrub(&mut command, environment);
        match start(&mut command) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(BrowserError::NotStarted(last))
}

/// Whether a browser would have a screen to appear on.
pub fn has_display(environment: &Environment) -> bool {
    // Over SSH the screen is on the other machine, and its browser would come back to the other machine's loopback.
    let remote = environment.text("SSH_CONNECTION").is_some() || environment.text("SSH_TTY").is_some();
    let named = environment.text("BROWSER").is_some();
    let screen = cfg!(any(target_os = "macos", windows))
        || environment.text("DISPLAY").is_some()
        || environment.text("WAYLAND_DISPLAY").is_some()
        || environment.text("WSL_DISTRO_NAME").is_some();
    named || (screen && !remote)
}

/// https anywhere, http on this machine only.
fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// One entry of `$BROWSER`: a program with arguments, where `%s` alone stands for the address; it comes last if no
/// argument does.
fn named(entry: &str, url: &Url) -> Option<Command> {
    let mut words = entry.split_whitespace();
    let mut command = Command::new(words.next()?);
    let mut placed = false;
    for word in words {
        placed |= word == "%s";
        command.arg(if word == "%s" { url.as_str() } else { word });
    }
    if !placed {
        command.arg(url.as_str());
    }
    Some(command)
}

/// In a process group of its own, so that Ctrl-C in the terminal does not close the user's browser.
fn start(command: &mut Command) -> io::Result<()> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Somebody has to wait for it, or a long-lived process would collect dead children.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// No browser was started.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// A browser would do something else than show a page.
    #[error("the address is neither https nor http on this machine")]
    NotAWebAddress,
    /// None could be started.
    #[error("no browser could be started")]
    NotStarted(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        let table = [
            ("https://provider.test/authorize?a=b", true),
            ("http://127.0.0.1:8790/x", true),
            ("http://localhost/x", true),
            ("http://[::1]/x", true),
            ("http://provider.test/", false),
            ("http://localhost.provider.test/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("ms-settings:privacy", false),
            ("https-but-not:x", false),
        ];
        for (url, safe) in table {
            assert_eq!(is_safe(&Url::parse(url).unwrap()), safe, "{url}");
        }
    }

    #[test]
    fn the_address_is_one_argument_wherever_it_stands() {
        let url = Url::parse("https://provider.test/?a=b;rm -rf&c=$(d)").unwrap();
        let arguments = |entry| {
            let command = named(entry, &url).unwrap();
            command.get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(arguments("firefox"), [url.as_str()]);
        assert_eq!(arguments("firefox --new-window %s --quiet"), ["--new-window", url.as_str(), "--quiet"]);
        assert!(named("  ", &url).is_none());
    }

    #[test]
    fn a_display_is_local_or_named() {
        let table: [(&[(&str, &str)], bool); 5] = [
            (&[("DISPLAY", ":0")], true),
            (&[("WAYLAND_DISPLAY", "wayland-0")], true),
            (&[("DISPLAY", ":10"), ("SSH_CONNECTION", "a b")], false),
            (&[("BROWSER", "w3m"), ("SSH_CONNECTION", "a b")], true),
            (&[], cfg!(any(target_os = "macos", windows))),
        ];
        for (pairs, expected) in table {
            assert_eq!(has_display(&Environment::from_pairs(pairs.iter().copied())), expected, "{pairs:?}");
        }
    }
}
