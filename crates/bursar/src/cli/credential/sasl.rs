//! The first words of a mail client to its server: XOAUTH2 (Google, Microsoft) and OAUTHBEARER (RFC 7628 §3.1). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::secret::Secret;

/// `user=…`, then the token; both end with a Ctrl-A, and another one ends it all.
pub(super) fn xoauth2(user: &str, token: &Secret) -> Result<Secret, WordsError> {
    let token = checked(token)?;
    Ok(Secret::new(format!("user={}\u{1}auth=Bearer {token}\u{1}\u{1}", plain(user)?)))
}

/// The GS2 header with the user, perhaps host and port, then the token (RFC 7628 §3.1, RFC 5801 §4).
pub(super) fn oauthbearer(
    user: &str,
    host: Option<&str>,
    port: Option<u16>,
    token: &Secret,
) -> Result<Secret, WordsError> {
    let token = checked(token)?;
    // RFC 5801 §4: the two letters that mean something in the header.
    let user = plain(user)?.replace('=', "=3D").replace(',', "=2C");
    let host = host.map(plain).transpose()?.map_or_else(String::new, |host| format!("host={host}\u{1}"));
    let port = port.map_or_else(String::new, |port| format!("port={port}\u{1}"));
    Ok(Secret::new(format!("n,a={user},\u{1}{host}{port}auth=Bearer {token}\u{1}\u{1}")))
}

/// As it is sent (RFC 4648 §4).
pub(super) fn encoded(words: &Secret) -> Secret {
    Secret::new(STANDARD.encode(words.expose()))
}

/// RFC 6750 §2.1 names the letters a token may have; a Ctrl-A would end it early.
fn checked(token: &Secret) -> Result<&str, WordsError> {
    let text = token.expose();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(WordsError::Token);
    }
    Ok(text)
}

fn plain(text: &str) -> Result<&str, WordsError> {
    if text.is_empty() || text.contains(char::is_control) {
        return Err(WordsError::Name);
    }
    Ok(text)
}

/// What cannot be said in these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    /// The token has letters no header can carry.
    #[error("the token cannot be sent in a mail login")]
    Token,
    /// The name of the user or host is empty or has control characters in it.
    #[error("the name of the mailbox or of the server is empty or not plain text")]
    Name,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_googles_documents() {
        let words =
            xoauth2("someuser@example.com", &Secret::new("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"))
                .unwrap();
        assert_eq!(
            words.expose(),
            "user=someuser@example.com\u{1}auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u{1}\u{1}"
        );
        assert_eq!(
            encoded(&words).expose(),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
    }

    /// RFC 7628 §4.1.
    #[test]
    fn the_example_of_the_rfc() {
        let token = Secret::new("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let words = oauthbearer("user@example.com", Some("server.example.com"), Some(143), &token).unwrap();
        assert_eq!(
            encoded(&words).expose(),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        );
    }

    #[test]
    fn host_and_port_may_be_missing_and_names_are_escaped() {
        let words = oauthbearer("a,b=c", None, None, &Secret::new("t")).unwrap();
        assert_eq!(words.expose(), "n,a=a=2Cb=3Dc,\u{1}auth=Bearer t\u{1}\u{1}");
    }

    #[test]
    fn nothing_can_end_a_part_early() {
        assert_eq!(xoauth2("a\u{1}b", &Secret::new("t")), Err(WordsError::Name));
        assert_eq!(xoauth2("", &Secret::new("t")), Err(WordsError::Name));
        assert_eq!(xoauth2("a", &Secret::new("t\u{1}")), Err(WordsError::Token));
        assert_eq!(oauthbearer("a", Some("h\n"), None, &Secret::new("t")), Err(WordsError::Name));
    }
}
