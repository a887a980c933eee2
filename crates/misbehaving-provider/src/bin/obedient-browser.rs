//! A browser for demonstrations: opens one `http` URL on loopback and follows redirects until a page comes.
//!
//! The misbehaving provider consents by itself, so opening its authorization URL is all a person would do.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;

use url::Url;

fn main() -> ExitCode {
    let Some(start) = std::env::args().nth(1) else {
        return complain("usage: obedient-browser URL");
    };
    match follow(&start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("obedient-browser: {error}")),
    }
}

fn follow(start: &str) -> io::Result<()> {
    let mut url = Url::parse(start).map_err(io::Error::other)?;
    for _ in 0..MOST_REDIRECTS {
        let answer = fetch(&url)?;
        let Some(target) = location(&answer) else { return Ok(()) };
        url = url.join(target).map_err(io::Error::other)?;
    }
    Err(io::Error::other("too many redirects"))
}

fn fetch(url: &Url) -> io::Result<String> {
    let addresses = url.socket_addrs(|| None)?;
    let mut connection = TcpStream::connect(addresses.as_slice())?;
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let host = url.host_str().unwrap_or_default();
    write!(connection, "GET {}{query} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n", url.path())?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn location(answer: &str) -> Option<&str> {
    let head = answer.split("\r\n\r\n").next()?;
    let is_redirect = head.split(' ').nth(1)?.starts_with('3');
    let named = |line: &&str| line.to_ascii_lowercase().starts_with("location:");
    let line = head.lines().filter(|_| is_redirect).find(named)?;
    Some(line["location:".len()..].trim())
}

fn complain(line: &str) -> ExitCode {
    let _gone = writeln!(io::stderr(), "{line}");
    ExitCode::FAILURE
}

/// A login takes two.
const MOST_REDIRECTS: usize = 8;
