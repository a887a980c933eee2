//! The agent's socket: whether somebody answers there, and who.

use std::path::Path;
use std::time::Duration;

use bursar_core::ports::clock::Clock;

use super::aside::aside;
use super::finding::Finding;

/// Says hello. An agent that is not running is no fault: commands do its work themselves.
pub(super) async fn check(socket: &Path, clock: &dyn Clock) -> Finding {
    match conversation::place(socket) {
        Place::Nothing => return Finding::ok(NAME, "no agent is running; commands refresh by themselves"),
        Place::NotASocket => {
            let what = format!("{} is in the agent's place, but is no socket", socket.display());
            return Finding::fail(NAME, what, format!("remove it with `rm '{}'`", socket.display()));
        }
        Place::Foreign(owner) => {
            let what = format!(
                "the agent's socket {} belongs to user {owner}; whoever that is could hand out tokens of theirs",
                socket.display()
            );
            return Finding::fail(NAME, what, "set BURSAR_SOCKET or BURSAR_HOME to a place of your own");
        }
        Place::Loose(mode) => {
            let what = format!("others can use the agent's socket {} (mode {mode:04o})", socket.display());
            return Finding::fail(NAME, what, format!("run `chmod 600 '{}'`", socket.display()));
        }
        Place::Socket => {}
    }
    let path = socket.to_owned();
    let answer = aside(clock, LIMIT, move || conversation::hello(&path)).await.unwrap_or(Hello::Silent(None));
    told(socket, answer)
}

/// What is at the socket's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has the socket"))]
enum Place {
    Nothing,
    NotASocket,
    /// Belongs to the user of this number.
    Foreign(u32),
    /// Has this mode.
    Loose(u32),
    Socket,
}

/// What came of a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has the socket"))]
enum Hello {
    /// An agent of this version.
    Version(String),
    /// Somebody who does not say which version it is.
    Unversioned,
    /// Nobody listens: left behind by an agent that was killed.
    Abandoned,
    /// Somebody listens and says nothing; the process, where the system tells.
    Silent(Option<u32>),
}

fn told(socket: &Path, hello: Hello) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    match hello {
        Hello::Version(version) if version == own => {
            Finding::ok(NAME, format!("the agent answers, version {version}"))
        }
        Hello::Version(version) => Finding::warn(
            NAME,
            format!("the agent is of version {version}, this command of version {own}"),
            "run `bursar agent stop`; the next one is of this version",
        ),
        Hello::Unversioned => Finding::ok(NAME, "the agent answers"),
        Hello::Abandoned => Finding::ok(
            NAME,
            format!(
                "no agent is running; the socket {} was left by one that was killed, which is harmless: the next one \
                 replaces it",
                socket.display()
            ),
        ),
        Hello::Silent(process) => {
            let who = process
                .map_or_else(|| "the agent".to_owned(), |process| format!("the agent (process {process})"));
            let remedy = match process {
                Some(process) => format!(
                    "if it was stopped, `kill -CONT {process}` lets it go on; else end it with `kill {process}`: an \
                     unfinished refresh is taken up again"
                ),
                None => "end it and start it again with `bursar agent start`".to_owned(),
            };
            let what = format!("{who} does not answer within {} s; commands go past it", PATIENCE.as_secs());
            Finding::warn(NAME, what, remedy)
        }
    }
}

const NAME: &str = "agent";

/// An agent that is silent for so long is bypassed by callers.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connecting has no limit of its own when the queue is full.
const LIMIT: Duration = Duration::from_secs(3);

#[cfg(unix)]
mod conversation {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    use serde_json::Value;

    use super::{Hello, PATIENCE, Place};

    pub(super) fn place(socket: &Path) -> Place {
        let Ok(found) = std::fs::symlink_metadata(socket) else { return Place::Nothing };
        let mode = found.mode() & 0o7777;
        if !found.file_type().is_socket() {
            Place::NotASocket
        } else if found.uid() != rustix::process::geteuid().as_raw() {
            Place::Foreign(found.uid())
        } else if mode & 0o077 != 0 {
            Place::Loose(mode)
        } else {
            Place::Socket
        }
    }

    pub(super) fn hello(socket: &Path) -> Hello {
        let Ok(mut stream) = UnixStream::connect(socket) else { return Hello::Abandoned };
        let process = listener(&stream);
        let limited =
            stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        let mut answer = Vec::new();
        let told = limited
            .and_then(|()| stream.write_all(REQUEST))
            .and_then(|()| (&mut stream).take(LONGEST).read_to_end(&mut answer));
        if told.is_err() && answer.is_empty() {
            return Hello::Silent(process);
        }
        version(&answer).map_or(Hello::Unversioned, Hello::Version)
    }

    /// The version in the JSON body of an answer.
    fn version(answer: &[u8]) -> Option<String> {
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let document: Value = serde_json::from_slice(&answer[body..]).ok()?;
        let version = document["version"].as_str()?;
        Some(version.chars().filter(char::is_ascii_graphic).take(40).collect())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn listener(stream: &UnixStream) -> Option<u32> {
        let credentials = rustix::net::sockopt::socket_peercred(stream).ok()?;
        u32::try_from(credentials.pid.as_raw_nonzero().get()).ok()
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn listener(_stream: &UnixStream) -> Option<u32> {
        None
    }

    /// HTTP/1.0, so that the answer ends with the connection and comes in one piece.
    const REQUEST: &[u8] = b"GET /v1/agent HTTP/1.0\r\nHost: localhost\r\n\r\n";

    /// A status has some 4 KiB.
    const LONGEST: u64 = 256 * 1024;

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_version_is_read_out_of_an_answer() {
            let answer = |body: &str| version(format!("HTTP/1.0 200 OK\r\na: b\r\n\r\n{body}").as_bytes());
            assert_eq!(answer(r#"{"version":"1.2.3"}"#).as_deref(), Some("1.2.3"));
            assert_eq!(answer("{\"version\":\"1\\u001b[0m\"}").as_deref(), Some("1[0m"));
            for body in ["", "{}", "not JSON", r#"{"version":1}"#] {
                assert_eq!(answer(body), None, "{body}");
            }
            assert_eq!(version(b""), None);
        }
    }
}

#[cfg(not(unix))]
mod conversation {
    use std::path::Path;

    use super::{Hello, Place};

    pub(super) fn place(_socket: &Path) -> Place {
        Place::Nothing
    }

    pub(super) fn hello(_socket: &Path) -> Hello {
        Hello::Abandoned
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn every_trouble_has_a_remedy() {
        let told = |hello| told(Path::new("/run/agent.sock"), hello);
        assert_eq!(told(Hello::Version(env!("CARGO_PKG_VERSION").to_owned())).verdict, Verdict::Ok);
        assert_eq!(told(Hello::Abandoned).verdict, Verdict::Ok);
        let older = told(Hello::Version("0.0.1".to_owned()));
        assert!(older.what.contains("version 0.0.1") && older.remedy.unwrap().contains("bursar agent stop"));
        assert!(told(Hello::Silent(Some(7))).remedy.unwrap().contains("kill -CONT 7"));
        assert_eq!(told(Hello::Silent(None)).verdict, Verdict::Warn);
    }
}
