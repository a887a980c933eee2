//! The gateway inside the agent: there as long as the configuration has routes for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bursar_core::ports::tasks::Tasks as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::config::environment::Environment;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::gateway::{DEFAULT_ADDRESS, Gateway, Limits, WayOut};
use crate::http::serving::descriptors_for_connections;
use crate::system::TokioTasks;

/// The room the gateway lives in, empty or not.
#[derive(Debug)]
pub(super) struct GatewayRoom {
    desk: Desk,
    tasks: TokioTasks,
    tenant: Mutex<Option<Tenant>>,
    is_as_wanted: AtomicBool,
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
        Self { desk, tasks: TokioTasks::new(), tenant: Mutex::default(), is_as_wanted: AtomicBool::new(true) }
    }

    /// Where the gateway listens; `None` if there is none.
    pub(super) fn url(&self) -> Option<String> {
        self.tenant().as_ref().map(|tenant| format!("http://{}", tenant.address))
    }

    /// `false`: the last attempt to furnish it failed, and another one may succeed, for instance because somebody has left
    /// the address.
    pub(super) fn is_as_wanted(&self) -> bool {
        self.is_as_wanted.load(Ordering::Relaxed)
    }

    /// Lets the gateway come, go or change as `config` says.
    ///
    /// # Errors
    /// The routes make no sense, or nobody can listen at the address; then everything stays as it was.
    pub(super) async fn furnish(&self, environment: &Environment, config: &Config) -> Result<(), Failure> {
        let furnished = self.furnish_now(environment, config).await;
        // Waiting mends no mistake in the configuration.
        let may_succeed = furnished.as_ref().is_err_and(|failure| !matches!(failure.exit, Exit::Usage));
        self.is_as_wanted.store(!may_succeed, Ordering::Relaxed);
        furnished
    }

    async fn furnish_now(&self, environment: &Environment, config: &Config) -> Result<(), Failure> {
        let wanted = config.gateway.listen.unwrap_or(DEFAULT_ADDRESS);
        if !config.gateway.in_agent || config.gateway.routes.is_empty() {
            self.leave();
            return Ok(());
        }
        let way_out = WayOut::of(environment, config);
        if let Some(tenant) = self.tenant().as_mut().filter(|tenant| tenant.listens_at(wanted)) {
            tenant.gateway.reconfigure(&config.gateway, way_out)?;
            tenant.wanted = wanted;
            return Ok(());
        }
        let notice = Arc::new(|line: &str| tracing::warn!("{line}"));
        // Whoever can reach the gateway must not keep others from the agent's socket.
        let limits = Limits::within(descriptors_for_connections() / 2);
        let gateway = Gateway::new(self.desk.clone(), &config.gateway, way_out, limits, notice)?;
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
        self.tasks.drained(Limits::default().stop_grace + LAST_WORDS).await;
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

impl Tenant {
    /// Also when the system chose that address, and somebody has written it down since.
    fn listens_at(&self, wanted: SocketAddr) -> bool {
        self.wanted == wanted || self.address == wanted
    }
}

/// For what the gateway does after the requests under way had their moment: cutting off the rest, and writing the last
/// lines of its log.
const LAST_WORDS: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::paths::Paths;
    use crate::wiring::{Caller, Seams, wire};

    #[tokio::test(flavor = "multi_thread")]
    async fn an_address_that_is_taken_is_tried_again_and_a_new_one_may_have_the_same_port() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("bursar");
        let environment = Environment::from_pairs([("BURSAR_HOME", folder.to_str().unwrap())]);
        let paths = Paths::resolve(&environment).unwrap();
        paths.prepare(false).unwrap();
        let mut config = Config::load(&environment, &paths).unwrap();
        let wired = wire(&environment, &paths, &config, Caller::Program, Seams::default()).await.unwrap();
        let room = GatewayRoom::new(Desk::new(wired.engine, Vec::new(), None));
        assert!(room.is_as_wanted(), "nothing is wanted yet");

        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        config.gateway.in_agent = true;
        config.gateway.listen = Some(address);
        let route = crate::config::meaning::RouteConfig { account: "work".into(), ..Default::default() };
        config.gateway.routes.insert("api".into(), route);
        assert!(room.furnish(&environment, &config).await.is_err());
        assert!(!room.is_as_wanted() && room.url().is_none());
        drop(taken);
        room.furnish(&environment, &config).await.unwrap();
        assert!(room.is_as_wanted());
        assert_eq!(room.url(), Some(format!("http://{address}")));

        let other = SocketAddr::new([127, 0, 0, 2].into(), address.port());
        config.gateway.listen = Some(other);
        room.furnish(&environment, &config).await.unwrap();
        assert_eq!(room.url(), Some(format!("http://{other}")));
        // The address that the system chose, written down.
        config.gateway.listen = Some(SocketAddr::new([127, 0, 0, 1].into(), 0));
        room.furnish(&environment, &config).await.unwrap();
        let chosen = room.tenant().as_ref().unwrap().address;
        config.gateway.listen = Some(chosen);
        room.furnish(&environment, &config).await.unwrap();
        assert_eq!(room.url(), Some(format!("http://{chosen}")));
        room.close().await;
        assert!(std::net::TcpListener::bind(chosen).is_ok(), "nobody listens any more");
    }
}
