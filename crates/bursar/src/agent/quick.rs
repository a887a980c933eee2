//! `bursar token` before anything else: one question to the agent's socket, without configuration, store or runtime.
//!
//! It knows one happy way and prints a token, or steps back for the whole command, which finds out what is wrong and says
//! so. Only the plainest command lines take it.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::provider::duration::parse_duration;
use bursar_core::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::client::{in_path, is_ours};
use crate::cli::SANDBOX;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::context::LOOKED_AT;
use crate::http::place_of;

/// Prints a token and tells that it is done; `false`: nothing was printed, and the whole command must run.
pub fn token(environment: &Environment, line: &[OsString]) -> bool {
    let Some(wish) = Wish::read(line).and_then(|wish| wish.within(environment)) else { return false };
    if ["BURSAR_LOG", "BURSAR_SKIP_PREFLIGHT"].iter().any(|name| environment.text(name).is_some()) {
        return false;
    }
    let Some(answer) = asked(environment, &wish).filter(|answer| answer.is_called(wish.account)) else {
        return false;
    };
    let token = answer.access_token.expose();
    let text = if wish.header {
        Zeroizing::new(format!("Authorization: {} {token}\n", answer.token_type))
    } else {
        Zeroizing::new(format!("{token}\n"))
    };
    let mut out = std::io::stdout().lock();
    // A reader who has gone away is not an error.
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    true
}

/// What was typed, if it is plain enough.
#[derive(Debug, PartialEq, Eq)]
struct Wish<'a> {
    account: &'a str,
    min_valid: Option<u32>,
    header: bool,
    sandbox: Option<SandboxName>,
}

impl<'a> Wish<'a> {
    fn read(line: &'a [OsString]) -> Option<Self> {
        let mut words = line.iter().skip(1).map(|word| word.to_str());
        if words.next()?? != "token" {
            return None;
        }
        let (mut account, mut min_valid, mut header, mut sandbox) = (None, None, false, None);
        while let Some(word) = words.next() {
            match word? {
                "--header" => header = true,
                "--min-valid" => {
                    let asked = parse_duration(words.next()??).ok()?;
                    min_valid = Some(u32::try_from(asked.as_secs()).ok()?);
                }
                "--sandbox" => sandbox = Some(SandboxName::parse(words.next()??).ok()?),
                other if account.is_none() && !other.starts_with('-') && !other.is_empty() => {
                    account = Some(other);
                }
                _ => return None,
            }
        }
        Some(Self { account: account?, min_valid, header, sandbox })
    }

    /// In the sandbox that every command started from here works in, unless another was typed.
    fn within(self, environment: &Environment) -> Option<Self> {
        let named = environment.text(SANDBOX).map(SandboxName::parse).transpose().ok()?;
        let sandbox = self.sandbox.or(named);
        // A server of that store may keep its sandboxes elsewhere than the agent its accounts.
        let is_elsewhere = sandbox.is_some() && environment.text("SESSION_PROVIDER").is_some();
        (!is_elsewhere).then_some(Self { sandbox, ..self })
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
    token_type: String,
    #[serde(rename = "ref")]
    reference: String,
    provider: String,
    account: String,
    identity: Option<String>,
}

impl Answer {
    /// Whether the account bears this name in full. The whole command tells what it took a shorter one for. A URL is never
    /// shortened.
    fn is_called(&self, name: &str) -> bool {
        if name.contains("://") {
            return true;
        }
        let names = [&self.reference, &self.provider, &self.account];
        names.into_iter().chain(&self.identity).any(|full| full.to_lowercase() == name.to_lowercase())
    }
}

fn asked(environment: &Environment, wish: &Wish<'_>) -> Option<Answer> {
    let paths = Paths::resolve(environment).ok()?;
    if !is_ours(paths.socket()) {
        return None;
    }
    let mut stream = connected(paths.socket())?;
    stream.write_all(&request(environment, wish)).ok()?;
    let mut answer = Zeroizing::new(Vec::with_capacity(ROOM));
    // The agent closes the connection after its answer.
    stream.take(LARGEST_ANSWER).read_to_end(&mut answer).ok()?;
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    if !answer.starts_with(b"HTTP/1.1 200 ") {
        return None;
    }
    serde_json::from_slice(&answer[head + 4..]).ok()
}

/// A connection that never waits for long, not even for its place in the queue of an agent that hangs.
fn connected(socket: &Path) -> Option<UnixStream> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect};

    let address = SocketAddrUnix::new(socket).ok()?;
    let stream = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).ok()?;
    for way in [Timeout::Recv, Timeout::Send] {
        set_socket_timeout(&stream, way, Some(PATIENCE)).ok()?;
    }
    connect(&stream, &address).ok()?;
    Some(UnixStream::from(stream))
}

