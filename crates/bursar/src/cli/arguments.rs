//! What can be typed: commands, arguments, options, and their help.

pub mod agent;
pub mod assertion;
pub mod client;
pub mod credential;
pub mod demo;
pub mod gateway;
pub mod grant;
pub mod handing_out;
pub mod jwt;
pub mod key;
pub mod moving;
pub mod resource;
pub mod sandbox;
pub mod serve;
pub mod shell;
pub mod user;
pub mod vault;

use std::path::PathBuf;

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::lifecycle::reference::Nickname;
use bursar_core::provider::duration::parse_duration;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use self::agent::AgentCommand;
use self::assertion::AssertionArguments;
use self::client::ClientCommand;
use self::credential::CredentialCommand;
use self::demo::DemoCommand;
use self::gateway::GatewayCommand;
use self::grant::{ExplainCommand, GrantCommand};
use self::handing_out::{ExecCommand, TokenCommand};
use self::jwt::JwtCommand;
use self::key::KeyCommand;
use self::moving::{BackupCommand, MigrateCommand, RestoreCommand};
use self::resource::ResourceCommand;
use self::sandbox::SandboxCommand;
use self::serve::ServeCommand;
use self::shell::EnvCommand;
use self::user::UserCommand;
use self::vault::VaultCommand;

/// Holds OAuth tokens, keeps them fresh, and hands them out.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, max_term_width = 80, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Print data as JSON.
    #[arg(long, global = true, display_order = LAST)]
    pub json: bool,
    /// Tell every decision on stderr; twice: everything.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = LAST)]
    pub verbose: u8,
    /// The sandbox to work in.
    #[arg(id = "in_sandbox", long = "sandbox", value_name = "SANDBOX", global = true, help = "Work in this sandbox [default: $BURSAR_SANDBOX]", display_order = LAST - 1, value_parser = SandboxName::parse)]
    pub sandbox: Option<SandboxName>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in to a provider, by name or by issuer URL
    Login(Box<LoginCommand>),
    /// Revoke a login at its provider and forget it
    Logout(LogoutCommand),
    /// List the accounts
    List(ListCommand),
    /// Show how every account is doing
    #[command(alias = "tokens")]
    Status(StatusCommand),
    /// Like status, but only the exit code
    Check(CheckCommand),
    /// Print an access token that is good for a while
    #[command(alias = "print-access-token")]
    Token(TokenCommand),
    /// Refresh now
    Refresh(RefreshCommand),
    /// Choose the account a provider's name stands for
    Use(UseCommand),
    /// Tell which account would be used, and why
    Which(WhichCommand),
    /// Run a command with tokens in its environment
    #[command(alias = "run")]
    Exec(ExecCommand),
    /// Print shell code that sets tokens as variables, and short commands
    Env(EnvCommand),
    /// Answer git, docker, kubectl and others in their own words
    Credential(CredentialCommand),
    /// Pass requests on with the right token in them
    Gateway(GatewayCommand),
    /// Issue tokens to your own clients: be the authorization server
    Serve(ServeCommand),
    /// Look after the programs that ask the server for tokens
    Client(Box<ClientCommand>),
    /// Look after the people who sign in at the server
    User(Box<UserCommand>),
    /// Look after the APIs that take the server's tokens
    Resource(Box<ResourceCommand>),
    /// Look after tenants: authorization servers of their own
    Sandbox(Box<SandboxCommand>),
    /// Look after the keys that sign the server's tokens
    Key(KeyCommand),
    /// See and take back what users let clients do
    Grant(GrantCommand),
    /// Tell why the server refused a request
    Explain(ExplainCommand),
    /// Sign, verify or read a JSON Web Token
    Jwt(JwtCommand),
    /// Keep every account fresh in the background
    Agent(AgentCommand),
    /// Open, close or renew the key to everything
    Vault(VaultCommand),
    /// Stop handing out an account; it is still kept fresh
    Pause(PauseCommand),
    /// Hand out a paused account again
    Resume(ResumeCommand),
    /// Remove logins that nobody can use any more
    Cleanup(CleanupCommand),
    /// Count what there is
    Stats(StatsCommand),
    /// Write everything to an encrypted file
    Backup(BackupCommand),
    /// Read a backup into an empty store
    Restore(RestoreCommand),
    /// Move everything to another store
    Migrate(MigrateCommand),
    /// Save what is readable from a damaged store
    Rebuild(RebuildCommand),
    /// Find out what is wrong
    Doctor(DoctorCommand),
    /// Show all of it at once, with a server that is gone at the end
    Demo(DemoCommand),
    /// Check, show or explain the configuration
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions(CompletionsCommand),
    /// Print the manual page of the program or of a command
    Man(ManCommand),
}

