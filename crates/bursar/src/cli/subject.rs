//! What a command is about, which decides on whose store it works and what a sandbox means to it.

use bursar_core::engine::sandboxes::SandboxName;

use super::arguments::Command;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Held accounts: those of the installation, or of a sandbox.
    Accounts,
    /// An authorization server: that of the installation, or of a sandbox. It works on the server's store.
    Server,
    /// Everything the server keeps, its sandboxes included. It works on the server's store.
    Everything,
    /// What has nothing to do with any sandbox.
    Machine,
}

impl Subject {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Client(_)
            | Command::User(_)
            | Command::Resource(_)
            | Command::Key(_)
            | Command::Grant(_)
            | Command::Explain(_)
            | Command::Stats(_) => Self::Server,
            Command::Cleanup(command) if command.issued => Self::Server,
            Command::Sandbox(_) | Command::Backup(_) | Command::Restore(_) | Command::Migrate(_) => {
                Self::Everything
            }
            Command::Env(command) if command.prints_a_snippet() => Self::Machine,
            Command::Login(_)
            | Command::Logout(_)
            | Command::List(_)
            | Command::Status(_)
            | Command::Check(_)
            | Command::Token(_)
            | Command::Refresh(_)
            | Command::Use(_)
            | Command::Which(_)
            | Command::Exec(_)
            | Command::Env(_)
            | Command::Credential(_)
            | Command::Gateway(_)
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Cleanup(_) => Self::Accounts,
            Command::Serve(_)
            | Command::Jwt(_)
            | Command::Agent(_)
            | Command::Vault(_)
            | Command::Rebuild(_)
            | Command::Doctor(_)
            | Command::Demo(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man(_) => Self::Machine,
        }
    }

    /// Whether the store is the one a server here would open; sandboxes are nowhere else.
    pub(super) fn is_on_the_servers_store(self, sandbox: Option<&SandboxName>) -> bool {
        matches!(self, Self::Server | Self::Everything) || sandbox.is_some()
    }

    /// The sandbox it is about if nobody has chosen one. What is configured of a server moves nobody's accounts.
    pub(super) fn usual_sandbox(self, config: &Config) -> Option<&SandboxName> {
        config.server.sandbox.as_ref().filter(|_| self == Self::Server)
    }
}

/// The sandbox that somebody has chosen for a command about `subject`: on its line, or else for all commands started from
/// here.
pub(super) fn chosen_sandbox(
    typed: Option<&SandboxName>,
    subject: Subject,
    environment: &Environment,
) -> Result<Option<SandboxName>, Failure> {
    if matches!(subject, Subject::Accounts | Subject::Server) {
        return match (typed, environment.text(SANDBOX)) {
            (Some(name), _) => Ok(Some(name.clone())),
            (None, Some(text)) => SandboxName::parse(text).map(Some).map_err(|error| {
                Failure::of(Exit::Usage, &error).hint(format!("correct the variable {SANDBOX}"))
            }),
            (None, None) => Ok(None),
        };
    }
    match typed {
        Some(_) => Err(Failure::new(Exit::Usage, "this command works in no sandbox")
            .hint("leave `--sandbox` out; `bursar help sandbox` tells what can be done with one")),
        None => Ok(None),
    }
}

/// The variable that chooses a sandbox for every command that works in one.
pub(crate) const SANDBOX: &str = "BURSAR_SANDBOX";

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::arguments::Arguments;

    fn chosen(line: &str, variable: &str) -> Result<Option<String>, Failure> {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        let environment = Environment::from_pairs([(SANDBOX, variable)]);
        let subject = Subject::of(&arguments.command);
        let chosen = chosen_sandbox(arguments.sandbox.as_ref(), subject, &environment)?;
        Ok(chosen.map(String::from))
    }

    #[test]
    fn what_is_typed_comes_before_the_variable_and_neither_reaches_the_machine_itself() {
        let some = |name: &str| Some(name.to_owned());
        for line in ["bursar token a", "bursar list", "bursar cleanup", "bursar client list"] {
            assert_eq!(chosen(line, "").unwrap(), None, "{line}");
            assert_eq!(chosen(line, "dev").unwrap(), some("dev"), "{line}");
            assert_eq!(chosen(&format!("{line} --sandbox ci"), "dev").unwrap(), some("ci"), "{line}");
            assert_eq!(chosen(line, "No such").unwrap_err().exit, Exit::Usage, "{line}");
        }
        for line in ["bursar serve", "bursar vault status", "bursar sandbox list", "bursar env --functions"] {
            assert_eq!(chosen(line, "dev").unwrap(), None, "{line}");
            assert_eq!(chosen(&format!("{line} --sandbox ci"), "").unwrap_err().exit, Exit::Usage, "{line}");
        }
    }
}