fn request(environment: &Environment, wish: &Wish<'_>) -> Zeroizing<Vec<u8>> {
    let choosing = environment.names().filter(|name| name.starts_with("BURSAR_ACCOUNT_"));
    // What is not set is said as well: untold would mean unknown.
    let chosen: Map<String, Value> = choosing
        .chain(LOOKED_AT.iter().copied())
        .map(|name| (name.to_owned(), environment.text(name).map_or(Value::Null, Value::from)))
        .collect();
    let directory =
        std::env::current_dir().ok().and_then(|folder| folder.into_os_string().into_string().ok());
    let body = json!({
        "min_valid": wish.min_valid, "directory": directory, "environment": chosen,
    })
    .to_string();
    let account = in_path(wish.account);
    let place = wish.sandbox.as_ref().map(place_of).unwrap_or_default();
    let authorization = environment
        .secret("BURSAR_SESSION_TOKEN")
        .map(|token| format!("Authorization: Bearer {}\r\n", token.expose()))
        .unwrap_or_default();
    let head = format!(
        "POST {place}/v1/accounts/{account}/token HTTP/1.1\r\nHost: bursar\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n{authorization}\r\n",
        body.len()
    );
    Zeroizing::new([head.as_bytes(), body.as_bytes()].concat())
}

/// A living agent answers from memory in well under a millisecond. If it has to wait for a provider, the whole command
/// asks again and waits with it; with that one's patience a silent agent is passed by after a second in all.
const PATIENCE: Duration = Duration::from_millis(250);
/// Room for most answers, so that a token is not copied again and again.
const ROOM: usize = 8 * 1024;
/// Identity tokens with pictures in them exist.
const LARGEST_ANSWER: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_lines_are_taken() {
        let read = |line: &[&str]| {
            let line: Vec<OsString> = line.iter().map(OsString::from).collect();
            Wish::read(&line).map(|wish| (wish.account.to_owned(), wish.min_valid, wish.header))
        };
        let plain = Some(("google:work".to_owned(), None, false));
        assert_eq!(read(&["bursar", "token", "google:work"]), plain);
        assert_eq!(
            read(&["bursar", "token", "--min-valid", "15m", "a", "--header"]),
            Some(("a".to_owned(), Some(900), true))
        );
        for line in [
            &["bursar", "token"][..],
            &["bursar", "status"],
            &["bursar", "--json", "token", "a"],
            &["bursar", "token", "a", "b"],
            &["bursar", "token", "a", "--wait", "3s"],
            &["bursar", "token", "a", "--min-valid"],
            &["bursar", "token", "a", "--min-valid", "soon"],
            &["bursar", "token", "a", "--sandbox", "No such"],
            &["bursar", "token", "--", "a"],
            &["bursar"],
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_sandbox_is_asked_for_where_it_is() {
        let line: Vec<OsString> = ["bursar", "token", "a", "--sandbox", "ci"].map(OsString::from).into();
        let from = |line: &[OsString], pairs: &[(&str, &str)]| {
            let environment = Environment::from_pairs(pairs.iter().copied());
            let wish = Wish::read(line).unwrap().within(&environment)?;
            let text = String::from_utf8(request(&environment, &wish).to_vec()).unwrap();
            Some(text.split(' ').nth(1).unwrap().to_owned())
        };
        let of = |place: &str| Some(format!("{place}/v1/accounts/a/token"));
        assert_eq!(from(&line, &[]), of("/s/ci"));
        assert_eq!(from(&line[..3], &[]), of(""));
        assert_eq!(from(&line[..3], &[(SANDBOX, "dev")]), of("/s/dev"));
        assert_eq!(from(&line, &[(SANDBOX, "dev")]), of("/s/ci"));
        assert_eq!(from(&line[..3], &[(SANDBOX, "No")]), None);
        assert_eq!(from(&line, &[("SESSION_PROVIDER", "redis")]), None);
        assert_eq!(from(&line[..3], &[("SESSION_PROVIDER", "redis")]), of(""));
    }

    #[test]
    fn nothing_in_an_account_s_name_reaches_the_request_s_head() {
        let wish = Wish { account: "a b\r\nX: y/../z", min_valid: None, header: false, sandbox: None };
        let request = request(&Environment::default(), &wish);
        let text = String::from_utf8(request.to_vec()).unwrap();
        assert!(
            text.starts_with("POST /v1/accounts/a%20b%0D%0AX%3A%20y%2F..%2Fz/token HTTP/1.1\r\n"),
            "{text}"
        );
    }
}
