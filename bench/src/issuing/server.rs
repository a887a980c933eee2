//! `bursar serve`.

use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::{Deserializer, Value};
use url::Url;

use super::contest::Host;
use super::ground::ISSUER;
use crate::home::Home;
use crate::running::{Running, SERVER_CORE, pinned};

/// Starts it on the core of whatever is measured.
pub(super) fn start(bursar: &Path, home: &Home) -> Result<Host> {
    let mut command = pinned(SERVER_CORE, bursar);
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--public-url", ISSUER]);
    let (running, said) = first_document(command.env_clear().envs(home.variables()))?;
    let url = said["urls"][0].as_str().context("the server listens nowhere")?;
    Ok(Host { address: address_of(&Url::parse(url)?)?, running })
}

/// Where somebody listens who is reached by `url`.
pub(super) fn address_of(url: &Url) -> Result<SocketAddr> {
    url.socket_addrs(|| None)?.first().copied().context("an address without a port")
}

/// Starts `command` and waits for the JSON document it prints first.
pub(super) fn first_document(command: &mut Command) -> Result<(Running, Value)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let stdout = child.stdout.take().context("its standard output is a pipe")?;
    let running = Running { child };
    let said = Deserializer::from_reader(BufReader::new(stdout)).into_iter().next();
    Ok((running, said.context("it ended without a word")??))
}
