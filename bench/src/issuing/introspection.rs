//! What a resource asks about tokens, no two of which are the same.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::callers::{Asking, Collecting};
use super::contest::{Contestant, MANY, PEER, compete, table};
use super::ground::{Ground, INTROSPECTION, OPAQUE, SCOPE, SIGNED, TOKEN};
use super::limit::Limit;
use super::peer::{self, OidcProvider};
use super::question::{Question, member};
use super::server;
use crate::arguments::Arguments;
use crate::limit_work::Work;
use crate::line::{Place, load};
use crate::report::Report;

/// Times all in turn, on one connection and on many, first with opaque tokens, then with signed ones.
pub(crate) fn measure(
    runtime: &Runtime,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let ground = Ground::new(runtime, 0)?;
    let server = server::start(bursar, &ground.home)?;
    let peer = OidcProvider::start()?;
    let ours = Counter {
        address: server.address,
        token: TOKEN,
        introspection: INTROSPECTION,
        client: ground.service(),
    };
    let theirs = Counter {
        address: peer.host.address,
        token: peer::TOKEN,
        introspection: peer::INTROSPECTION,
        client: peer::SERVICE,
    };

    let questions = ours.questions(OPAQUE)?;
    let limit = Limit::start(Work::Nothing, &ours.answer(OPAQUE)?)?;
    let mut contestants = [
        Contestant::new("bare hyper, the same bytes", &limit.host, callers(&questions)),
        Contestant::new("bursar", &server, callers(&questions)),
        Contestant::new(PEER, &peer.host, callers(&theirs.questions(OPAQUE)?)),
    ];
    let mut opaque = table("Introspection, opaque tokens", arguments);
    for connections in [1, MANY] {
        compete(&mut contestants, connections, arguments, &mut opaque)?;
    }
    report.table(opaque);

    let questions = ours.questions(SIGNED)?;
    let limit = Limit::start(Work::Verify, &ours.answer(SIGNED)?)?;
    let mut contestants = [
        Contestant::new("bare hyper, one verification", &limit.host, callers(&questions)),
        Contestant::new("bursar", &server, callers(&questions)),
    ];
    let mut signed = table("Introspection, JWTs signed with EdDSA, all distinct", arguments);
    for connections in [1, MANY] {
        compete(&mut contestants, connections, arguments, &mut signed)?;
    }
    report.table(signed);
    Ok(())
}

fn callers(questions: &[Vec<u8>]) -> Vec<Asking> {
    let apart = questions.len() / MANY;
    (0..MANY).map(|number| Asking::new(questions.to_vec(), number * apart)).collect()
}

/// Where tokens are given and asked about.
#[derive(Clone, Copy)]
struct Counter<'a> {
    address: SocketAddr,
    token: &'a str,
    introspection: &'a str,
    client: (&'a str, &'a str),
}

impl Counter<'_> {
    /// Questions about as many different tokens as can be had in a moment.
    fn questions(&self, resource: &str) -> Result<Vec<Vec<u8>>> {
        let mut collecting = [Collecting { question: self.wish(resource).bytes(), tokens: Vec::new() }];
        load(&Place::Address(self.address), &mut collecting, COLLECTING)?;
        let [Collecting { tokens, .. }] = collecting;
        Ok(tokens.iter().map(|token| self.about(token).bytes()).collect())
    }

    /// An answer about one.
    fn answer(&self, resource: &str) -> Result<Vec<u8>> {
        let answer = self.wish(resource).ask(self.address)?;
        self.about(member(&answer, "access_token")?).ask(self.address)
    }

    fn wish<'a>(&'a self, resource: &'a str) -> Question<'a> {
        let fields = vec![("grant_type", "client_credentials"), ("scope", SCOPE), ("resource", resource)];
        Question { path: self.token, client: Some(self.client), fields }
    }

    fn about<'a>(&'a self, token: &'a str) -> Question<'a> {
        Question { path: self.introspection, client: Some(self.client), fields: vec![("token", token)] }
    }
}

/// Long enough for thousands at the quickest server, and hundreds at the slowest.
const COLLECTING: Duration = Duration::from_millis(300);
