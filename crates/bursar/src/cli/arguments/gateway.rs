//! Arguments of `bursar gateway`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

/// `bursar gateway`
#[derive(Debug, Args)]
pub struct GatewayCommand {
    /// What about it; nothing: be the gateway, here and until stopped
    #[command(subcommand)]
    pub action: Option<GatewayAction>,
    /// The loopback address to listen on [default: 127.0.0.1:8791]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// What `bursar gateway` can do besides.
#[derive(Debug, Subcommand)]
pub enum GatewayAction {}
