//! What git and its credential helpers tell each other (git-credential(1), "INPUT/OUTPUT FORMAT"). Pure.
//!
//! Lines of `key=value`. A value that could be taken for two lines by anybody is refused: that is how passwords were
//! led to the wrong host before.

use bursar_core::secret::Secret;
use jiff::Timestamp;
use url::Url;

/// What git wants to know or to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The scheme, such as `https`.
    pub protocol: String,
    /// The host, with a port if there is one.
    pub host: String,
    /// The path, if `credential.useHttpPath` is set.
    pub path: Option<String>,
    /// The user name in the URL.
    pub username: Option<String>,
    /// The password that was tried, for `erase` and `store`.
    pub password: Option<Secret>,
    /// The credential that was tried, for `erase` and `store`.
    pub credential: Option<Secret>,
    /// Whether git understands `authtype` and `credential`.
    pub knows_authtype: bool,
    /// The challenges of the server, in their order.
    pub challenges: Vec<String>,
}

impl Request {
    /// Reads lines up to an empty one or to the end. Keys it does not know are passed over, as the protocol wants.
    pub fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        let mut request = Self::default();
        for line in bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()) {
            if line.len() > LONGEST_LINE {
                return Err(RequestError::TooLong);
            }
            if line.iter().any(|byte| matches!(byte, b'\r' | 0)) {
                return Err(RequestError::ForbiddenByte);
            }
            let line = str::from_utf8(line).map_err(|_| RequestError::NotText)?;
            let (key, value) = line.split_once('=').ok_or(RequestError::NotAPair)?;
            request.set(key, value)?;
        }
        Ok(request)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), RequestError> {
        match key {
            "protocol" => value.clone_into(&mut self.protocol),
            "host" => value.clone_into(&mut self.host),
            "path" => self.path = Some(value.to_owned()),
            "username" => self.username = Some(value.to_owned()),
            "password" => self.password = Some(Secret::new(value)),
            "credential" => self.credential = Some(Secret::new(value)),
            "url" => self.set_url(value)?,
            "capability[]" => self.knows_authtype |= value == "authtype",
            // An empty value means: forget those before.
            "wwwauth[]" if value.is_empty() => self.challenges.clear(),
            "wwwauth[]" => self.challenges.push(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// As if its parts had come one by one; what it does not name is forgotten.
    fn set_url(&mut self, text: &str) -> Result<(), RequestError> {
        let (protocol, rest) = text.split_once("://").ok_or(RequestError::NotAUrl)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let path = rest.get(authority.len() + 1..).map(|path| path.trim_end_matches('/'));
        // The parser is only asked for its opinion of the user part, which may be percent-encoded.
        let parsed = Url::parse(text).map_err(|_| RequestError::NotAUrl)?;
        protocol.clone_into(&mut self.protocol);
        host.clone_into(&mut self.host);
        self.path = path.filter(|path| !path.is_empty()).map(str::to_owned);
        self.username = user.map(|_| decoded(parsed.username())).transpose()?;
        self.password = parsed.password().map(decoded).transpose()?.map(Secret::new);
        Ok(())
    }

    /// The token that git tried, in whichever form it got it.
    pub fn tried(&self) -> Option<&Secret> {
        self.credential.as_ref().or(self.password.as_ref()).filter(|token| !token.is_empty())
    }
}

/// What a helper answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The token.
    pub token: &'a Secret,
    /// How it is presented.
    pub form: Form<'a>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// How git presents a token to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// As the password of this user (RFC 7617).
    Basic {
        /// The user name.
        username: &'a str,
    },
    /// As it is (RFC 6750 §2.1); for a git that knows `authtype` only.
    Bearer,
}

impl Answer<'_> {
    /// The lines. The refresh token is never among them.
    pub fn text(&self) -> Result<String, AnswerError> {
        let token = self.token.expose();
        let mut lines = match self.form {
            Form::Basic { username } => vec![("username", username), ("password", token)],
            // The capability comes first: what depends on it must stand below. `ephemeral`: other helpers keep off.
            Form::Bearer => vec![
                ("capability[]", "authtype"),
                ("authtype", "Bearer"),
                ("credential", token),
                ("ephemeral", "1"),
            ],
        };
        let end = self.expires_at.map(|end| end.as_second().to_string());
        lines.extend(end.as_deref().map(|end| ("password_expiry_utc", end)));
        let mut text = String::with_capacity(token.len() + ROOM);
        for (key, value) in lines {
            if value.contains(['\n', '\r', '\0']) {
                return Err(AnswerError { key });
            }
            text.push_str(key);
            text.push('=');
            text.push_str(value);
            text.push('\n');
        }
        Ok(text)
    }
}

/// The answer to `capability`.
pub const CAPABILITIES: &str = "version 0\ncapability authtype\n";

