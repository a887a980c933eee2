//! Sessions of an application as JWTs: who is signed in, with which role and permissions.
//!
//! Writes and verifies them. They are no access tokens and open no API; whether a session has been ended early is for
//! `engine::issuer`.

mod names;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

pub use self::names::{ClaimNames, ClaimNamesError};
use crate::oauth::jose::{Algorithm, ClaimError, Claims, CompactToken, HmacKey, KeySet, Times, TokenError};
use crate::oauth::signing::{SigningError, SigningKey};
use crate::secret::Secret;

/// How long a session lasts if nobody says otherwise.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The `typ` of the header. Verifiers in applications know no other.
pub const TYPE: &str = "JWT";

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The user's identifier, in `userId` and `sub` alike.
    pub user_id: String,
    /// The name the user signs in with.
    pub username: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The address of a picture.
    pub avatar_url: Option<String>,
    /// The role in the application.
    pub role: Option<String>,
    /// What the user may do in the application, such as `workspace:create`.
    pub permissions: Vec<String>,
    /// What else is said of the user. Names that mean something in tokens already are not used.
    pub others: Map<String, Value>,
    /// The session's name, by which it can be ended.
    pub session_id: String,
    /// Who says so.
    pub issuer: String,
    /// The application.
    pub audience: String,
    /// When the session began or was renewed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What signs sessions.
#[derive(Clone, Debug)]
pub enum SessionSigner {
    /// A secret that the application shares with us (`HS256`).
    Secret(HmacKey),
    /// A key whose public half the application reads from us.
    Key(SigningKey),
}

impl SessionSigner {
    /// Signs a session, with its claims under the names that the application knows.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn sign(&self, session: &Session, names: &ClaimNames) -> Result<Secret, SigningError> {
        let claims = session.claims(names);
        match self {
            Self::Secret(secret) => secret.sign(TYPE, &claims),
            Self::Key(key) => key.sign(TYPE, &claims),
        }
    }
}

/// What verifies sessions: one algorithm, whatever a token says.
#[derive(Clone, Debug)]
pub enum SessionVerifier {
    /// The current secret, and older ones until the last session signed with them is over.
    Secrets(Vec<HmacKey>),
    /// Our public keys, of which those of one algorithm count.
    Keys {
        /// The current key and older ones.
        keys: KeySet,
        /// The algorithm sessions are signed with.
        algorithm: Algorithm,
    },
}

/// What a session must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who must say so.
    pub issuer: &'a str,
    /// The application.
    pub audience: &'a str,
    /// The claims that must be there, ours by our names, beside `userId`, `sessionId` and those of RFC 7519.
    pub required: &'a [&'a str],
    /// How the application calls the claims.
    pub names: &'a ClaimNames,
    /// The time.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub times: Times,
}

/// What applications look at: without them there is nobody to greet.
pub const REQUIRED: [&str; 1] = ["username"];

impl SessionVerifier {
    /// Verifies a session.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verify(&self, token: &str, expected: &Expected<'_>) -> Result<Session, SessionTokenError> {
        let token = CompactToken::parse(token).map_err(SessionTokenError::of)?;
        // Access tokens and proofs have types of their own (RFC 8725 §3.11).
        if token.header().typ.is_some() && !token.header().is_type(TYPE) {
            return Err(SessionTokenError::OtherKind);
        }
        let claims = self.verified(&token)?;
        expected.times.check(claims, expected.now)?;
        if claims.required_text("iss")? != expected.issuer {
            return Err(SessionTokenError::WrongIssuer);
        }
        let audience = claims.texts("aud")?;
        if audience.is_empty() {
            return Err(ClaimError::Missing { name: "aud" }.into());
        }
        if !audience.contains(&expected.audience) {
            return Err(SessionTokenError::WrongAudience);
        }
        Session::read(claims, expected)
    }

    fn verified<'a>(&self, token: &'a CompactToken<'_>) -> Result<&'a Claims, SessionTokenError> {
        match self {
            Self::Secrets(secrets) => {
                let verified = secrets.iter().map(|secret| token.verify_hmac(secret));
                // All secrets fail for the same reason.
                verified
                    .reduce(Result::or)
                    .unwrap_or(Err(TokenError::BadSignature))
                    .map_err(SessionTokenError::of)
            }
            Self::Keys { keys, algorithm } => {
                if token.header().algorithm != *algorithm {
                    return Err(SessionTokenError::WrongAlgorithm);
                }
                let key = keys.find(token.header().key_id.as_deref(), *algorithm);
                token.verify(key.ok_or(SessionTokenError::UnknownKey)?).map_err(SessionTokenError::of)
            }
        }
    }
}

