//! Why a scenario could not be played to its end, or what it found broken.

/// A proof that failed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The scenario could not be set up.
    #[error("{act} failed: {detail}")]
    Setup {
        /// What was tried.
        act: &'static str,
        /// Why not.
        detail: String,
    },
    /// A process ended although it should have stood still.
    #[error("a process that should have reached `{place}` ended with {code:?}: {stderr}")]
    Ended {
        /// Where it should have come.
        place: String,
        /// Its exit code.
        code: Option<i32>,
        /// What it said.
        stderr: String,
    },
    /// Something did not happen in half a minute.
    #[error("{what} did not happen in time")]
    Late {
        /// What.
        what: String,
    },
    /// A promise of bursar was not kept.
    #[error("broken promise: {promise}; found {found}")]
    Promise {
        /// The promise.
        promise: &'static str,
        /// What was found instead.
        found: String,
    },
}

impl Broken {
    /// Makes an error of a step of the set-up from another error.
    pub(super) fn setup<E: std::fmt::Display>(act: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Setup { act, detail: error.to_string() }
    }

    /// Insists on a promise.
    pub(super) fn unless(kept: bool, promise: &'static str, found: impl std::fmt::Debug) -> Result<(), Self> {
        if kept { Ok(()) } else { Err(Self::Promise { promise, found: format!("{found:?}") }) }
    }
}
