//! The short commands: `c N`, `ct N`, `ct-all` and `ct-refresh`.

use crate::cli::arguments::shell::Shell;
use crate::exit::{Exit, Failure};

/// Where the functions remember the account of their terminal; not exported, so that a program's children do not
/// believe to be that terminal.
pub(in crate::cli) const CURRENT: &str = "bursar_account";

/// The functions for one shell.
pub(in crate::cli) fn functions(shell: Shell) -> Result<&'static str, Failure> {
    match shell {
        Shell::Bash | Shell::Zsh => Ok(include_str!("snippets/bash.sh")),
        Shell::Sh => Ok(include_str!("snippets/posix.sh")),
        Shell::Fish => Ok(include_str!("snippets/fish.fish")),
        Shell::PowerShell => Ok(include_str!("snippets/powershell.ps1")),
        Shell::Nushell => Err(Failure::new(Exit::Usage, "there are no short commands for Nushell yet")
            .hint("use `load-env (bursar env --switch ACCOUNT --shell nushell | from json)`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_uses_the_name_that_switching_sets() {
        for shell in [Shell::Bash, Shell::Sh, Shell::Fish, Shell::PowerShell] {
            assert!(functions(shell).unwrap().contains(CURRENT), "{shell:?}");
        }
    }
}
