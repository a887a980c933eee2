//! The first start of a server: a code for its first administrator, in a file that only its own user can read.

use std::io;
use std::path::Path;

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::secret::Secret;

use crate::config::private_file;
use crate::exit::{Exit, Failure};

/// The file, in the folder of the store.
pub const FIRST_CODE_FILE: &str = "first-code";

/// Makes a new code instead of any earlier one, and leaves it at `path` if there is one; tells it, for a terminal. `None`:
/// there is an administrator, and no file any more.
///
/// # Errors
/// The store cannot be used, or the file cannot be written. Nobody needs a code to make an administrator on the machine
/// itself, so this is no reason not to start.
pub async fn leave_first_code(
    server: &AuthorizationServer,
    path: Option<&Path>,
) -> Result<Option<Secret>, Failure> {
    let code = server.issue_first_code().await?;
    let Some(path) = path else { return Ok(code) };
    // The code before, if any, is good for nothing now.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(stuck(path, &error)),
        _ => {}
    }
    if let Some(code) = &code {
        private_file::create(path, code).map_err(|error| {
            Failure::of(Exit::Error, &error).hint("make the folder writable for you, and start again")
        })?;
    }
    Ok(code)
}

fn stuck(path: &Path, error: &io::Error) -> Failure {
    let mut failure = Failure::new(Exit::Error, format!("`{}` cannot be removed", path.display()));
    failure.causes.push(error.to_string());
    failure.hint("remove it yourself: it held a code that is not good any more")
}
