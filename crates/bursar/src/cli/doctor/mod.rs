//! `bursar doctor`: looks for everything that is known to go wrong, and says what to do about each.
//!
//! One check is one file with one or more [`finding::Finding`]s; the order is here. Nothing is changed without `--mend`,
//! and a check that cannot be made never stops the others.

mod accounts;
mod agent;
mod aside;
mod certificate;
mod clock;
mod dns;
mod drift;
mod finding;
mod holder;
mod hosts;
mod integrity;
mod keychain;
mod lifetimes;
mod locks;
mod mcp;
mod modes;
mod network;
mod notifications;
mod obstacle;
mod proxy;
mod proxy_connection;
mod selection;
mod service;
mod store;
mod vault;
mod work_tree;

use std::collections::BTreeMap;

use bursar_core::engine::Engine;
use bursar_core::engine::accounts::Overview;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::Warn;
use bursar_core::provider::Provider;
use futures::{FutureExt as _, join};
use url::Url;

use self::finding::{Finding, Verdict};
use super::arguments::DoctorCommand;
use super::printer::Printer;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::system::SystemClock;
use crate::wiring::{self, Caller, Seams, Wired};

/// Runs all checks. Exit 1 if one of them failed.
#[expect(clippy::needless_pass_by_value, reason = "the last owner of both")]
pub(super) fn run(
    command: &DoctorCommand,
    environment: Environment,
    printer: Printer,
) -> Result<Exit, Failure> {
    if let Some(url) = &command.mcp {
        return mcp::run(command, url, &environment, &printer);
    }
    let findings = match Paths::resolve(&environment) {
        Ok(paths) => examine(command, &environment, &paths)?,
        Err(error) => vec![Finding::failure("paths", error.into())],
    };
    if printer.json {
        printer.document(&findings.iter().map(Finding::document).collect());
    } else {
        printer.data(&findings.iter().map(Finding::text).collect::<String>());
    }
    let number = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (warnings, failures) = (number(Verdict::Warn), number(Verdict::Fail));
    printer.say(&format!("{} checks, {warnings} to look at, {failures} failed", findings.len()));
    Ok(if failures > 0 { Exit::Error } else { Exit::Ok })
}

fn examine(
    command: &DoctorCommand,
    environment: &Environment,
    paths: &Paths,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = modes::check(paths, command.mend);
    findings.push(work_tree::check(paths));
    let (finding, config) = configuration(environment, paths)?;
    findings.push(finding);
    findings.extend(proxy::check(environment, &config));
    let proxies = proxy::settings(environment, &config);
    findings.extend(locks::check(&paths.locks()));
    findings.push(service::check(environment, paths));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    findings.extend(runtime.block_on(surroundings(environment, paths, proxies)));
    if config.store.database.is_none() && !paths.database().exists() {
        findings.push(store::absent(&paths.database()));
        findings.push(runtime.block_on(keychain::check(environment, paths, &config)));
        return Ok(findings);
    }
    let wired = Box::pin(wiring::wire(environment, paths, &config, Caller::Program, Seams::default()));
    match runtime.block_on(wired) {
        Ok(wired) => {
            runtime.block_on(with_store(command, &wired, environment, paths, &config, &mut findings))?;
        }
        Err(error) => findings.push(store::closed(error)),
    }
    Ok(findings)
}

/// What is asked of others on this computer, all at the same time.
async fn surroundings(
    environment: &Environment,
    paths: &Paths,
    proxies: Vec<(String, String)>,
) -> Vec<Finding> {
    let clock = SystemClock;
    let (mut findings, agent, notifications) = join!(
        proxy_connection::check(&clock, proxies),
        agent::check(paths.socket(), &clock),
        notifications::check(environment, &clock),
    );
    findings.extend([agent, notifications]);
    findings
}

/// The configuration, or the built-in one if there is a mistake in it, so that the other checks can go on.
fn configuration(environment: &Environment, paths: &Paths) -> Result<(Finding, Config), Failure> {
    const NAME: &str = "configuration";
    let error = match Config::load(environment, paths) {
        Ok(config) => return Ok((Finding::ok(NAME, "the configuration is fine"), config)),
        Err(error) => error,
    };
    let failure = Failure::of(Exit::Usage, &error).hint(error.hint());
    // A folder without a file has the built-in configuration.
    let nowhere = paths.locks().join("nothing");
    let nowhere = Paths::resolve(&Environment::from_pairs([("BURSAR_HOME", &*nowhere.to_string_lossy())]))?;
    Ok((Finding::failure(NAME, failure), Config::load(&Environment::default(), &nowhere)?))
}

