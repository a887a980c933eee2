//! A token on a file descriptor: it is in no file and no environment, and can be read once.

use bursar_core::secret::Secret;

use crate::exit::{Exit, Failure};

/// The reading end of a pipe with a token in it and nobody at the other end.
#[derive(Debug)]
pub(super) struct TokenDescriptor {
    #[cfg(unix)]
    end: std::io::PipeReader,
}

#[cfg(unix)]
impl TokenDescriptor {
    /// Puts `token` into a new pipe.
    pub(super) fn holding(token: &Secret) -> Result<Self, Failure> {
        use std::io::Write as _;

        let failed = |error: std::io::Error| Failure::of(Exit::Error, &error).hint("run `bursar doctor`");
        if token.expose().len() > LONGEST {
            return Err(Failure::new(Exit::Usage, "the token is too long for a descriptor")
                .hint("use `--token-file NAME=ACCOUNT`"));
        }
        let (end, mut writer) = std::io::pipe().map_err(failed)?;
        // A pipe that is smaller than it should be must not keep us waiting for ourselves to read it.
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK)
            .map_err(|error| failed(error.into()))?;
        writer.write_all(token.expose().as_bytes()).map_err(failed)?;
        Ok(Self { end })
    }

    /// Its number here, and in a child that inherits it.
    pub(super) fn number(&self) -> String {
        use std::os::fd::AsRawFd as _;
        self.end.as_raw_fd().to_string()
    }

    /// Children that are started from now on get it, whoever starts them: it is for the moment before one start, and is
    /// dropped right after it.
    pub(super) fn let_children_inherit(&self) -> Result<(), Failure> {
        rustix::io::fcntl_setfd(&self.end, rustix::io::FdFlags::empty())
            .map_err(|error| Failure::of(Exit::Error, &error))
    }
}

#[cfg(not(unix))]
impl TokenDescriptor {
    pub(super) fn holding(_token: &Secret) -> Result<Self, Failure> {
        Err(Failure::new(Exit::Usage, "descriptors are not inherited on this system")
            .hint("use `--token-file NAME=ACCOUNT`"))
    }

    pub(super) fn number(&self) -> String {
        String::new()
    }

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as where descriptors are inherited")]
    pub(super) fn let_children_inherit(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A pipe takes at least so much before it blocks (POSIX asks for 512 bytes, Linux and macOS give 16 KiB).
#[cfg(unix)]
const LONGEST: usize = 16 * 1024;
