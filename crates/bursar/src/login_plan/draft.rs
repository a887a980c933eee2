//! The client, its secret, scopes and variables of a login.
//!
//! What was asked for wins, then the configuration, then what an earlier login used, then the provider's entry. So the
//! `bursar login PROVIDER --as NICKNAME` that error messages name works as it stands.

use std::collections::BTreeMap;

use bursar_core::engine::Engine;
use bursar_core::engine::login::{Discovered, DiscoveredResource, LoginPlan};
use bursar_core::lifecycle::account::{Account, LoginMethod};
use bursar_core::lifecycle::reference::Nickname;
use bursar_core::oauth::challenge::ResourceHint;
use bursar_core::oauth::client_authentication::Method;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::provider::{Provider, VariableError};
use bursar_core::secret::Secret;

use super::{PlanError, Target};
use crate::config::Config;
use crate::config::meaning::ProviderConfig;
use crate::config::secret_source::SecretSource;

/// What somebody wants of a login.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// The provider's name or URL, as it was given.
    pub(crate) target: String,
    /// What the account shall be called.
    pub(crate) nickname: Option<Nickname>,
    /// The registered client.
    pub(crate) client_id: Option<String>,
    /// Scopes, each alone or several separated by spaces or commas.
    pub(crate) scopes: Vec<String>,
    /// Resources (RFC 8707).
    pub(crate) resource: Vec<String>,
    /// Bind the tokens to a key, even if nobody asks for that.
    pub(crate) binds_tokens: bool,
    /// What the resource answered to somebody's request.
    pub(crate) challenge: Option<ResourceHint>,
    /// Values for the provider's variables.
    pub(crate) variables: Vec<(String, String)>,
}

/// A plan whose client is still open.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) plan: LoginPlan,
    pub(super) config: ProviderConfig,
    pub(super) earlier: Option<Account>,
    pub(super) asked_client: Option<String>,
    pub(super) discovered: Option<Box<Discovered>>,
}

impl Draft {
    /// Settles variables, scopes and resources.
    pub(crate) async fn begin(
        engine: &Engine,
        config: &Config,
        wish: Wish,
        target: Target,
    ) -> Result<Self, PlanError> {
        let config = configured(config, &wish, &target.provider);
        let earlier = earlier(engine, &wish, &target).await?;
        let variables = variables(&wish, &config, earlier.as_ref());
        let mut provider =
            target.provider.resolve(&variables).map_err(|error| refused_variable(&wish, error))?;
        if config.proxy.is_some() {
            provider.proxy.clone_from(&config.proxy);
        }
        let discovered = target.discovered.as_deref();
        let resource = discovered.and_then(|found| found.resource.as_ref());
        let asked = asked_scopes(&wish)?;
        let scopes = if asked.is_empty() { config.scopes.clone().unwrap_or_default() } else { asked };
        let scopes = match resource {
            Some(_) => scopes_for_resource(&provider, &scopes, wish.challenge.as_ref(), earlier.as_ref())?,
            None => scopes,
        };
        let plan = LoginPlan {
            variables,
            // It may name itself with or without the slash at the end.
            issuer: discovered.map(|found| found.server.issuer.to_string()),
            resource_server: resource.map(|resource| resource.url.clone()),
            binds_tokens: wish.binds_tokens || resource.is_some_and(|resource| resource.wants_bound_tokens),
            client_id: String::new(),
            client_secret: None,
            scopes,
            resource: resources(&wish, resource, earlier.as_ref())?,
            nickname: wish.nickname,
            provider,
        };
        Ok(Self { plan, config, earlier, asked_client: wish.client_id, discovered: target.discovered })
    }

    /// Is a client only where somebody says so: with an assertion it need not say who it is (RFC 7523 §3.1).
    pub(crate) fn choose_client_if_named(&mut self) {
        let named = self.asked_client.as_ref().or(self.config.client_id.as_ref());
        self.plan.client_id = named.cloned().unwrap_or_default();
    }

    /// Where the configuration says that the client's secret is.
    pub(crate) fn configured_secret(&self) -> Option<&SecretSource> {
        self.config.client_secret.as_ref()
    }

    /// The client's secret or private key; without one, what the client was registered with stays.
    pub(crate) fn keep_secret(&mut self, secret: Option<Secret>) {
        if secret.is_some() {
            self.plan.client_secret = secret;
        }
    }

