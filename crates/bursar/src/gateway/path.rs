//! Where a request's path leads at the upstream (RFC 3986 §3.3), and which paths lead nowhere.
//!
//! The path is passed on as it was written, byte for byte, behind the upstream's prefix. Every writing of `..` is
//! refused, however often it was encoded, because nobody knows how often the upstream decodes.

use percent::decoded;

/// A path of the gateway, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GatewayPath<'a> {
    /// Name of the route.
    pub(super) route: &'a str,
    /// What follows it: empty, or with a slash in front.
    pub(super) rest: &'a str,
}

/// Takes a path apart; `None`: it is none of the gateway's.
pub(super) fn gateway_path(path: &str) -> Option<GatewayPath<'_>> {
    let after = path.strip_prefix(ROOT)?;
    let end = after.find('/').unwrap_or(after.len());
    let (route, rest) = after.split_at(end);
    (!route.is_empty()).then_some(GatewayPath { route, rest })
}

/// Why a path is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathRefusal {
    /// Parts that mean "here" and "one up" could leave the upstream's prefix.
    #[error("the path contains `.` or `..` as a part")]
    Dots,
    /// An upstream could read what follows as a host.
    #[error("the path goes on with two slashes after the route")]
    DoubleSlash,
    /// Nobody needs that, and looking further would cost the more the longer it goes on.
    #[error("the path is percent-encoded too many times over")]
    Encoded,
    /// No honest path has one.
    #[error("the path contains a control character or a backslash")]
    Control,
}

/// Checks what follows the route, and puts it behind the upstream's prefix.
pub(super) fn upstream_path(prefix: &str, rest: &str) -> Result<String, PathRefusal> {
    check(rest)?;
    let path = format!("{prefix}{rest}");
    Ok(if path.is_empty() { "/".to_owned() } else { path })
}

fn check(rest: &str) -> Result<(), PathRefusal> {
    // The ordinary path needs no decoding: no `%`, and no dot at the beginning of a part.
    let mut bytes = rest.as_bytes().to_vec();
    for _ in 0..=MOST_ROUNDS {
        if bytes.starts_with(b"//") {
            return Err(PathRefusal::DoubleSlash);
        }
        if bytes.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
            return Err(PathRefusal::Control);
        }
        if bytes.split(|byte| *byte == b'/').any(is_dots) {
            return Err(PathRefusal::Dots);
        }
        match decoded(&bytes) {
            Some(further) => bytes = further,
            None => return Ok(()),
        }
    }
    Err(PathRefusal::Encoded)
}

/// Whether a part means "here" or "one up"; some servers cut parameters off first, as in `..;x` (RFC 3986 §3.3).
fn is_dots(part: &[u8]) -> bool {
    let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}

/// Every server on a way of four decodes once.
const MOST_ROUNDS: usize = 4;
/// The root of all routes.
pub(super) const ROOT: &str = "/gateway/";

mod percent {
    //! Percent-encoding (RFC 3986 §2.1).

    /// One round of decoding; `None`: there is nothing to decode.
    pub(super) fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
        if !bytes.contains(&b'%') {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        let mut changed = false;
        while let [first, tail @ ..] = rest {
            match (first, tail) {
                (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                    out.push(digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0));
                    rest = after;
                    changed = true;
                }
                _ => {
                    out.push(*first);
                    rest = tail;
                }
            }
        }
        changed.then_some(out)
    }

    fn digit(byte: u8) -> Option<u8> {
        char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_at_the_route() {
        for (path, parts) in [
            ("/gateway/github", Some(("github", ""))),
            ("/gateway/github/", Some(("github", "/"))),
            ("/gateway/github/user/repos", Some(("github", "/user/repos"))),
            ("/gateway/github//evil.test", Some(("github", "//evil.test"))),
            ("/gateway/%67ithub/x", Some(("%67ithub", "/x"))),
            ("/gateway/", None),
            ("/gateway", None),
            ("/gateway//x", None),
            ("/Gateway/github", None),
            ("//gateway/github", None),
            ("/", None),
            ("*", None),
        ] {
            let found = gateway_path(path).map(|parts| (parts.route, parts.rest));
            assert_eq!(found, parts, "{path}");
        }
    }

    #[test]
    fn honest_paths_pass_as_they_were_written() {
        for (prefix, rest, path) in [
            ("", "", "/"),
            ("/api/v4", "", "/api/v4"),
            ("", "/", "/"),
            (
                "/api/v4",
                "/projects/group%2Fproject/files/a%20b.txt",
                "/api/v4/projects/group%2Fproject/files/a%20b.txt",
            ),
            ("", "/v1/messages", "/v1/messages"),
            ("", "/.well-known/...", "/.well-known/..."),
            ("", "/a/.github/..x/x..", "/a/.github/..x/x.."),
            ("", "/a//b", "/a//b"),
            ("", "/100%25", "/100%25"),
            ("", "/%252525x", "/%252525x"),
            ("", "/a%zz", "/a%zz"),
            ("", "/a;v=1/b", "/a;v=1/b"),
            ("", "/caf%C3%A9", "/caf%C3%A9"),
            ("", "/https://a.test/", "/https://a.test/"),
        ] {
            assert_eq!(upstream_path(prefix, rest).as_deref(), Ok(path), "{rest}");
        }
    }

    #[test]
    fn no_writing_of_a_step_up_leaves_the_prefix() {
        use PathRefusal::{Control, Dots, DoubleSlash, Encoded};
        for (rest, refusal) in [
            ("/..", Dots),
            ("/../x", Dots),
            ("/a/../../x", Dots),
            ("/./x", Dots),
            ("/a/.", Dots),
            ("/%2e%2e/x", Dots),
            ("/%2E%2e/x", Dots),
            ("/.%2e/x", Dots),
            ("/%252e%252e/x", Dots),
            ("/%25252e%25252e/x", Dots),
            ("/a%2f..%2fx", Dots),
            ("/a%2F%2e%2e%2Fx", Dots),
            ("/..;x/y", Dots),
            ("/..%3bx/y", Dots),
            ("/a%5c..%5cx", Control),
            ("/a\\..\\x", Control),
            ("/%00", Control),
            ("/a%0d%0aX:%20y", Control),
            ("/a%7f", Control),
            ("/%252525252e%252525252e/x", Encoded),
            (&format!("/%{}", "25".repeat(32 * 1024)), Encoded),
            ("//evil.test/x", DoubleSlash),
            ("/%2fevil.test/x", DoubleSlash),
            ("/%252fevil.test/x", DoubleSlash),
        ] {
            assert_eq!(upstream_path("/prefix", rest), Err(refusal), "{rest}");
        }
    }
}