async fn with_store(
    command: &DoctorCommand,
    wired: &Wired,
    environment: &Environment,
    paths: &Paths,
    config: &Config,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let engine = &wired.engine;
    let (finding, overview) = store::check(engine, &store::place(paths, config)).await;
    findings.push(finding);
    let Some(overview) = overview else { return Ok(()) };
    if wired.is_embedded() {
        findings.extend(integrity::check(paths, &*engine.ports().clock).await);
    }
    match vault::check(engine, &wired.keys).await {
        Some(finding) => findings.push(finding),
        None => findings.push(keychain::check(environment, paths, config).await),
    }
    let chosen = chosen(engine, &overview, &command.accounts)?;
    let providers = providers(engine, &chosen, findings).await;
    let ports = engine.ports();
    // A proxy resolves names and makes connections itself: what is seen without it says nothing.
    let direct: Vec<Provider> = if proxy::settings(environment, config).is_empty() {
        providers.iter().filter(|provider| provider.proxy.is_none()).cloned().collect()
    } else {
        Vec::new()
    };
    let look = |url: Url| {
        let direct = direct.iter().any(|provider| calls(provider, &url));
        let clock = &*ports.clock;
        async move {
            if direct {
                aside::aside(clock, obstacle::LONGEST, move || obstacle::find(&url)).await?
            } else {
                None
            }
        }
        .boxed()
    };
    let (names, reached, drifted) = join!(
        dns::check(&*ports.clock, &direct),
        network::check(&*ports.upstream, &*ports.clock, &providers, &look),
        drift::check(engine, &providers),
    );
    findings.extend(names);
    findings.extend(reached.findings);
    findings.extend(clock::check(reached.skews));
    findings.extend(drifted);
    let (warn, now) =
        (Warn { access: config.status.warn, grant: config.status.warn_grant }, ports.clock.now());
    findings.extend(accounts::check(&chosen, warn, now));
    findings.extend(lifetimes::check(&chosen, &providers));
    findings.extend(selection::check(environment, config, &overview, warn, now));
    findings.extend(hosts::check(&providers));
    Ok(())
}

/// Whether the provider has an endpoint at this address.
fn calls(provider: &Provider, url: &Url) -> bool {
    provider.endpoints.declared().any(|(_, endpoint)| endpoint.url().is_ok_and(|known| known.as_url() == url))
}

/// The accounts the command names, or all.
fn chosen<'a>(
    engine: &Engine,
    overview: &'a Overview,
    wanted: &[String],
) -> Result<Vec<&'a Account>, Failure> {
    if wanted.is_empty() {
        return Ok(overview.accounts.iter().collect());
    }
    let mut chosen = Vec::new();
    for wanted in wanted {
        let wanted = engine.alias(wanted).unwrap_or_else(|| wanted.clone());
        chosen.extend(overview.select_all(&wanted)?);
    }
    Ok(chosen)
}

/// The descriptions of the chosen accounts' providers, each once for each set of variables.
async fn providers(engine: &Engine, chosen: &[&Account], findings: &mut Vec<Finding>) -> Vec<Provider> {
    let distinct: BTreeMap<(String, &BTreeMap<String, String>), &Account> = chosen
        .iter()
        .map(|account| ((account.reference.provider.to_string(), &account.variables), *account))
        .collect();
    let mut providers = Vec::new();
    for account in distinct.into_values() {
        let id = &account.reference.provider;
        let remedy = "check the provider's entry in `providers_dir`, or log in again with `bursar login`";
        match engine.provider(id).await.map(|provider| provider.resolve(&account.variables)) {
            Ok(Ok(provider)) => providers.push(provider),
            Ok(Err(error)) => findings.push(Finding::fail("provider", format!("{id}: {error}"), remedy)),
            Err(error) => findings.push(Finding::fail("provider", format!("{id}: {error}"), remedy)),
        }
    }
    providers
}
