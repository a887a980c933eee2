//! The plan of a login from what was typed: secrets are read from where the command line says, and what is missing is
//! told as an option to add.

use std::path::Path;

use bursar_core::engine::login::LoginPlan;
use bursar_core::oauth::challenge::ResourceHint;
use bursar_core::provider::{Provider, VariableError};
use bursar_core::secret::Secret;

use crate::cli::app::App;
use crate::cli::arguments::{LoginCommand, MachineGrant};
use crate::cli::token::read_secret;
use crate::config::secret_source::{SecretSource, SecretSourceError};
use crate::exit::{Exit, Failure};
use crate::login_plan::{Draft, PlanError, Target, Wish, of_registration};
use crate::loopback::CallbackError;

pub(super) async fn settle(
    app: &App,
    command: &LoginCommand,
    target: Target,
    challenge: Option<ResourceHint>,
) -> Result<LoginPlan, Failure> {
    let told = |error: PlanError| told(command, error);
    let wish = Wish { challenge, ..wish(command) };
    let mut draft = Draft::begin(&app.engine, &app.config, wish, target).await.map_err(told)?;
    if command.grant == Some(MachineGrant::JwtBearer) {
        draft.choose_client_if_named();
        draft.keep_secret(client_secret(app, command, &draft).await?);
    } else if command.api_key_file.is_none() {
        refuse_signing_key(command)?;
        if command.grant.is_some() {
            draft.choose_named_client(&app.engine).await.map_err(told)?;
        } else {
            draft.choose_client(&app.engine, &app.config, command.port).await.map_err(told)?;
        }
        draft.keep_secret(client_secret(app, command, &draft).await?);
        draft.demand_secret(command.grant.is_some()).map_err(told)?;
    }
    Ok(draft.into_plan())
}

fn wish(command: &LoginCommand) -> Wish {
    Wish {
        target: command.target.clone(),
        nickname: command.nickname.clone(),
        client_id: command.client_id.clone(),
        scopes: command.scopes.clone(),
        resource: command.resource.clone(),
        variables: command.variables.clone(),
        binds_tokens: command.dpop,
        challenge: None,
    }
}

/// What the resource answered to somebody's request, from the file that holds its `WWW-Authenticate` field.
pub(super) async fn challenge(app: &App, command: &LoginCommand) -> Result<Option<ResourceHint>, Failure> {
    let Some(path) = &command.challenge_file else { return Ok(None) };
    let field = read_private(app, path).await?;
    let text = field.expose();
    // People copy the whole line.
    let value = match text.split_once(':') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("www-authenticate") => value,
        _ => text,
    };
    let unusable = |what: &str| {
        Failure::new(Exit::Usage, format!("`{}` {what}", path.display()))
            .hint("give the value of the `WWW-Authenticate` field that the server answered with")
    };
    let hint = ResourceHint::read(value).ok_or_else(|| unusable("is no challenge about tokens"))?;
    if hint.wants_more_scope() && hint.scope.is_none() {
        return Err(unusable("does not name the scope that is missing"));
    }
    Ok(Some(hint))
}

/// What is wrong, with the option that puts it right.
pub(super) fn told(command: &LoginCommand, error: PlanError) -> Failure {
    let hint = match &error {
        PlanError::Variable(VariableError::Missing { name, example }) => {
            format!("add `--var {name}={example}`")
        }
        PlanError::Variable(_) => "write it as `--var NAME=VALUE`".to_owned(),
        PlanError::NoVariables { .. } => "it has none at all: leave `--var` out".to_owned(),
        PlanError::Scope(_) => {
            "name scopes as `--scope read --scope write` or `--scope read,write`".to_owned()
        }
        PlanError::Resource(_) => {
            "name a resource by its URL: `--resource https://api.example.com`".to_owned()
        }
        PlanError::NoClient { provider } => registering(command, provider),
        PlanError::NoSecret { provider, .. } => format!(
            "add `--client-secret-file FILE` (mode 0600, or `-` for stdin), or set `client_secret_file` under {}",
            section(provider)
        ),
        PlanError::Registration(_) => {
            format!("register a client by hand, then run `bursar login {} --client-id ID`", command.target)
        }
        PlanError::Callback(error) => match error {
            CallbackError::PortTaken { .. } => "choose another with `--port PORT`".to_owned(),
            CallbackError::Bind { .. } | CallbackError::TimedOut { .. } => error.hint().to_owned(),
        },
        PlanError::AlreadyGranted { reference, .. } => format!(
            "see what it has with `bursar token {reference} --json`; only the operator can say what is really wanted"
        ),
        PlanError::NotByDevice { provider, .. } => format!(
            "log in by browser or with `--paste`; with a code it gives: {}",
            provider.device.allowed_scopes.join(", ")
        ),
        PlanError::Store(_) => String::new(),
    };
    match error {
        PlanError::Store(error) => error.into(),
        PlanError::Registration(error) => of_registration(*error, &hint),
        PlanError::AlreadyGranted { .. } => Failure::of(Exit::Denied, &error).hint(hint),
        error => Failure::of(Exit::Usage, &error).hint(hint),
    }
}

fn registering(command: &LoginCommand, provider: &Provider) -> String {
    let name = provider.display_name();
    let rules = &provider.client;
    let (host, path) = (rules.redirect_host.as_str(), &rules.redirect_path);
    let redirect = match (&rules.redirect_uri, rules.redirect_port) {
        (Some(page), _) => page.clone(),
        (None, Some(port)) => format!("http://{host}:{port}{path}"),
        (None, None) => format!("http://{host}{path}, any port"),
    };
    let place = provider.docs.as_ref().map_or_else(String::new, |docs| format!("; see {docs}"));
    format!(
        "register a native app at {name} (redirect URI {redirect}{place}), then run \
         `bursar login {} --client-id ID`, or set `client_id` under {}",
        command.target,
        section(provider)
    )
}

/// The provider's section of the configuration; a name with dots stands in quotes there.
fn section(provider: &Provider) -> String {
    let id = provider.id.as_str();
    if id.contains('.') { format!("[providers.\"{id}\"]") } else { format!("[providers.{id}]") }
}

async fn client_secret(app: &App, command: &LoginCommand, draft: &Draft) -> Result<Option<Secret>, Failure> {
    if let Some(path) = &command.client_secret_file {
        return read_private(app, path).await.map(Some);
    }
    let Some(place) = draft.configured_secret() else { return Ok(None) };
    let secret = place.read(&app.environment, &*app.engine.ports().clock).await;
    secret.map(Some).map_err(|error| unreadable(&error))
}

/// A secret from `-` (stdin), a pipe, or a file that nobody else can read.
pub(in crate::cli) async fn read_private(app: &App, path: &Path) -> Result<Secret, Failure> {
    let is_stream = path == Path::new("-")
        || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_stream {
        return read_secret(path);
    }
    let file = SecretSource::File(path.to_owned());
    file.read(&app.environment, &*app.engine.ports().clock).await.map_err(|error| match error {
        SecretSourceError::Empty => Failure::new(Exit::Usage, format!("`{}` is empty", path.display()))
            .hint("write the secret into the file, and nothing else"),
        other => unreadable(&other),
    })
}

fn unreadable(error: &SecretSourceError) -> Failure {
    Failure::of(Exit::Usage, error).hint(error.hint())
}

/// A client that signs its own authentication keeps its key where its secret would be.
fn refuse_signing_key(command: &LoginCommand) -> Result<(), Failure> {
    if command.key_file.is_none() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "`--key-file` belongs to `--grant jwt-bearer`")
        .hint("give the client's own key as `--client-secret-file FILE`"))
}
