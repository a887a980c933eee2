//! Signed tokens for a client in its own name.

use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::contest::{Contestant, MANY, PEER, compete, table};
use super::ground::{Ground, SCOPE, SIGNED, TOKEN};
use super::limit::Limit;
use super::peer::{self, OidcProvider};
use super::question::Question;
use super::server;
use crate::arguments::Arguments;
use crate::limit_work::Work;
use crate::line::Same;
use crate::report::Report;

/// Times all in turn, on one connection and on many.
pub(crate) fn measure(
    runtime: &Runtime,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let ground = Ground::new(runtime, 0)?;
    let server = server::start(bursar, &ground.home)?;
    let peer = OidcProvider::start()?;
    let fields = vec![("grant_type", "client_credentials"), ("scope", SCOPE), ("resource", SIGNED)];
    let ours = Question { path: TOKEN, client: Some(ground.service()), fields: fields.clone() };
    let theirs = Question { path: peer::TOKEN, client: Some(peer::SERVICE), fields };
    let limit = Limit::start(Work::Sign, &ours.ask(server.address)?)?;
    let callers = |question: &Question<'_>| vec![Same(question.bytes()); MANY];
    let mut contestants = [
        Contestant::new("bare hyper, one signature", &limit.host, callers(&ours)),
        Contestant::new("bursar", &server, callers(&ours)),
        Contestant::new(PEER, &peer.host, callers(&theirs)),
    ];
    let mut table = table("Client credentials, JWT signed with EdDSA", arguments);
    for connections in [1, MANY] {
        compete(&mut contestants, connections, arguments, &mut table)?;
    }
    report.table(table);
    Ok(())
}
