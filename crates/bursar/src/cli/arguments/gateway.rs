//! Arguments of `bursar gateway`.

use std::net::SocketAddr;

use bursar_core::provider::duration::parse_duration;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

/// `bursar gateway`
#[derive(Debug, Args)]
pub struct GatewayCommand {
    /// What about it; nothing: be the gateway, here and until stopped
    #[command(subcommand)]
    pub action: Option<GatewayAction>,
    /// The loopback address to listen on [default: 127.0.0.1:8791]
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub listen: Option<SocketAddr>,
}

/// What `bursar gateway` can do besides.
#[derive(Debug, Subcommand)]
pub enum GatewayAction {
    /// Make, list and remove what callers show to the gateway
    Token(TokenCommand),
}

/// `bursar gateway token`
#[derive(Debug, Args)]
pub struct TokenCommand {
    /// What about them
    #[command(subcommand)]
    pub action: TokenAction,
}

/// What `bursar gateway token` can do.
#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// Make a token and print it, this once
    Add(AddTokenCommand),
    /// List the tokens, without what callers show
    List,
    /// End a token; running gateways refuse it at once
    Remove(RemoveTokenCommand),
}

/// `bursar gateway token add`
#[derive(Debug, Args)]
pub struct AddTokenCommand {
    /// A name for it, such as ci or the tool that uses it
    pub name: String,
    /// A route it opens; may be repeated [default: all]
    #[arg(long = "route", value_name = "ROUTE")]
    pub routes: Vec<String>,
    /// When it ends by itself, such as 30d [default: never]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub expires: Option<SignedDuration>,
}

/// `bursar gateway token remove`
#[derive(Debug, Args)]
pub struct RemoveTokenCommand {
    /// Its name
    pub name: String,
}

/// Tokens would cross the network in the open on any other address.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "write it as ADDRESS:PORT".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the gateway listens on loopback only, such as 127.0.0.1:8791".to_owned())
    }
}
