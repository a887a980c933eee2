//! Where a secret of the configuration is, and reading it when it is needed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::secret::Secret;
use futures::future::{Either, select};
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::environment::Environment;
use super::private_file::{self, PrivateFileError};
use crate::child_environment::scrub;

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the environment.
    Given(Secret),
    /// In a private file.
    File(PathBuf),
    /// Printed by a program: name and arguments, started without a shell.
    Command(Vec<String>),
}

impl SecretSource {
    /// Reads it: the file's text, or the first line the program prints, within 30 s.
    pub async fn read(
        &self,
        environment: &Environment,
        clock: &dyn Clock,
    ) -> Result<Secret, SecretSourceError> {
        let secret = match self {
            Self::Given(secret) => secret.clone(),
            Self::File(path) => private_file::read(path)?,
            Self::Command(words) => {
                let output = std::pin::pin!(run(words, environment));
                match select(output, clock.sleep(LIMIT)).await {
                    Either::Left((output, _)) => output?,
                    Either::Right(_) => {
                        return Err(SecretSourceError::TooSlow { program: program(words) });
                    }
                }
            }
        };
        if secret.is_empty() { Err(SecretSourceError::Empty) } else { Ok(secret) }
    }
}

/// Password managers may ask their person first.
const LIMIT: Duration = Duration::from_secs(30);

/// As for secrets in files.
const LARGEST: u64 = 16 * 1024;

fn program(words: &[String]) -> String {
    words.first().cloned().unwrap_or_default()
}

async fn run(words: &[String], environment: &Environment) -> Result<Secret, SecretSourceError> {
    let told = |source| SecretSourceError::Failed { program: program(words), source };
    let mut command = std::process::Command::new(program(words));
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::piped());
    scrub(&mut command, environment);
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(told)?;
    let mut printed = Zeroizing::new(String::with_capacity(1024));
    if let Some(output) = child.stdout.take() {
        output.take(LARGEST).read_to_string(&mut printed).await.map_err(told)?;
    }
    let status = child.wait().await.map_err(told)?;
    if !status.success() {
        return Err(SecretSourceError::Refused { program: program(words), status: status.to_string() });
    }
    Ok(Secret::new(printed.lines().next().unwrap_or_default().trim_end()))
}

/// The secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretSourceError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The program could not be run.
    #[error("cannot run {program} for a secret")]
    Failed {
        /// The program.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The program ended with an error.
    #[error("{program} gave no secret ({status})")]
    Refused {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// The program did not end.
    #[error("{program} gave no secret within {} s", LIMIT.as_secs())]
    TooSlow {
        /// The program.
        program: String,
    },
    /// Nothing was there.
    #[error("the secret is empty")]
    Empty,
}

impl SecretSourceError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::File(error) => error.hint(),
            Self::Empty => "write the secret into the file, or make the program print it".to_owned(),
            Self::Failed { program, .. } | Self::Refused { program, .. } | Self::TooSlow { program } => {
                format!("run {program} by hand to see what it says")
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::system::SystemClock;

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    async fn read(secret: &SecretSource) -> Result<Secret, SecretSourceError> {
        secret.read(&Environment::from_process(), &SystemClock).await
    }

    #[tokio::test]
    async fn the_first_line_a_program_prints_is_the_secret() {
        let secret = command(&["printf", "%s\\nsecond line\\n", "hunter2 $HOME"]);
        assert_eq!(read(&secret).await.unwrap(), Secret::new("hunter2 $HOME"));
    }

    #[tokio::test]
    async fn programs_that_fail_print_nothing_or_do_not_exist_are_told_apart() {
        assert!(matches!(read(&command(&["false"])).await, Err(SecretSourceError::Refused { .. })));
        assert!(matches!(read(&command(&["true"])).await, Err(SecretSourceError::Empty)));
        let missing = read(&command(&["/no/such/program"])).await;
        assert!(matches!(missing, Err(SecretSourceError::Failed { .. })));
    }

    #[tokio::test]
    async fn the_program_does_not_see_the_keys() {
        let environment = Environment::from_pairs([("BURSAR_MASTER_KEY", "hunter2"), ("OTHER", "x")]);
        let mut child = std::process::Command::new("sh");
        child.args(["-c", "echo ${BURSAR_MASTER_KEY-absent}"]).env("BURSAR_MASTER_KEY", "hunter2");
        scrub(&mut child, &environment);
        assert_eq!(child.output().unwrap().stdout, b"absent\n");
    }
}
