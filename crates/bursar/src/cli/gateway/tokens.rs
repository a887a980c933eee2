//! `bursar gateway token`: what callers show to the gateway.

use bursar_core::engine::gateway_tokens::{GatewayToken, GatewayTokenError, NewGatewayToken};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::app::App;
use super::super::arguments::gateway::{AddTokenCommand, RemoveTokenCommand, TokenAction};
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, action: &TokenAction) -> Result<Exit, Failure> {
    match action {
        TokenAction::Add(command) => add(app, command).await,
        TokenAction::List => list(app).await,
        TokenAction::Remove(command) => remove(app, command).await,
    }
}

async fn add(app: &App, command: &AddTokenCommand) -> Result<Exit, Failure> {
    let known = &app.config.gateway.routes;
    if let Some(route) = command.routes.iter().find(|route| !known.contains_key(*route)) {
        let names = known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let hint = if names.is_empty() {
            "add it to config.toml as `[gateway.routes.NAME]`".to_owned()
        } else {
            format!("config.toml has these routes: {names}")
        };
        return Err(Failure::new(Exit::Usage, format!("there is no route `{route}`")).hint(hint));
    }
    let wish = NewGatewayToken {
        name: command.name.clone(),
        routes: command.routes.clone(),
        // An end beyond the calendar is none.
        expires_at: command.expires.and_then(|life| app.now().checked_add(life).ok()),
    };
    let (token, secret) = app.engine.add_gateway_token(wish).await?;
    if app.printer.json {
        let mut document = document(&token);
        document["token"] = secret.expose().into();
        app.printer.document(&document);
    } else {
        app.printer.data(&format!("{}\n", secret.expose()));
    }
    app.printer.say(&format!("gateway token `{}` is shown this once: {}", token.name, opens(&token)));
    Ok(Exit::Ok)
}

async fn list(app: &App) -> Result<Exit, Failure> {
    let tokens = app.engine.gateway_tokens().await?;
    if app.printer.json {
        app.printer.document(&tokens.iter().map(document).collect::<Value>());
        return Ok(Exit::Ok);
    }
    if tokens.is_empty() {
        app.printer.say("there is no gateway token; make one with `bursar gateway token add NAME`");
    }
    let width = tokens.iter().map(|token| token.name.len()).max().unwrap_or(0);
    for token in &tokens {
        app.printer.data(&format!("{:width$}  {}\n", token.name, opens(token)));
    }
    Ok(Exit::Ok)
}

async fn remove(app: &App, command: &RemoveTokenCommand) -> Result<Exit, Failure> {
    if app.engine.remove_gateway_token(&command.name).await? {
        app.printer.say(&format!("gateway token `{}` is refused from now on", command.name));
        Ok(Exit::Ok)
    } else {
        Err(Failure::new(Exit::Error, format!("there is no gateway token `{}`", command.name))
            .hint("see what there is with `bursar gateway token list`"))
    }
}

fn document(token: &GatewayToken) -> Value {
    json!({
        "schema": 1,
        "name": token.name,
        "routes": token.routes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    })
}

fn opens(token: &GatewayToken) -> String {
    let what = if token.routes.is_empty() {
        "opens every route".to_owned()
    } else {
        format!("opens {}", token.routes.join(", "))
    };
    match token.expires_at {
        Some(end) => format!("{what}, until {}", minute(end)),
        None => what,
    }
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

impl From<GatewayTokenError> for Failure {
    fn from(error: GatewayTokenError) -> Self {
        match error {
            GatewayTokenError::Store(error) => error.into(),
            GatewayTokenError::Name { .. } => {
                Self::of(Exit::Usage, &error).hint("choose a name such as ci or laptop-editor")
            }
            GatewayTokenError::Exists { name } => {
                Self::new(Exit::Usage, format!("there is a gateway token `{name}` already")).hint(format!(
                    "choose another name, or end that one with `bursar gateway token remove {name}`"
                ))
            }
        }
    }
}