/// The answer that ends git's search: no other helper is asked, and no person.
pub const QUIT: &str = "quit=1\n";

/// A request that cannot have come from an honest git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More than git allows a line to have.
    #[error("a line has more than {LONGEST_LINE} bytes")]
    TooLong,
    /// A carriage return or a NUL.
    #[error("a line has a carriage return or a NUL in it")]
    ForbiddenByte,
    /// Not UTF-8.
    #[error("a line is not UTF-8")]
    NotText,
    /// No `=`.
    #[error("a line is not `key=value`")]
    NotAPair,
    /// The value of `url` is none.
    #[error("the value of `url` is not a URL")]
    NotAUrl,
}

/// Something that would not stay on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {key} has a line end or a NUL in it")]
pub struct AnswerError {
    key: &'static str,
}

fn decoded(text: &str) -> Result<String, RequestError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(rest.next()), digit(rest.next()));
        let (Some(high), Some(low)) = (high, low) else { return Err(RequestError::NotAUrl) };
        bytes.push(high << 4 | low);
    }
    if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(RequestError::ForbiddenByte);
    }
    String::from_utf8(bytes).map_err(|_| RequestError::NotText)
}

/// git-credential(1): "65535 bytes", key and line end included.
const LONGEST_LINE: usize = 65_535;
/// For everything but the token, so that it is copied once.
const ROOM: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_line_by_line() {
        let request = Request::read(
            b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com:8443\npath=a=b.git\n\
              username=ada\nwwwauth[]=Basic realm=\"old\"\nwwwauth[]=\nwwwauth[]=Basic realm=\"new\"\nfuture=1\n\nhost=evil\n",
        )
        .unwrap();
        assert_eq!((request.protocol.as_str(), request.host.as_str()), ("https", "git.example.com:8443"));
        assert_eq!((request.path.as_deref(), request.username.as_deref()), (Some("a=b.git"), Some("ada")));
        assert!(request.knows_authtype);
        assert_eq!(request.challenges, ["Basic realm=\"new\""]);
        assert_eq!(request.tried(), None);
        assert_eq!(Request::read(b""), Ok(Request::default()));
        assert_eq!(Request::read(b"host=a").unwrap().host, "a", "the last line needs no end");
    }

    #[test]
    fn a_url_is_taken_apart() {
        let read = |url: &str| Request::read(format!("username=before\nurl={url}\n").as_bytes());
        let request = read("https://ada%40example.com:p%20w@git.example.com:1/team/repository.git/").unwrap();
        assert_eq!((request.protocol.as_str(), request.host.as_str()), ("https", "git.example.com:1"));
        assert_eq!(request.path.as_deref(), Some("team/repository.git"));
        assert_eq!(request.username.as_deref(), Some("ada@example.com"));
        assert_eq!(request.tried(), Some(&Secret::new("p w")));
        let bare = read("https://git.example.com").unwrap();
        assert_eq!((bare.username, bare.path), (None, None));
        for (url, error) in [
            ("git.example.com", RequestError::NotAUrl),
            ("https://a%0Ab@git.example.com", RequestError::ForbiddenByte),
            ("https://a%zz@git.example.com", RequestError::NotAUrl),
        ] {
            assert_eq!(read(url), Err(error), "{url}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let long = [b"path=".as_slice(), &vec![b'a'; LONGEST_LINE]].concat();
        for (bytes, error) in [
            (&b"host=a\r\nprotocol=https\n"[..], RequestError::ForbiddenByte),
            (b"host=a\0b\n", RequestError::ForbiddenByte),
            (b"host=a\rb\n", RequestError::ForbiddenByte),
            (b"host\n", RequestError::NotAPair),
            (b"host=\xff\n", RequestError::NotText),
            (&long, RequestError::TooLong),
        ] {
            assert_eq!(Request::read(bytes), Err(error));
        }
    }

    #[test]
    fn answers_are_byte_exact() {
        let token = Secret::new("t0ken");
        let end = Some("2026-11-21T15:00:00.9Z".parse().unwrap());
        let basic = Answer { token: &token, form: Form::Basic { username: "oauth2" }, expires_at: end };
        assert_eq!(
            basic.text().unwrap(),
            "username=oauth2\npassword=t0ken\npassword_expiry_utc=1795273200\n"
        );
        let bearer = Answer { token: &token, form: Form::Bearer, expires_at: None };
        assert_eq!(
            bearer.text().unwrap(),
            "capability[]=authtype\nauthtype=Bearer\ncredential=t0ken\nephemeral=1\n"
        );
        let broken = Answer { form: Form::Basic { username: "a\nhost=evil" }, ..basic };
        assert_eq!(broken.text(), Err(AnswerError { key: "username" }));
    }
}