impl Session {
    fn claims(&self, names: &ClaimNames) -> Map<String, Value> {
        let others = self.others.iter().filter(|(name, _)| !names.has(name));
        let mut claims: Map<String, Value> =
            others.map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut say = |name: &str, value: Value| {
            claims.insert(name.to_owned(), value);
        };
        say("sub", json!(self.user_id));
        say(names.of("userId"), json!(self.user_id));
        for (name, text) in [
            ("username", &self.username),
            ("email", &self.email),
            ("avatarUrl", &self.avatar_url),
            ("role", &self.role),
        ] {
            if let Some(text) = text {
                say(names.of(name), json!(text));
            }
        }
        say(names.of("permissions"), json!(self.permissions));
        say(names.of("sessionId"), json!(self.session_id));
        say("iss", json!(self.issuer));
        say("aud", json!(self.audience));
        say("iat", json!(self.issued_at.as_second()));
        say("exp", json!(self.expires_at.as_second()));
        claims
    }

    fn read(claims: &Claims, expected: &Expected<'_>) -> Result<Self, SessionTokenError> {
        let text = |name: &'static str| match claims.value(expected.names.of(name)) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(SessionTokenError::InvalidClaim { name }),
        };
        for name in ["userId", "sessionId"].iter().chain(expected.required) {
            let is_there = |value: &Value| !value.is_null() && value != "";
            if !claims.value(expected.names.of(name)).is_some_and(is_there) {
                return Err(SessionTokenError::MissingClaim { name: (*name).to_owned() });
            }
        }
        let user_id = text("userId")?.unwrap_or_default();
        // Two names for one user must not lead two readers to two users.
        if claims.text("sub")?.is_some_and(|subject| subject != user_id) {
            return Err(SessionTokenError::InvalidClaim { name: "sub" });
        }
        let permissions = match claims.value(expected.names.of("permissions")) {
            None => Some(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        let others = claims.as_map().iter().filter(|(name, _)| !expected.names.has(name));
        Ok(Self {
            others: others.map(|(name, value)| (name.clone(), value.clone())).collect(),
            user_id,
            username: text("username")?,
            email: text("email")?,
            avatar_url: text("avatarUrl")?,
            role: text("role")?,
            permissions: permissions.ok_or(SessionTokenError::InvalidClaim { name: "permissions" })?,
            session_id: text("sessionId")?.unwrap_or_default(),
            issuer: expected.issuer.to_owned(),
            audience: expected.audience.to_owned(),
            issued_at: claims.required_time("iat")?,
            expires_at: claims.required_time("exp")?,
        })
    }
}

/// A session token that must not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionTokenError {
    /// There is nothing.
    #[error("there is no session token")]
    Empty,
    /// It cannot be read.
    #[error("the session token is malformed")]
    Malformed(#[source] TokenError),
    /// Another kind of token, such as an access token.
    #[error("the token is no session token")]
    OtherKind,
    /// It names another algorithm than sessions are signed with, or none.
    #[error("the session token is signed with another algorithm than sessions are")]
    WrongAlgorithm,
    /// It names a key that is none of ours, or is gone.
    #[error("the session token is signed with an unknown key")]
    UnknownKey,
    /// It is signed with something else, or was changed.
    #[error("the signature of the session token is not valid")]
    BadSignature,
    /// It is over.
    #[error("the session expired at {at}")]
    Expired {
        /// Its end.
        at: Timestamp,
    },
    /// It does not count yet.
    #[error("the session is not valid before {at}")]
    NotYet {
        /// Its start.
        at: Timestamp,
    },
    /// It was made later than now.
    #[error("the session token was issued in the future, at {at}; is the clock right?")]
    IssuedInFuture {
        /// When it says it was made.
        at: Timestamp,
    },
    /// Somebody else made it.
    #[error("the session token is from another issuer")]
    WrongIssuer,
    /// It is for another application.
    #[error("the session token is for another application")]
    WrongAudience,
    /// A claim is not there; the name is ours, whatever the application calls it.
    #[error("the session token lacks the claim `{name}`")]
    MissingClaim {
        /// The claim's name.
        name: String,
    },
    /// A claim has a value it must not have.
    #[error("the claim `{name}` of the session token is not valid")]
    InvalidClaim {
        /// The claim's name.
        name: &'static str,
    },
}

impl SessionTokenError {
    fn of(error: TokenError) -> Self {
        match error {
            TokenError::Empty => Self::Empty,
            TokenError::WrongAlgorithm | TokenError::UnsupportedAlgorithm => Self::WrongAlgorithm,
            TokenError::BadSignature => Self::BadSignature,
            other => Self::Malformed(other),
        }
    }
}

impl From<ClaimError> for SessionTokenError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Missing { name } => Self::MissingClaim { name: name.to_owned() },
            ClaimError::Invalid { name } => Self::InvalidClaim { name },
            ClaimError::Expired { at } => Self::Expired { at },
            ClaimError::NotYet { at } => Self::NotYet { at },
            ClaimError::IssuedInFuture { at } => Self::IssuedInFuture { at },
        }
    }
}
