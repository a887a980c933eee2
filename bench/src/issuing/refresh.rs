//! Refresh tokens that are replaced with every use, each connection with a login of its own.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::callers::Refreshing;
use super::contest::{Contestant, MANY, PEER, compete, table};
use super::ground::{Ground, TOKEN};
use super::limit::Limit;
use super::peer::{self, OidcProvider};
use super::question::Question;
use super::server;
use crate::arguments::Arguments;
use crate::limit_work::Work;
use crate::report::Report;

/// Times all in turn.
pub(crate) fn measure(
    runtime: &Runtime,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    // One more, for the answer that the limit gives.
    let ground = Ground::new(runtime, MANY + 1)?;
    let server = server::start(bursar, &ground.home)?;
    let peer = OidcProvider::start()?;
    let (first, others) = ground.refresh_tokens.split_first().unwrap_or((&ground.app, &[]));
    let limit = Limit::start(Work::Commit, &answer(server.address, &ground.app, first)?)?;
    let ours = || others.iter().map(|token| Refreshing::new(TOKEN, &ground.app, token)).collect();
    let theirs = peer.refresh_tokens.iter().map(|token| Refreshing::new(peer::TOKEN, peer::APP, token));
    let mut contestants = [
        Contestant::new("bare hyper, one signature, one row", &limit.host, ours()),
        Contestant::new("bursar", &server, ours()),
        Contestant::new(PEER, &peer.host, theirs.collect()),
    ];
    let title = "Refresh with rotation, JWT signed with EdDSA, SQLite FULL (`oidc-provider`: in memory)";
    let mut table = table(title, arguments);
    for connections in [1, MANY] {
        compete(&mut contestants, connections, arguments, &mut table)?;
    }
    report.table(table);
    Ok(())
}

fn answer(address: SocketAddr, client: &str, token: &str) -> Result<Vec<u8>> {
    let fields = vec![("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
    Question { path: TOKEN, client: None, fields }.ask(address)
}
