//! The key on its way to the agent, over its socket, and away from it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::ports::key_source::MasterKey;
use http::Method;
use serde_json::{Value, json};
use zeroize::Zeroize as _;

use crate::agent::client::{CallError, Client, NoAnswer};
use crate::cli::app::App;
use crate::config::paths::Paths;
use crate::exit::Failure;

/// An agent that answers.
#[derive(Debug)]
pub(super) struct Agent(Client);

impl Agent {
    /// Finds the running agent.
    ///
    /// # Errors
    /// None is running, or it does not answer (exit code 6).
    pub(super) async fn find(app: &App) -> Result<Self, Failure> {
        let paths = Paths::resolve(&app.environment)?;
        let client = Client::find(&app.environment, &paths, Arc::clone(&app.engine.ports().clock));
        match client {
            Some(client) if client.lives().await => Ok(Self(client)),
            _ => Err(CallError::NoAnswer(NoAnswer::NotRunning).into()),
        }
    }

    /// Hands the key over; the agent opens the vault with it.
    pub(super) async fn deliver(&self, key: &MasterKey) -> Result<(), Failure> {
        let mut body = json!({ "master_key": STANDARD.encode(key.expose()) });
        let delivered = self.0.call(Method::POST, "/v1/vault/unlock", &body).await;
        if let Some(Value::String(text)) = body.get_mut("master_key") {
            text.zeroize();
        }
        delivered.map(drop).map_err(Failure::from)
    }

    /// Has the agent forget the key.
    pub(super) async fn withdraw(&self) -> Result<(), Failure> {
        Ok(self.0.call(Method::POST, "/v1/vault/lock", &Value::Null).await.map(drop)?)
    }
}
