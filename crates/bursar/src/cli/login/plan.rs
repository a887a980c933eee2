//! Everything that is settled before a login begins: the client, its secret, scopes and variables.
//!
//! The command line wins, then the configuration, then what an earlier login used, then the provider's entry. So the
//! `bursar login PROVIDER --as NICKNAME` that error messages name works as it stands.

use std::collections::BTreeMap;
use std::path::Path;

use bursar_core::engine::login::LoginPlan;
use bursar_core::lifecycle::account::{Account, LoginMethod};
use bursar_core::oauth::client_authentication::Method;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::provider::{Provider, VariableError};
use bursar_core::secret::Secret;

use super::target::Target;
use crate::cli::app::App;
use crate::cli::arguments::LoginCommand;
use crate::cli::token::read_secret;
use crate::config::client_secret::{ClientSecret, ClientSecretError};
use crate::config::meaning::ProviderConfig;
use crate::exit::{Exit, Failure};

pub(super) async fn settle(app: &App, command: &LoginCommand, target: Target) -> Result<LoginPlan, Failure> {
    let config = configured(app, command, &target.provider);
    let earlier = earlier(app, command, &target.provider).await?;
    let variables = variables(command, &config, earlier.as_ref());
    let mut provider =
        target.provider.resolve(&variables).map_err(|error| refused_variable(command, &error))?;
    if config.proxy.is_some() {
        provider.proxy.clone_from(&config.proxy);
    }
    let asked = asked_scopes(command)?;
    let scopes = if asked.is_empty() { config.scopes.clone().unwrap_or_default() } else { asked };
    let mut plan = LoginPlan {
        variables,
        issuer: target.issuer,
        client_id: String::new(),
        client_secret: None,
        scopes,
        resource: resources(command, earlier.as_ref())?,
        nickname: command.nickname.clone(),
        provider,
    };
    if command.api_key_file.is_none() {
        plan.client_id = client_id(command, &config, earlier.as_ref(), &plan.provider)?;
        plan.client_secret = client_secret(app, command, &config).await?;
        demand_secret(command, &plan, earlier.as_ref())?;
    }
    Ok(plan)
}

/// What `[providers.NAME]` says, by the entry's name or by the one that was typed.
fn configured(app: &App, command: &LoginCommand, provider: &Provider) -> ProviderConfig {
    let sections = &app.config.providers;
    let names = [provider.id.as_str(), command.target.as_str()];
    names.iter().find_map(|name| sections.get(*name)).cloned().unwrap_or_default()
}

/// The account this login renews, or a sibling whose client serves as well; `None` if they do not agree.
async fn earlier(app: &App, command: &LoginCommand, provider: &Provider) -> Result<Option<Account>, Failure> {
    let overview = app.engine.overview().await?;
    let siblings: Vec<Account> = overview
        .accounts
        .into_iter()
        .filter(|account| account.reference.provider == provider.id && account.method != LoginMethod::ApiKey)
        .collect();
    let named = |account: &&Account| {
        command.nickname.as_ref().is_some_and(|nickname| {
            account.reference.nickname.as_str().eq_ignore_ascii_case(nickname.as_str())
        })
    };
    if let Some(account) = siblings.iter().find(named) {
        return Ok(Some(account.clone()));
    }
    let first = siblings.first().cloned();
    Ok(first.filter(|first| {
        siblings.iter().all(|other| other.client == first.client && other.variables == first.variables)
    }))
}

fn variables(
    command: &LoginCommand,
    config: &ProviderConfig,
    earlier: Option<&Account>,
) -> BTreeMap<String, String> {
    let mut variables = earlier.map(|account| account.variables.clone()).unwrap_or_default();
    variables.extend(config.vars.clone());
    variables.extend(command.variables.iter().cloned());
    variables
}

fn refused_variable(command: &LoginCommand, error: &VariableError) -> Failure {
    let failure = Failure::of(Exit::Usage, error);
    match error {
        VariableError::Missing { name, example } => failure.hint(format!("add `--var {name}={example}`")),
        VariableError::Unknown { name, known } if known.is_empty() => {
            Failure::new(Exit::Usage, format!("{} has no variable `{name}`", command.target))
                .hint("it has none at all: leave `--var` out")
        }
        _ => failure.hint("write it as `--var NAME=VALUE`"),
    }
}

fn asked_scopes(command: &LoginCommand) -> Result<Vec<String>, Failure> {
    let separated = command.scopes.join(" ").replace(',', " ");
    let scope = Scope::parse(&separated).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("name scopes as `--scope read --scope write` or `--scope read,write`")
    })?;
    Ok(scope.iter().map(str::to_owned).collect())
}