/// `bursar login`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each typed by name")]
pub struct LoginCommand {
    /// A provider of the catalogue, or the URL of an issuer or an MCP server
    pub target: String,
    /// The account's nickname
    #[arg(long = "as", value_name = "NICKNAME", value_parser = nickname)]
    pub nickname: Option<Nickname>,
    /// Show a code to enter on another device
    #[arg(long, conflicts_with_all = ["paste", "grant", "api_key_file"])]
    pub device: bool,
    /// Open the URL anywhere, then paste the address it ends at
    #[arg(long, conflicts_with_all = ["grant", "api_key_file"])]
    pub paste: bool,
    /// Print the URL instead of opening a browser
    #[arg(long)]
    pub no_browser: bool,
    /// The client id registered with the provider
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// A file with the client's secret or private key; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// A scope to ask for; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// A file with the `WWW-Authenticate` an MCP server answered: ask for what it wants; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub challenge_file: Option<PathBuf>,
    /// Log in although the issuer does not say that it knows PKCE (S256 is sent all the same)
    #[arg(long)]
    pub assume_pkce: bool,
    /// A resource the tokens are for (RFC 8707); may be repeated
    #[arg(long, value_name = "URL")]
    pub resource: Vec<String>,
    /// Bind the tokens to a key of this login (RFC 9449), even if the resource does not ask for it
    #[arg(long, conflicts_with_all = ["grant", "api_key_file", "device"])]
    pub dpop: bool,
    /// Log in without a person
    #[arg(long, value_enum, conflicts_with = "api_key_file")]
    pub grant: Option<MachineGrant>,
    /// With --grant jwt-bearer: a private key (PEM or JWK) or a Google service account's file; `-` reads stdin
    #[arg(long, value_name = "FILE", requires = "grant")]
    pub key_file: Option<PathBuf>,
    /// What the assertion says besides
    #[command(flatten)]
    pub assertion: AssertionArguments,
    /// Keep an API key or personal access token from this file; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// When the API key ends: a time (RFC 3339) or a duration such as 90d
    #[arg(long, value_name = "WHEN", requires = "api_key_file")]
    pub expires: Option<String>,
    /// A value for a variable of the provider, such as tenant=contoso
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    pub variables: Vec<(String, String)>,
    /// How long to wait for the person
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<SignedDuration>,
    /// The port the browser comes back to on this computer
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

/// Grants that need no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MachineGrant {
    /// With the client's own id and secret (RFC 6749 §4.4)
    ClientCredentials,
    /// With assertions signed by a key (RFC 7523 §2.1), as Google service accounts do
    JwtBearer,
}

/// `bursar logout`
#[derive(Debug, Args)]
pub struct LogoutCommand {
    /// The account, such as google or google:work
    pub account: String,
}

/// `bursar list`
#[derive(Debug, Args)]
pub struct ListCommand {
    /// Only this account, or the accounts of this provider
    pub account: Option<String>,
}

/// `bursar status`
#[derive(Debug, Args)]
pub struct StatusCommand {
    /// Only this account, or the accounts of this provider
    pub account: Option<String>,
    /// Show it again and again
    #[arg(long)]
    pub watch: bool,
    /// Show what will need a person, in order of date
    #[arg(long, conflicts_with_all = ["watch", "warn"])]
    pub calendar: bool,
    /// How often, with --watch [default: 30m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "watch")]
    pub interval: Option<SignedDuration>,
    /// What counts as expiring soon [default: 2h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warn: Option<SignedDuration>,
}

/// `bursar check`
#[derive(Debug, Args)]
pub struct CheckCommand {
    /// Only this account, or the accounts of this provider
    pub account: Option<String>,
    /// What counts as expiring soon [default: 2h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warn: Option<SignedDuration>,
    /// Ask the provider whether the token works
    #[arg(long)]
    pub live: bool,
}

