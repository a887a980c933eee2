//! The gateway inside the agent: there as long as the configuration has routes for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bursar_core::ports::tasks::Tasks as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::config::environment::Environment;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::gateway::{DEFAULT_ADDRESS, Gateway, Limits, WayOut};
use crate::system::TokioTasks;

/// The room the gateway lives in, empty or not.
#[derive(Debug)]
pub(super) struct GatewayRoom {
    desk: Desk,
    tasks: TokioTasks,
    tenant: Mutex<Option<Tenant>>,
}

#[derive(Debug)]
struct Tenant {
    gateway: Gateway,
    /// As the configuration says it, and as it came about.
    wanted: SocketAddr,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl GatewayRoom {
    /// An empty room; the gateway will hand out by `desk`.
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk, tasks: TokioTasks::new(), tenant: Mutex::default() }
    }

    /// Where the gateway listens; `None` if there is none.
    pub(super) fn url(&self) -> Option<String> {
        self.tenant().as_ref().map(|tenant| format!("http://{}", tenant.address))
    }

    /// Lets the gateway come, go or change as `config` says.
    ///
    /// # Errors
    /// The routes make no sense, or nobody can listen at the address; then everything stays as it was.
    pub(super) async fn furnish(&self, environment: &Environment, config: &Config) -> Result<(), Failure> {
        let wanted = config.gateway.listen.unwrap_or(DEFAULT_ADDRESS);
        if !config.gateway.in_agent || config.gateway.routes.is_empty() {
            self.leave();
            return Ok(());
        }
        let way_out = WayOut::of(environment, config);
        if let Some(tenant) = self.tenant().as_ref().filter(|tenant| tenant.wanted == wanted) {
            return tenant.gateway.reconfigure(&config.gateway, way_out);
        }
        let notice = Arc::new(|line: &str| tracing::warn!("{line}"));
        let gateway = Gateway::new(self.desk.clone(), &config.gateway, way_out, Limits::default(), notice)?;
        let listening = async {
            let listener = TcpListener::bind(wanted).await?;
            let address = listener.local_addr()?;
            Ok::<_, std::io::Error>((listener, address))
        };
        let (listener, address) = listening.await.map_err(|error| {
            let mut failure = Failure::new(Exit::Error, format!("the gateway cannot listen on {wanted}"));
            failure.causes.push(error.to_string());
            failure.hint("choose another address with `gateway.listen`")
        })?;
        self.leave();
        let (stop, mut stopping) = watch::channel(false);
        let serving = gateway.clone();
        self.tasks.spawn(Box::pin(async move {
            let stopped = async move {
                // A sender that is gone means the same.
                let _stopped = stopping.wait_for(|stop| *stop).await;
            };
            serving.serve(listener, stopped).await;
        }));
        tracing::info!(%address, "the gateway is open");
        *self.tenant() = Some(Tenant { gateway, wanted, address, stop });
        Ok(())
    }

    /// Closes the gateway and waits until the requests under way have had their moment.
    pub(super) async fn close(&self) {
        self.leave();
        self.tasks.drained(FAREWELL).await;
    }

    fn leave(&self) {
        if let Some(tenant) = self.tenant().take() {
            tenant.stop.send_replace(true);
            tracing::info!(address = %tenant.address, "the gateway is closed");
        }
    }

    fn tenant(&self) -> MutexGuard<'_, Option<Tenant>> {
        self.tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Streams that never end are cut off then.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(10);
