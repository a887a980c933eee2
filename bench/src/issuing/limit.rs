//! The limit: a server that does only what nobody can leave out, and answers the same bytes.

use anyhow::Result;

use super::contest::Host;
use crate::limit_work::Work;
use crate::running::{SERVER_CORE, limit_server};

/// A running one; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) host: Host,
    _folder: tempfile::TempDir,
}

impl Limit {
    /// Does `work`, then answers `answer`.
    pub(super) fn start(work: Work, answer: &[u8]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("answer");
        std::fs::write(&file, answer)?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let running = limit_server(SERVER_CORE, &address.to_string(), &file, work)?;
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Ok(Self { host: Host { address, running }, _folder: folder })
    }
}
