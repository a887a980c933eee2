//! The same work on every store, turn by turn.

use std::path::Path;

use anyhow::Result;
use misbehaving_provider::MisbehavingProvider;
use tokio::runtime::Runtime;

use super::callers::Refreshing;
use super::contest::{Host, MANY};
use super::ground::{Ground, SCOPE, SIGNED, TOKEN};
use super::question::Question;
use super::server;
use crate::agent::{Agent, token_request};
use crate::arguments::Arguments;
use crate::databases::{Backend, Databases};
use crate::home::Home;
use crate::line::{Caller, Load, Place, Same, load};
use crate::provider::account;
use crate::report::{Report, Table};
use crate::sample::{Sample, microseconds, middle};

/// Times all of them, on many connections.
pub(crate) fn measure(
    runtime: &Runtime,
    provider: &MisbehavingProvider,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let title = format!(
        "Each store, {MANY} connections, {} turns of {:?}; bursar on one core, database servers where there is room",
        arguments.turns, arguments.turn
    );
    let mut table = Table::new(title, &["store", "work", "requests/s, median turn", "p50", "p99"]);
    // Each with servers of its own, so that nobody pays for what another has left behind.
    let mut stands = Vec::new();
    for backend in Backend::ALL {
        stands.push(Stand::set_up(runtime, provider, bursar, backend)?);
    }
    for turn in 0..=arguments.turns {
        for stand in &mut stands {
            // The first warms up.
            stand.take_turn(arguments, turn > 0)?;
        }
    }
    for stand in &stands {
        for (work, found) in WORKS.iter().zip(&stand.found) {
            table.row(vec![
                stand.name.clone(),
                (*work).to_owned(),
                format!("{:.0}", middle(&found.rates)),
                microseconds(found.sample.median()),
                microseconds(found.sample.p99()),
            ]);
        }
    }
    report.table(table);
    Ok(())
}

const WORKS: [&str; 3] = ["client credentials", "refresh", "hand-outs over the agent's socket"];

/// A server and an agent on one store, and those who ask them.
struct Stand {
    name: String,
    server: Host,
    agent: Agent,
    in_its_own_name: Vec<Same>,
    refreshing: Vec<Refreshing>,
    handed_out: Vec<Same>,
    found: [Found; 3],
    _ground: Ground,
    _databases: Databases,
}

#[derive(Default)]
struct Found {
    rates: Vec<f64>,
    sample: Sample,
}

impl Stand {
    fn set_up(
        runtime: &Runtime,
        provider: &MisbehavingProvider,
        bursar: &Path,
        backend: Backend,
    ) -> Result<Self> {
        let databases = Databases::start()?;
        let ground = Ground::at(runtime, Home::on(backend.variables(&databases))?, MANY)?;
        let server = server::start(bursar, &ground.home)?;
        ground.home.log_in(bursar, provider, "work")?;
        let account = account(provider, "work")?;
        let agent = Agent::start_pinned(bursar, &ground.home, &account)?;
        let fields = vec![("grant_type", "client_credentials"), ("scope", SCOPE), ("resource", SIGNED)];
        let question = Question { path: TOKEN, client: Some(ground.service()), fields };
        let tokens = ground.refresh_tokens.iter();
        Ok(Self {
            name: backend.name(&databases),
            in_its_own_name: vec![Same(question.bytes()); MANY],
            refreshing: tokens.map(|token| Refreshing::new(TOKEN, &ground.app, token)).collect(),
            handed_out: vec![Same(token_request(&account, "keep-alive")); MANY],
            found: Default::default(),
            server,
            agent,
            _ground: ground,
            _databases: databases,
        })
    }

    fn take_turn(&mut self, arguments: &Arguments, counts: bool) -> Result<()> {
        let (server, socket) =
            (Place::Address(self.server.address), Place::Socket(self.agent.socket.clone()));
        let [own, refresh, hand_out] = &mut self.found;
        own.add(&server, &mut self.in_its_own_name, arguments, counts)?;
        refresh.add(&server, &mut self.refreshing, arguments, counts)?;
        hand_out.add(&socket, &mut self.handed_out, arguments, counts)
    }
}

impl Found {
    fn add<C: Caller>(
        &mut self,
        place: &Place,
        callers: &mut [C],
        arguments: &Arguments,
        counts: bool,
    ) -> Result<()> {
        let Load { rate, sample } = load(place, callers, arguments.turn)?;
        if counts {
            self.rates.push(rate);
            self.sample.extend(sample);
        }
        Ok(())
    }
}
