//! Arguments of `bursar serve`.

use std::net::SocketAddr;

use clap::Args;

use crate::server::PublicUrl;

/// `bursar serve`
#[derive(Debug, Args)]
pub struct ServeCommand {
    /// An address to listen on; may be repeated [default: port 8790 of both loopbacks]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub listen: Vec<SocketAddr>,
    /// The URL everybody knows the server by, which is its issuer too
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<PublicUrl>,
    /// Keep everything in memory: it is gone when the server stops
    #[arg(long)]
    pub ephemeral: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it as ADDRESS:PORT, such as 127.0.0.1:8790 or [::1]:8790".to_owned())
}

fn public_url(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).map_err(|error| error.to_string())
}
