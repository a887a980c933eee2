//! Arguments of the commands that hand out tokens.

use std::path::PathBuf;

use bursar_core::provider::duration::parse_duration;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::SignedDuration;

use super::variable;

/// `bursar token`
#[derive(Debug, Args)]
pub struct TokenCommand {
    /// The account, such as google or google:work, or the URL it was logged in to by
    pub account: String,
    /// The token must be good for at least this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub min_valid: Option<SignedDuration>,
    /// A file with the token that was refused; `-` reads stdin
    #[arg(long, value_name = "FILE", conflicts_with = "no_check")]
    pub rejected_file: Option<PathBuf>,
    /// Print a whole Authorization header
    #[arg(long)]
    pub header: bool,
    /// Print the header fields of one request: Authorization, and the proof where
    /// the token is bound to a key
    #[arg(long, num_args = 2, value_names = ["METHOD", "URL"], conflicts_with = "header")]
    pub dpop: Option<Vec<String>>,
    /// What the resource wants to see in the proof, from its DPoP-Nonce
    #[arg(long, value_name = "NONCE", requires = "dpop")]
    pub dpop_nonce: Option<String>,
    /// Do not wait for a refresh
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// How long to wait for a refresh [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub wait: Option<SignedDuration>,
    /// Print the stored token without looking at its end
    #[arg(long)]
    pub no_check: bool,
    /// Refuse an account that is not this one at its provider, by e-mail address
    /// or subject; may be repeated
    #[arg(long, value_name = "IDENTITY", value_parser = NonEmptyStringValueParser::new())]
    pub expect: Vec<String>,
}

/// `bursar exec`
#[derive(Debug, Args)]
pub struct ExecCommand {
    /// The accounts whose tokens the command gets
    #[arg(
        value_name = "ACCOUNT",
        required_unless_present_any = ["variables", "token_files", "token_descriptors"]
    )]
    pub accounts: Vec<String>,
    /// Set this variable to an account's token, besides the provider's own
    #[arg(long = "env", value_name = "NAME=ACCOUNT", value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// Keep an account's token fresh in a file while the command runs; this
    /// variable is set to its path
    #[arg(long = "token-file", value_name = "NAME=ACCOUNT", value_parser = variable)]
    pub token_files: Vec<(String, String)>,
    /// Put an account's token into a pipe that the command inherits; this
    /// variable is set to its descriptor's number
    #[arg(long = "token-fd", value_name = "NAME=ACCOUNT", value_parser = variable)]
    pub token_descriptors: Vec<(String, String)>,
    /// Give the command a socket that answers for its accounts and no others;
    /// `bursar token` uses it by itself
    #[arg(long)]
    pub socket: bool,
    /// Print *** for every token in the command's output, which is a pipe then,
    /// even in a terminal
    #[arg(long)]
    pub mask: bool,
    /// The tokens must be good for at least this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub min_valid: Option<SignedDuration>,
    /// Refuse an account that is not this one at its provider, by e-mail address
    /// or subject; may be repeated
    #[arg(long, value_name = "IDENTITY", value_parser = NonEmptyStringValueParser::new())]
    pub expect: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
}
