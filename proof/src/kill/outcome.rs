//! What became of a login.

use std::fmt;

/// The end of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the login.
    pub fate: Fate,
    /// How many refresh calls reached the provider, the killed one included.
    pub calls: usize,
    /// Whether the provider saw a spent token and refused it.
    pub reuse_detected: bool,
    /// What the waiting process was given, if there was one.
    pub sibling: Option<Given>,
}

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on without a person.
    Kept(When),
    /// A person has to log in; the word says why.
    LoginRequired(String),
}

/// When a new access token was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With the first call after the kill.
    AtOnce,
    /// When the access token at hand had ended; until then that one was handed out.
    AfterAccessToken,
}

/// What a process printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The access token of the login, still good.
    OldToken,
    /// A new one, good at the provider.
    NewToken,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = if self.calls == 1 { "1 call".to_owned() } else { format!("{} calls", self.calls) };
        match &self.fate {
            Fate::Kept(When::AtOnce) => write!(formatter, "kept, {calls}"),
            Fate::Kept(When::AfterAccessToken) => {
                write!(formatter, "kept, renewed once the access token has ended, {calls}")
            }
            Fate::LoginRequired(cause) => write!(formatter, "login required (`{cause}`), {calls}"),
        }?;
        if self.reuse_detected { formatter.write_str(", reuse detected") } else { Ok(()) }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OldToken => "the token at hand",
            Self::NewToken => "a new token",
        })
    }
}
