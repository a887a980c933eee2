//! `bursar token` with a valid token at hand: a whole process, from its start to its end.

use std::path::Path;

use anyhow::{Result, ensure};
use misbehaving_provider::MisbehavingProvider;
use tokio::runtime::Runtime;

use crate::agent::Agent;
use crate::home::{Home, add_keys};
use crate::oidc_agent::OidcAgent;
use crate::processes::{Contestant, compete};
use crate::provider::account;
use crate::report::{Report, Table};
use crate::sample::milliseconds;

/// Times it beside `/bin/true`, which is what starting any process costs, and beside Debian's `oidc-token`.
pub(crate) fn measure(
    runtime: &Runtime,
    provider: &MisbehavingProvider,
    bursar: &Path,
    rounds: usize,
    report: &mut Report,
) -> Result<()> {
    // One with an agent, the other without: whoever finds a socket asks it.
    let [home, served] = [filled(runtime, provider, bursar), filled(runtime, provider, bursar)];
    let (home, served) = (home?, served?);
    let account = account(provider, "work")?;
    let _agent = Agent::start(bursar, &served, &account)?;
    let variables = home.variables();
    let program = bursar.display().to_string();
    let mut contestants = vec![
        Contestant::new("`/bin/true`", "/bin/true", &[], &[]),
        Contestant::new("`bursar token ACCOUNT`, no agent", &program, &["token", &account], &variables),
        Contestant::new("`bursar token ACCOUNT`, agent", &program, &["token", &account], &served.variables()),
        Contestant::new("`bursar --version`", &program, &["--version"], &variables),
    ];
    for contestant in &contestants[1..3] {
        let token = contestant.printed()?;
        ensure!(provider.is_live(token.trim()), "bursar printed a token that nobody knows");
    }
    let agent = OidcAgent::start(provider);
    match &agent {
        Ok(agent) => {
            let token = Contestant::new(
                "`oidc-token ACCOUNT`",
                "/usr/bin/oidc-token",
                &["bench"],
                &agent.variables(),
            );
            ensure!(
                provider.is_live(token.printed()?.trim()),
                "oidc-token printed a token that nobody knows"
            );
            contestants.push(token);
        }
        Err(error) => report.note(format!("oidc-token was not measured: {error:#}")),
    }
    compete(&mut contestants, rounds)?;

    let title = format!("A warm token, whole process, {rounds} rounds in turn");
    let head = ["process", "median", "p99", "shortest", "median above `/bin/true`", "times `/bin/true`"];
    let mut table = Table::new(title, &head);
    let floor = contestants[0].sample.median();
    for Contestant { name, sample, .. } in &contestants {
        let median = sample.median();
        table.row(vec![
            name.clone(),
            milliseconds(median),
            milliseconds(sample.p99()),
            milliseconds(sample.shortest()),
            milliseconds(median.saturating_sub(floor)),
            format!("{:.1}", median.as_secs_f64() / floor.as_secs_f64()),
        ]);
    }
    report.table(table);
    Ok(())
}

/// A home with a login at the provider and nine keys.
fn filled(runtime: &Runtime, provider: &MisbehavingProvider, bursar: &Path) -> Result<Home> {
    let home = Home::new()?;
    home.log_in(bursar, provider, "work")?;
    runtime.block_on(add_keys(&home.engine(None)?, 9))?;
    Ok(home)
}
