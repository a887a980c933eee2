//! Arguments of `bursar demo`.

use std::net::SocketAddr;

use clap::Args;

/// `bursar demo`
#[derive(Debug, Args)]
pub struct DemoCommand {
    /// End after the show instead of leaving the server open to look at
    #[arg(long)]
    pub once: bool,
    /// Sign in and agree yourself, in your browser
    #[arg(long)]
    pub browser: bool,
    /// Where on this machine to listen [default: any free port of 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub listen: Option<SocketAddr>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let address: Option<SocketAddr> = text.parse().ok();
    // It has a password that everybody has seen, and no TLS.
    address.filter(|address| address.ip().is_loopback()).ok_or_else(|| {
        "write it as ADDRESS:PORT of this machine, such as 127.0.0.1:8790 or [::1]:8790".to_owned()
    })
}
