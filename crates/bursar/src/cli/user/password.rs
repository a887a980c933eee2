//! Where a user's password comes from: a file, stdin, or the terminal; never the command line, which everybody can read.

use bursar_core::secret::Secret;

use crate::cli::app::App;
use crate::cli::arguments::user::PasswordSource;
use crate::cli::login::plan::read_private;
use crate::exit::{Exit, Failure};
use crate::master_key::terminal::{self, TerminalError};

/// The password; `None`: there shall be none.
pub(super) async fn read(
    app: &App,
    source: &PasswordSource,
    username: &str,
) -> Result<Option<Secret>, Failure> {
    if source.no_password {
        return Ok(None);
    }
    if let Some(path) = &source.password_file {
        return read_private(app, path).await.map(Some);
    }
    let password = ask(&format!("Password for {username}: "))?;
    if ask("Once more: ")? == password {
        Ok(Some(password))
    } else {
        Err(Failure::new(Exit::Usage, "the two passwords differ").hint("run the command again"))
    }
}

fn ask(question: &str) -> Result<Secret, Failure> {
    terminal::ask(question).map_err(|error| {
        let failure = Failure::of(Exit::Usage, &error);
        match error {
            TerminalError::NoTerminal(_) => failure
                .hint("give it in a file with `--password-file FILE`, or on stdin with `--password-file -`"),
            TerminalError::Cancelled | TerminalError::Io(_) => failure.hint("nothing was changed"),
        }
    })
}
