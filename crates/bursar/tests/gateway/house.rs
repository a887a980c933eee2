//! A gateway in the test's own process, for limits that nobody could wait for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::meaning::{GatewayConfig, NetworkConfig};
use bursar::config::paths::Paths;
use bursar::desk::Desk;
use bursar::exit::Failure;
use bursar::gateway::{Gateway, Limits, WayOut};
use bursar::wiring::{Caller, Seams, Wired, wire};
use bursar_core::engine::gateway_tokens::NewGatewayToken;
use bursar_core::secret::Secret;
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::upstream::beside;
use crate::support::Home;

/// A gateway, and everything it stands on.
pub(super) struct House {
    pub(super) home: Home,
    pub(super) wired: Wired,
    pub(super) gateway: Gateway,
    pub(super) url: String,
    pub(super) token: Secret,
    _provider: MisbehavingProvider,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl House {
    /// A gateway with this configuration and these limits, the account `work`, and a token for everything.
    pub(super) async fn with(config: &str, limits: Limits) -> Self {
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        let home = Home::new();
        let login = home.login(&provider, "work").await;
        assert_eq!(login.code, 0, "{login}");
        home.write_config(config);
        let environment = environment(&home);
        let paths = Paths::resolve(&environment).unwrap();
        let config = Config::load(&environment, &paths).unwrap();
        let wired = wire(&environment, &paths, &config, Caller::Program, Seams::default()).await.unwrap();
        let desk = Desk::new(wired.engine.clone(), Vec::new(), None);
        let way_out = WayOut::new(&environment, &config.network, BTreeMap::new());
        let gateway = Gateway::new(desk, &config.gateway, way_out, limits, Arc::new(|_: &str| {})).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = gateway.clone();
        let serving = beside(async move {
            served.serve(listener, async move { drop(stopped.await) }).await;
        });
        let wish = NewGatewayToken { name: "house".to_owned(), routes: Vec::new(), expires_at: None };
        let (_, token) = wired.engine.add_gateway_token(wish).await.unwrap();
        let (stop, serving) = (Some(stop), Some(serving));
        Self { home, wired, gateway, url, token, _provider: provider, stop, serving }
    }

    /// What `config.toml` says now.
    pub(super) fn configured(&self) -> GatewayConfig {
        let environment = environment(&self.home);
        Config::load(&environment, &Paths::resolve(&environment).unwrap()).unwrap().gateway
    }

    /// Gives the running gateway a new configuration.
    pub(super) fn reconfigure_with(&self, config: &GatewayConfig) -> Result<(), Failure> {
        let environment = environment(&self.home);
        let way_out = WayOut::new(&environment, &NetworkConfig::default(), BTreeMap::new());
        self.gateway.reconfigure(config, way_out)
    }

    /// Tells the gateway to stop, and waits for its end.
    pub(super) async fn stopped(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }
}

fn environment(home: &Home) -> Environment {
    let (path, key) = (home.path(), home.key_file());
    Environment::from_pairs([
        ("BURSAR_HOME", path.to_str().unwrap()),
        ("BURSAR_MASTER_KEY_FILE", key.to_str().unwrap()),
    ])
}