/// `bursar refresh`
#[derive(Debug, Args)]
pub struct RefreshCommand {
    /// The account, or a provider for all of its accounts
    #[arg(required_unless_present_any = ["all", "expiring", "status"])]
    pub account: Option<String>,
    /// Every account
    #[arg(long, conflicts_with = "account")]
    pub all: bool,
    /// Only accounts whose access token ends within this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub expiring: Option<SignedDuration>,
    /// Show the status after it and exit as that does; alone, refresh what ends within 10h
    #[arg(long)]
    pub status: bool,
}

/// `bursar use`
#[derive(Debug, Args)]
pub struct UseCommand {
    /// The account, such as google:work
    pub account: String,
}

/// `bursar which`
#[derive(Debug, Args)]
pub struct WhichCommand {
    /// A provider, nickname, identity or reference; nothing: every provider
    pub account: Option<String>,
    /// Refuse an account that is not this one at its provider, by e-mail address
    /// or subject; may be repeated
    #[arg(long, value_name = "IDENTITY", value_parser = NonEmptyStringValueParser::new(), requires = "account")]
    pub expect: Vec<String>,
}

/// `bursar pause`
#[derive(Debug, Args)]
pub struct PauseCommand {
    /// The account, such as google:work
    pub account: String,
}

/// `bursar resume`
#[derive(Debug, Args)]
pub struct ResumeCommand {
    /// The account, such as google:work
    pub account: String,
}

/// `bursar cleanup`
#[derive(Debug, Args)]
pub struct CleanupCommand {
    /// Only tell what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Also remove logins not used for this long, such as 7d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub unused: Option<SignedDuration>,
    /// Instead of logins, what the server has issued and is over
    #[arg(long, conflicts_with = "unused")]
    pub issued: bool,
}

/// `bursar stats`
#[derive(Debug, Args)]
pub struct StatsCommand {
    /// Of what the server has issued
    #[arg(long, required = true)]
    pub issued: bool,
}

/// `bursar rebuild`
#[derive(Debug, Args)]
pub struct RebuildCommand {}

/// `bursar doctor`
#[derive(Debug, Args)]
pub struct DoctorCommand {
    /// Only these accounts and their providers
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Mend file modes that are too open
    #[arg(long)]
    pub mend: bool,
    /// Instead, try what real clients do at this MCP server or issuer; anybody's
    #[arg(long, value_name = "URL", conflicts_with_all = ["accounts", "mend"])]
    pub mcp: Option<String>,
    /// With --mcp: try only what needs nobody to sign in
    #[arg(long, requires = "mcp")]
    pub no_sign_in: bool,
    /// With --mcp: print the address to sign in at instead of opening a browser
    #[arg(long, requires = "mcp")]
    pub no_browser: bool,
    /// With --mcp: a public client that is registered there, where none can be made
    #[arg(long, value_name = "ID", requires = "mcp")]
    pub client_id: Option<String>,
    /// With --mcp: how long to wait for each sign-in
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "mcp")]
    pub timeout: Option<SignedDuration>,
}

/// `bursar config`
#[derive(Debug, Args)]
pub struct ConfigCommand {
    /// What about it
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What `bursar config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Read everything and tell the first mistake
    Check,
    /// Show every value and where it comes from
    Show,
    /// Explain every key, as Markdown
    Reference,
    /// Describe the API, as `OpenAPI`
    #[command(hide = true)]
    Openapi,
}

/// `bursar completions`
#[derive(Debug, Args)]
pub struct CompletionsCommand {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `bursar man`
#[derive(Debug, Args)]
pub struct ManCommand {
    /// The command whose page is wanted
    pub command: Option<String>,
}

/// What a script branches on; see [`crate::exit::Exit`].
const EXIT_CODES: &str = "\
Exit codes:
  0  ok                            5  temporarily unavailable
  1  error                         6  agent or remote unreachable
  2  usage, or cancelled           7  vault locked
  3  no such account               8  denied by policy
  4  a new login is required       9  expiring soon, or expired but refreshable";

/// Options that every command has stand below its own.
const LAST: usize = 900;

fn nickname(text: &str) -> Result<Nickname, String> {
    Nickname::parse(text).map_err(|error| error.to_string())
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}
