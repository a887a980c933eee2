//! What is read: a token and a secret or key, of which one at most is on stdin.

use std::cell::Cell;
use std::io::Read as _;
use std::path::Path;

use bursar_core::secret::Secret;
use zeroize::Zeroizing;

use crate::config::private_file;
use crate::exit::{Exit, Failure};

/// Reads files, and stdin once.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    stdin_is_read: Cell<bool>,
}

impl Inputs {
    /// A token. An empty text is one too, and told apart later.
    pub(super) fn token(&self, path: &Path) -> Result<Secret, Failure> {
        // Not repeated here: this line may be shown and kept where the arguments are not.
        if path.to_str().is_some_and(|text| text.starts_with(TOKEN) && text.split('.').count() >= 3) {
            return Err(Failure::new(Exit::Usage, "every program on the machine can read arguments")
                .hint("give the token on stdin or in a file, and get a new one if others use this machine"));
        }
        let text = self.text(path, "token")?;
        Ok(Secret::new(text.trim()))
    }

    /// What everybody may read, such as a public key.
    pub(super) fn public(&self, path: &Path) -> Result<Secret, Failure> {
        Ok(Secret::new(self.text(path, "key")?.as_str()))
    }

    /// A secret: a file must be its owner's alone, a pipe or stdin is.
    pub(super) fn private(&self, path: &Path) -> Result<Secret, Failure> {
        let is_file = path != Path::new("-")
            && std::fs::metadata(path).is_ok_and(|found| found.is_file() || found.is_dir());
        let secret = if is_file {
            private_file::read(path).map_err(|error| Failure::of(Exit::Usage, &error).hint(error.hint()))?
        } else {
            let text = self.text(path, "secret")?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Secret::new(text.strip_suffix('\r').unwrap_or(text))
        };
        if secret.is_empty() {
            return Err(Failure::new(Exit::Usage, format!("`{}` is empty", path.display())));
        }
        Ok(secret)
    }

    fn text(&self, path: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
        let mut text = Zeroizing::new(String::new());
        let read = if path == Path::new("-") {
            if self.stdin_is_read.replace(true) {
                return Err(Failure::new(Exit::Usage, "stdin cannot bring two things at once")
                    .hint("put the token or the key into a file"));
            }
            std::io::stdin().lock().take(LARGEST).read_to_string(&mut text)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        };
        read.map_err(|error| {
            let message = format!("the {what} cannot be read from `{}`", path.display());
            let mut failure = Failure::new(Exit::Usage, message);
            failure.causes.push(error.to_string());
            failure.hint("name a text file, or `-` for stdin")
        })?;
        Ok(text)
    }
}

/// `{"` in base64url, with which every header begins.
const TOKEN: &str = "eyJ";
/// Four times what a token or a set of keys may have.
const LARGEST: u64 = 256 * 1024;
