//! Asks a person at the terminal, without showing what is typed.
//!
//! The terminal itself is asked, never standard input: that may be a pipe with something else in it.

use std::io;

use bursar_core::secret::Secret;

/// No answer came from the terminal.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// There is none.
    #[error("there is no terminal to ask at")]
    NoTerminal(#[source] io::Error),
    /// Ctrl-C or Ctrl-D.
    #[error("cancelled at the terminal")]
    Cancelled,
    /// It went away.
    #[error("the terminal went away")]
    Io(#[source] io::Error),
}

/// Asks at the controlling terminal. Waits for the person as long as it takes.
pub fn ask(question: &str) -> Result<Secret, TerminalError> {
    real::ask(question)
}

#[cfg(not(unix))]
mod real {
    use super::{Secret, TerminalError, io};

    pub(super) fn ask(_question: &str) -> Result<Secret, TerminalError> {
        Err(TerminalError::NoTerminal(io::ErrorKind::Unsupported.into()))
    }
}

#[cfg(unix)]
pub use self::real::ask_at;

#[cfg(unix)]
mod real {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read as _, Write as _};

    use bursar_core::secret::Secret;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::TerminalError;

    pub(super) fn ask(question: &str) -> Result<Secret, TerminalError> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
        ask_at(&terminal.map_err(TerminalError::NoTerminal)?, question)
    }

    /// Asks at an open terminal.
    pub fn ask_at(mut terminal: &File, question: &str) -> Result<Secret, TerminalError> {
        let _quiet = Quiet::start(terminal).map_err(|error| TerminalError::NoTerminal(error.into()))?;
        terminal.write_all(question.as_bytes()).map_err(TerminalError::Io)?;
        let answer = read_line(terminal);
        terminal.write_all(b"\n").map_err(TerminalError::Io)?;
        answer
    }

    /// Line editing is off, because with it Ctrl-C would end the program and leave the terminal mute; so the few keys
    /// people use are done here.
    fn read_line(mut terminal: &File) -> Result<Secret, TerminalError> {
        let mut typed = Zeroizing::new(Vec::with_capacity(256));
        let mut byte = Zeroizing::new([0_u8; 1]);
        loop {
            match terminal.read(&mut *byte) {
                Ok(0) => return Err(TerminalError::Cancelled),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(TerminalError::Io(error)),
                Ok(_) => {}
            }
            match byte[0] {
                b'\r' | b'\n' => break,
                CONTROL_C | CONTROL_D => return Err(TerminalError::Cancelled),
                CONTROL_U => typed.clear(),
                BACKSPACE | DELETE => remove_character(&mut typed),
                other => typed.push(other),
            }
        }
        let text = String::from_utf8(std::mem::take(&mut *typed)).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            TerminalError::Io(io::ErrorKind::InvalidData.into())
        })?;
        Ok(Secret::new(text))
    }

    fn remove_character(typed: &mut Vec<u8>) {
        // A character's bytes after the first all start with the bits 10.
        while typed.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {}
    }

    const CONTROL_C: u8 = 3;
    const CONTROL_D: u8 = 4;
    const BACKSPACE: u8 = 8;
    const CONTROL_U: u8 = 21;
    const DELETE: u8 = 127;

    /// A terminal that shows nothing, until dropped.
    struct Quiet<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl<'a> Quiet<'a> {
        fn start(terminal: &'a File) -> rustix::io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Quiet<'_> {
        fn drop(&mut self) {
            // Nothing can be done about a terminal that went away.
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
    }
}