/// A login that is renewed stays good for what it was good for.
fn resources(command: &LoginCommand, earlier: Option<&Account>) -> Result<Vec<String>, Failure> {
    for resource in &command.resource {
        // RFC 8707 §2: an absolute URI without fragment.
        EndpointUrl::parse(resource).map_err(|error| {
            Failure::of(Exit::Usage, &error)
                .hint("name a resource by its URL: `--resource https://api.example.com`")
        })?;
    }
    match earlier {
        Some(account) if command.resource.is_empty() => Ok(account.resource.clone()),
        _ => Ok(command.resource.clone()),
    }
}

fn client_id(
    command: &LoginCommand,
    config: &ProviderConfig,
    earlier: Option<&Account>,
    provider: &Provider,
) -> Result<String, Failure> {
    let known = earlier.map(|account| &account.client.id);
    let found =
        command.client_id.as_ref().or(config.client_id.as_ref()).or(known).or(provider.client.id.as_ref());
    match found.filter(|id| !id.is_empty()) {
        Some(id) => Ok(id.clone()),
        None => Err(no_client(command, provider)),
    }
}

fn no_client(command: &LoginCommand, provider: &Provider) -> Failure {
    let name = provider.display_name();
    let rules = &provider.client;
    let (host, path) = (rules.redirect_host.as_str(), &rules.redirect_path);
    let redirect = match (&rules.redirect_uri, rules.redirect_port) {
        (Some(page), _) => page.clone(),
        (None, Some(port)) => format!("http://{host}:{port}{path}"),
        (None, None) => format!("http://{host}{path}, any port"),
    };
    let place = provider.docs.as_ref().map_or_else(String::new, |docs| format!("; see {docs}"));
    Failure::new(Exit::Usage, format!("there is no client id for {name}")).hint(format!(
        "register a native app at {name} (redirect URI {redirect}{place}), then run \
         `bursar login {} --client-id ID`, or set `client_id` under {}",
        command.target,
        section(provider)
    ))
}

/// The provider's section of the configuration; a name with dots stands in quotes there.
fn section(provider: &Provider) -> String {
    let id = provider.id.as_str();
    if id.contains('.') { format!("[providers.\"{id}\"]") } else { format!("[providers.{id}]") }
}

async fn client_secret(
    app: &App,
    command: &LoginCommand,
    config: &ProviderConfig,
) -> Result<Option<Secret>, Failure> {
    if let Some(path) = &command.client_secret_file {
        return read_private(app, path).await.map(Some);
    }
    let Some(place) = &config.client_secret else { return Ok(None) };
    let secret = place.read(&app.environment, &*app.engine.ports().clock).await;
    secret.map(Some).map_err(|error| unreadable(&error))
}

/// A secret from `-` (stdin), a pipe, or a file that nobody else can read.
pub(super) async fn read_private(app: &App, path: &Path) -> Result<Secret, Failure> {
    let is_stream = path == Path::new("-")
        || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_stream {
        return read_secret(path);
    }
    let file = ClientSecret::File(path.to_owned());
    file.read(&app.environment, &*app.engine.ports().clock).await.map_err(|error| match error {
        ClientSecretError::Empty => Failure::new(Exit::Usage, format!("`{}` is empty", path.display()))
            .hint("write the secret into the file, and nothing else"),
        other => unreadable(&other),
    })
}

fn unreadable(error: &ClientSecretError) -> Failure {
    Failure::of(Exit::Usage, error).hint(error.hint())
}

/// Says so before anything is sent, where a client without a secret can only be refused.
fn demand_secret(command: &LoginCommand, plan: &LoginPlan, earlier: Option<&Account>) -> Result<(), Failure> {
    let name = plan.provider.display_name();
    let had_one = earlier
        .is_some_and(|account| account.client.id == plan.client_id && account.client.method != Method::None);
    if plan.client_secret.is_some() {
        return Ok(());
    }
    let missing = if command.grant.is_some() {
        "client credentials need the client's secret or private key".to_owned()
    } else if !plan.provider.client.public {
        format!("{name} accepts no client without a secret")
    } else if had_one {
        // The one an earlier login used is sealed for that login.
        format!("the client {} has a secret, which is needed again", plan.client_id)
    } else {
        return Ok(());
    };
    Err(Failure::new(Exit::Usage, missing).hint(format!(
        "add `--client-secret-file FILE` (mode 0600, or `-` for stdin), or set `client_secret_file` under {}",
        section(&plan.provider)
    )))
}
