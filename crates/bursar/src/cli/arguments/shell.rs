//! Arguments of the commands made for shells.

use bursar_core::provider::duration::parse_duration;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, ValueEnum};
use jiff::SignedDuration;

use super::variable;

/// `bursar env`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("instead").args(["functions", "claude_hook", "switch", "reference"]))]
pub struct EnvCommand {
    /// The accounts whose tokens the shell gets
    #[arg(value_name = "ACCOUNT", required_unless_present_any = ["variables", "instead"])]
    pub accounts: Vec<String>,
    /// Set this variable to an account's token, besides the provider's own
    #[arg(long = "env", value_name = "NAME=ACCOUNT", value_parser = variable, conflicts_with = "instead")]
    pub variables: Vec<(String, String)>,
    /// The shell that runs what is printed [default: the one you are in]
    #[arg(long, value_enum)]
    pub shell: Option<Shell>,
    /// Take the variables away again; needs no token
    #[arg(long, conflicts_with = "instead")]
    pub unset: bool,
    /// The tokens must be good for at least this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with_all = ["unset", "instead"])]
    pub min_valid: Option<SignedDuration>,
    /// Refuse an account that is not this one at its provider, by e-mail address
    /// or subject; may be repeated
    #[arg(long, value_name = "IDENTITY", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "instead")]
    pub expect: Vec<String>,
    /// Print the short commands c, ct, ct-all and ct-refresh
    #[arg(long, conflicts_with = "accounts")]
    pub functions: bool,
    /// Print settings for Claude Code that check the accounts when it starts
    #[arg(long)]
    pub claude_hook: bool,
    /// Use this account, by name or number of the list, in this terminal only
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "accounts")]
    pub switch: Option<String>,
    /// Print the reference of this account; of this terminal's, if it is empty
    #[arg(long, value_name = "ACCOUNT", conflicts_with_all = ["accounts", "shell"])]
    pub reference: Option<String>,
}

/// A shell that can be given variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash
    Bash,
    /// The Z shell
    Zsh,
    /// Fish
    Fish,
    /// Any POSIX shell: dash, ksh, ash
    Sh,
    /// PowerShell of any version
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    /// Nushell, as JSON for its `from json`
    #[value(alias = "nu")]
    Nushell,
}

impl EnvCommand {
    /// Whether what is asked for is the same on every computer, so that a shell's start needs no store.
    pub(crate) fn prints_a_snippet(&self) -> bool {
        self.functions || self.claude_hook
    }
}
