//! What the agent keeps in memory: anonymous pages, after it has refreshed a hundred accounts over TLS.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use misbehaving_provider::MisbehavingProvider;
use tokio::runtime::Runtime;

use crate::agent::{Agent, refresh_request, token_request};
use crate::arguments::Arguments;
use crate::home::Home;
use crate::line::{Place, Same, load};
use crate::provider::visit;
use crate::report::{Report, Table};
use crate::sign_in::{REDIRECT, log_in, plan};
use crate::tls_front::TlsFront;

/// Reads it at every stage of the agent's life.
pub(crate) fn measure(
    runtime: &Runtime,
    provider: &MisbehavingProvider,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let front = runtime.block_on(TlsFront::start(provider.address()))?;
    let home = Home::new()?;
    let authority = home.path("authority.pem");
    std::fs::write(&authority, &front.authority)?;
    home.configure(&format!("[network]\nca_file = \"{}\"\n", authority.display()))?;
    let accounts = runtime.block_on(log_in_all(&home, provider, &front))?;

    let agent = Agent::start(bursar, &home, &accounts[0])?;
    let mut table = Table::new(format!("The agent's memory, {ACCOUNTS} accounts"), &["after", "RssAnon"]);
    let mut row = |what: &str| {
        let mebibytes = agent.running.anonymous_memory()? * 10 / (1024 * 1024);
        table.row(vec![what.to_owned(), format!("{}.{} MiB", mebibytes / 10, mebibytes % 10)]);
        Ok::<_, anyhow::Error>(())
    };
    row("its first hand-out")?;
    let before = provider.refresh_successes();
    for account in &accounts {
        agent.ask(&refresh_request(account))?;
    }
    ensure!(provider.refresh_successes() == before + ACCOUNTS, "not every account was refreshed");
    row("100 refreshes over TLS")?;
    for account in &accounts {
        agent.ask(&token_request(account, "close"))?;
    }
    row("a hand-out of each")?;
    let mut callers = vec![Same(token_request(&accounts[0], "keep-alive")); CONNECTIONS];
    load(&Place::Socket(agent.socket.clone()), &mut callers, arguments.turn)?;
    row("a crowd of 200 connections")?;
    report.table(table);
    Ok(())
}

async fn log_in_all(home: &Home, provider: &MisbehavingProvider, front: &TlsFront) -> Result<Vec<String>> {
    let engine = home.engine(None)?;
    let plan = plan(&format!("{}/authorize", provider.issuer()), &format!("{}/token", front.origin))?;
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        let consent = |asked: &url::Url| {
            let end = visit(asked.as_str(), |url| url.as_str().starts_with(REDIRECT))?;
            end.query().map(str::to_owned).context("the redirect has no query")
        };
        accounts.push(log_in(&engine, &plan, &format!("person-{number}"), consent).await?.to_string());
    }
    Ok(accounts)
}

const ACCOUNTS: usize = 100;
const CONNECTIONS: usize = 200;
