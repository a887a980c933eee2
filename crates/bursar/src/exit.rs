//! Exit codes, and errors on their way to the screen.

use std::error::Error;
use std::process::ExitCode;

/// How the process ends; stable, documented, and what scripts branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// Something else went wrong.
    Error,
    /// Used wrongly, or cancelled.
    Usage,
    /// No such account.
    NoSuchAccount,
    /// A person has to log in.
    LoginRequired,
    /// Not now; it may work later.
    Unavailable,
    /// The agent or the remote cannot be reached.
    Unreachable,
    /// The vault is locked.
    VaultLocked,
    /// A rule says no.
    Denied,
    /// Something expires soon, or has expired and can be refreshed.
    Expiring,
    /// What a child, or the worst account, ended with.
    Code(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::NoSuchAccount => 3,
            Self::LoginRequired => 4,
            Self::Unavailable => 5,
            Self::Unreachable => 6,
            Self::VaultLocked => 7,
            Self::Denied => 8,
            Self::Expiring => 9,
            Self::Code(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A failed command: what happened, why, and the next command to run.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What happened, to what.
    pub message: String,
    /// Why, from the nearest cause to the farthest.
    pub causes: Vec<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without causes or hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// A failure that tells an error and what is behind it.
    pub fn of(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        let mut failure = Self::new(exit, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // A transparent error repeats its source.
            if failure.causes.last().unwrap_or(&failure.message) != &text {
                failure.causes.push(text);
            }
            source = cause.source();
        }
        failure
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
