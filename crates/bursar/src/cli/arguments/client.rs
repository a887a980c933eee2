//! Arguments of `bursar client`.

use std::path::PathBuf;

use bursar_core::oauth::server::client_metadata::GrantType;
use bursar_core::provider::duration::parse_duration;
use clap::{ArgAction, ArgGroup, Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

/// `bursar client`
#[derive(Debug, Args)]
pub struct ClientCommand {
    /// What about them
    #[command(subcommand)]
    pub action: ClientAction,
}

/// What `bursar client` can do.
#[derive(Debug, Subcommand)]
pub enum ClientAction {
    /// Add a client and print its id, and its secret this once
    Add(AddClientCommand),
    /// List the clients
    List(ListClientsCommand),
    /// Show one client
    Show(NamedClient),
    /// Change a client; what is not named stays as it is
    Update(UpdateClientCommand),
    /// Give a client another secret and print it, this once
    RenewSecret(RenewSecretCommand),
    /// Remove a client and end everything issued to it
    Remove(NamedClient),
}

/// A client by its id.
#[derive(Debug, Args)]
pub struct NamedClient {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `bursar client add`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("proof").args(["public", "confidential", "keys_file", "keys_url"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, as it was typed")]
pub struct AddClientCommand {
    /// What people call it
    #[arg(long)]
    pub name: String,
    /// Where answers to it may go; may be repeated
    #[arg(long = "redirect", value_name = "URI")]
    pub redirects: Vec<String>,
    /// It cannot keep a secret, such as a program on people's devices (default)
    #[arg(long)]
    pub public: bool,
    /// It proves itself with a secret, which is made and printed
    #[arg(long)]
    pub confidential: bool,
    /// It proves itself with a key; a file with its public keys (JWKS)
    #[arg(long, value_name = "FILE")]
    pub keys_file: Option<PathBuf>,
    /// The same with the address of its public keys
    #[arg(long, value_name = "URL")]
    pub keys_url: Option<String>,
    /// A way to get tokens; may be repeated [default: as the other options need]
    #[arg(long = "grant", value_name = "GRANT", value_enum)]
    pub grants: Vec<Grant>,
    /// A scope it may ask for; may be repeated [default: what the resources offer]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Where users may go after they signed out; may be repeated
    #[arg(long = "post-logout-redirect", value_name = "URI")]
    pub post_logout_redirects: Vec<String>,
    /// Where it is told that a user was signed out (OIDC Back-Channel Logout)
    #[arg(long, value_name = "URL")]
    pub backchannel_logout: Option<String>,
    /// Bind its tokens to a key (RFC 9449)
    #[arg(long)]
    pub dpop: bool,
    /// Let it keep its refresh tokens; only with --dpop
    #[arg(long, requires = "dpop")]
    pub no_rotation: bool,
}

/// `bursar client list`
#[derive(Debug, Args)]
pub struct ListClientsCommand {
    /// List those that were removed as well
    #[arg(long)]
    pub removed: bool,
}

/// `bursar client update`
#[derive(Debug, Args)]
pub struct UpdateClientCommand {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
    /// What people call it
    #[arg(long)]
    pub name: Option<String>,
    /// Where answers to it may go, instead of all before; may be repeated
    #[arg(long = "redirect", value_name = "URI")]
    pub redirects: Option<Vec<String>>,
    /// A way to get tokens, instead of all before; may be repeated
    #[arg(long = "grant", value_name = "GRANT", value_enum)]
    pub grants: Option<Vec<Grant>>,
    /// A scope it may ask for, instead of all before; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "any_scope")]
    pub scopes: Option<Vec<String>>,
    /// Let it ask for whatever the resources offer
    #[arg(long)]
    pub any_scope: bool,
    /// Where users may go after they signed out, instead of all before
    #[arg(long = "post-logout-redirect", value_name = "URI")]
    pub post_logout_redirects: Option<Vec<String>>,
    /// Where it is told that a user was signed out; empty: nowhere
    #[arg(long, value_name = "URL")]
    pub backchannel_logout: Option<String>,
    /// Whether its tokens are bound to a key
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub dpop: Option<bool>,
    /// Whether its refresh tokens are replaced with every use
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub rotation: Option<bool>,
}

/// `bursar client renew-secret`
#[derive(Debug, Args)]
pub struct RenewSecretCommand {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
    /// How long the old secret works beside the new one; 0s: not at all
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    pub overlap: SignedDuration,
}

/// A way to get tokens, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grant {
    /// A user agrees in a browser
    AuthorizationCode,
    /// Goes on without the user
    RefreshToken,
    /// In its own name
    ClientCredentials,
    /// A user agrees on another device
    DeviceCode,
}

impl Grant {
    /// What it is called in metadata.
    pub fn grant_type(self) -> GrantType {
        match self {
            Self::AuthorizationCode => GrantType::AuthorizationCode,
            Self::RefreshToken => GrantType::RefreshToken,
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::DeviceCode => GrantType::DeviceCode,
        }
    }
}
