//! What docker and its credential helpers tell each other (docker-credential-helpers, "Development"). Pure.
//!
//! Errors go to standard output, in words that docker compares; everything is one line of JSON or of text.

use bursar_core::secret::Secret;
use serde::{Deserialize, Serialize};

/// The server that docker names on standard input for `get` and `erase`, lines joined and trimmed as docker's own
/// helpers do it.
pub fn read_server(bytes: &[u8]) -> Result<String, RequestError> {
    let text = str::from_utf8(bytes).map_err(|_| RequestError::NotText)?;
    let server: String = text.lines().collect();
    let server = server.trim();
    if server.is_empty() {
        return Err(RequestError::NoServer);
    }
    if server.contains(char::is_control) {
        return Err(RequestError::NotText);
    }
    Ok(server.to_owned())
}

/// What docker would have kept by `store`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stored {
    /// The server.
    #[serde(default, rename = "ServerURL")]
    pub server: String,
    /// Who logged in.
    #[serde(default)]
    pub username: String,
    /// With which password or token.
    #[serde(default = "nothing")]
    pub secret: Secret,
}

impl Stored {
    /// Reads the document of `store`.
    pub fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        let stored: Self = serde_json::from_slice(bytes).map_err(|_| RequestError::NotJson)?;
        match () {
            () if stored.server.is_empty() => Err(RequestError::NoServer),
            () if stored.username.is_empty() => Err(RequestError::NoUsername),
            () => Ok(stored),
        }
    }
}

fn nothing() -> Secret {
    Secret::new("")
}

/// The line that answers `get`.
pub fn answer(server: &str, username: &str, token: &Secret) -> String {
    let answer = Answer { server, username, secret: token.expose() };
    // Three strings are always JSON.
    serde_json::to_string(&answer).unwrap_or_default() + "\n"
}

/// The line that answers `list`: user names by server.
pub fn list<'a>(servers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let servers: serde_json::Map<String, serde_json::Value> =
        servers.into_iter().map(|(server, username)| (server.to_owned(), username.into())).collect();
    serde_json::Value::Object(servers).to_string() + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// What docker takes for "ask another, or go on without".
pub const NOT_FOUND: &str = "credentials not found in native keychain";

/// A request nobody can answer; the words are those of docker's own helpers where it compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing on standard input.
    #[error("no credentials server URL")]
    NoServer,
    /// `store` without a user.
    #[error("no credentials username")]
    NoUsername,
    /// Bytes that are no text.
    #[error("the server is not named in plain text")]
    NotText,
    /// `store` with something else than its document.
    #[error("the credentials are not the JSON that was expected")]
    NotJson,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_docker_writes_them() {
        for text in ["https://ghcr.io", "https://ghcr.io\n", "  https://ghcr.io\r\n"] {
            assert_eq!(read_server(text.as_bytes()).as_deref(), Ok("https://ghcr.io"), "{text:?}");
        }
        for (bytes, error) in [
            (&b""[..], RequestError::NoServer),
            (b" \n", RequestError::NoServer),
            (b"\xff", RequestError::NotText),
            (b"a\x1b[2Jb", RequestError::NotText),
        ] {
            assert_eq!(read_server(bytes), Err(error));
        }
    }

    #[test]
    fn answers_are_byte_exact() {
        assert_eq!(
            answer("https://ghcr.io", "x\"y", &Secret::new("t0ken")),
            "{\"ServerURL\":\"https://ghcr.io\",\"Username\":\"x\\\"y\",\"Secret\":\"t0ken\"}\n"
        );
        assert_eq!(list([]), "{}\n");
        assert_eq!(
            list([("ghcr.io", "ada"), ("a.io", "<token>")]),
            "{\"ghcr.io\":\"ada\",\"a.io\":\"<token>\"}\n"
        );
    }

    #[test]
    fn what_is_to_be_stored_must_be_whole() {
        let stored = Stored::read(br#"{"ServerURL":"a","Username":"b","Secret":"c","Future":1}"#).unwrap();
        assert_eq!((stored.server.as_str(), stored.username.as_str()), ("a", "b"));
        assert_eq!(stored.secret.expose(), "c");
        let refused = |text: &str| Stored::read(text.as_bytes()).unwrap_err();
        assert_eq!(refused(r#"{"Username":"b","Secret":"c"}"#), RequestError::NoServer);
        assert_eq!(refused(r#"{"ServerURL":"a","Secret":"c"}"#), RequestError::NoUsername);
        assert_eq!(refused("hunter2"), RequestError::NotJson);
        assert!(!format!("{stored:?}").contains("\"c\""));
    }
}