    /// Says so before anything is sent, where a client without a secret can only be refused; `alone`: no person logs
    /// in, but the client itself.
    pub(crate) fn demand_secret(&self, alone: bool) -> Result<(), PlanError> {
        let plan = &self.plan;
        let name = plan.provider.display_name();
        let had_one = self.earlier.as_ref().is_some_and(|account| {
            account.client.id == plan.client_id && account.client.method != Method::None
        });
        if plan.client_secret.is_some() {
            return Ok(());
        }
        let reason = if alone {
            "client credentials need the client's secret or private key".to_owned()
        } else if !plan.provider.client.public {
            format!("{name} accepts no client without a secret")
        } else if had_one {
            // The one an earlier login used is sealed for that login.
            format!("the client {} has a secret, which is needed again", plan.client_id)
        } else {
            return Ok(());
        };
        Err(PlanError::NoSecret { reason, provider: Box::new(plan.provider.clone()) })
    }

    /// The plan as it is now.
    pub(crate) fn into_plan(self) -> LoginPlan {
        self.plan
    }
}

/// What `[providers.NAME]` says, by the entry's name or by the one that was given.
fn configured(config: &Config, wish: &Wish, provider: &Provider) -> ProviderConfig {
    let sections = &config.providers;
    let names = [provider.id.as_str(), wish.target.as_str()];
    names.iter().find_map(|name| sections.get(*name)).cloned().unwrap_or_default()
}

/// The account this login renews, or a sibling whose client serves as well; `None` if they do not agree.
async fn earlier(engine: &Engine, wish: &Wish, target: &Target) -> Result<Option<Account>, PlanError> {
    let provider = &target.provider;
    if let Some(found) = &target.discovered
        && let Some(known) = engine.discovered(&provider.id).await?
        && known.issuer != found.server.issuer.as_str()
    {
        // The resource has moved to another issuer: what the one before granted and registered is none of this one's
        // business (MCP authorization specification, "authorization server binding").
        return Ok(None);
    }
    let overview = engine.overview().await?;
    let siblings: Vec<Account> = overview
        .accounts
        .into_iter()
        .filter(|account| account.reference.provider == provider.id && account.method != LoginMethod::ApiKey)
        .collect();
    let named = |account: &&Account| {
        wish.nickname.as_ref().is_some_and(|nickname| {
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

fn variables(wish: &Wish, config: &ProviderConfig, earlier: Option<&Account>) -> BTreeMap<String, String> {
    let mut variables = earlier.map(|account| account.variables.clone()).unwrap_or_default();
    variables.extend(config.vars.clone());
    variables.extend(wish.variables.iter().cloned());
    variables
}

fn refused_variable(wish: &Wish, error: VariableError) -> PlanError {
    match error {
        VariableError::Unknown { name, known } if known.is_empty() => {
            PlanError::NoVariables { target: wish.target.clone(), name }
        }
        error => PlanError::Variable(error),
    }
}

fn asked_scopes(wish: &Wish) -> Result<Vec<String>, PlanError> {
    let scope = Scope::parse(&wish.scopes.join(" ").replace(',', " "))?;
    Ok(scope.iter().map(str::to_owned).collect())
}

/// A login that is renewed stays good for what it was good for.
fn resources(
    wish: &Wish,
    found: Option<&DiscoveredResource>,
    earlier: Option<&Account>,
) -> Result<Vec<String>, PlanError> {
    for resource in &wish.resource {
        // RFC 8707 §2: an absolute URI without fragment.
        EndpointUrl::parse(resource)?;
    }
    Ok(match (found, earlier) {
        _ if !wish.resource.is_empty() => wish.resource.clone(),
        (Some(found), _) => found.indicator.iter().cloned().collect(),
        (None, Some(account)) => account.resource.clone(),
        (None, None) => Vec::new(),
    })
}

/// A resource asks for more when it finds out that more is needed, so what was granted before is asked for again
/// (MCP authorization specification, "step-up authorization"). What it misses although it was granted is not asked for
/// twice: that would never end.
fn scopes_for_resource(
    provider: &Provider,
    asked: &[String],
    challenge: Option<&ResourceHint>,
    earlier: Option<&Account>,
) -> Result<Vec<String>, PlanError> {
    let named = challenge.and_then(|hint| hint.scope.clone()).unwrap_or_default();
    let granted = earlier.map(|account| account.scope.clone()).unwrap_or_default();
    if let Some(account) = earlier
        && challenge.is_some_and(ResourceHint::wants_more_scope)
        && named.is_subset_of(&granted)
    {
        return Err(PlanError::AlreadyGranted { reference: account.reference.clone(), scope: named });
    }
    let usual = provider.authorize.default_scopes.as_slice();
    let asked = if asked.is_empty() && named.is_empty() { usual } else { asked };
    let wanted = granted.union(&Scope::from_answer(&asked.join(" "))).union(&named);
    Ok(wanted.iter().map(str::to_owned).collect())
}
