//! The gateway: a reverse proxy on loopback that puts the right account's token into every request it passes on.
//!
//! It decides who may pass (`door`, `callers`), where to (`route`, `path`), and what is carried across (`headers`);
//! `forward` does the passing, `tunnel` what comes after an upgrade. It never follows a redirect, never sends a token to
//! a host outside the route's allow-list, and forwards nothing for a caller without a gateway token.

mod answer;
mod arriving;
mod bound;
mod caller_stream;
mod callers;
mod connection;
mod dialer;
mod door;
mod forward;
mod handler;
mod headers;
mod hosts;
mod idle;
mod injection;
mod limits;
mod listener;
mod origin;
mod outgoing;
mod path;
mod pool;
mod refusal;
mod request_body;
mod request_log;
mod room;
mod route;
mod target;
mod tunnel;
mod way_out;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks;
use tokio::net::TcpListener;

use self::callers::Callers;
use self::door::DoorRules;
pub use self::limits::Limits;
use self::request_log::RequestLog;
use self::room::Room;
use self::route::Route;
pub use self::route::RouteError;
pub use self::way_out::WayOut;
use crate::config::meaning::GatewayConfig;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::system::TokioTasks;

/// Where the gateway listens when nobody says otherwise.
pub const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8791);

/// Receives what an operator should hear: one line, no secrets.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// The gateway, ready to serve. Cheap to clone; clones see a new configuration together.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<RwLock<Arc<Shared>>>,
}

/// What all requests share.
struct Shared {
    config: GatewayConfig,
    desk: Desk,
    door: DoorRules,
    callers: Callers,
    routes: HashMap<String, Route>,
    way_out: WayOut,
    log: Option<Arc<RequestLog>>,
    limits: Limits,
    room: Room,
    clock: Arc<dyn Clock>,
    /// Connections. Apart from the engine's: a stream that never ends is no refresh that must be waited for.
    tasks: Arc<dyn Tasks>,
    notice: Notice,
}

impl Gateway {
    /// A gateway for these routes. Nothing is asked of anybody yet: accounts are looked up when a route is first used.
    ///
    /// Fails when a route makes no sense, or the request log cannot be opened.
    pub fn new(
        desk: Desk,
        config: &GatewayConfig,
        way_out: WayOut,
        limits: Limits,
        notice: Notice,
    ) -> Result<Self, Failure> {
        let clock = desk.engine().ports().clock.clone();
        let shared = Shared {
            door: DoorRules::new(&config.hosts, &config.origins),
            callers: Callers::new(desk.clone(), clock.clone()),
            routes: routes(config, None)?,
            log: open_log(config, &notice)?,
            config: config.clone(),
            way_out,
            room: Room::new(&limits),
            limits,
            clock,
            tasks: Arc::new(TokioTasks::new()),
            notice,
            desk,
        };
        Ok(Self { shared: Arc::new(RwLock::new(Arc::new(shared))) })
    }

    /// From now on works as a new configuration says, but for the address, which whoever opened the listener chose. A
    /// route that says the same as before keeps its account. A configuration that makes no sense changes nothing.
    pub fn reconfigure(&self, config: &GatewayConfig, way_out: WayOut) -> Result<(), Failure> {
        let before = self.shared();
        let log_stays = before.config.log == config.log
            && before.config.log_size == config.log_size
            && before.config.log_keep == config.log_keep;
        let shared = Shared {
            door: DoorRules::new(&config.hosts, &config.origins),
            callers: Callers::new(before.desk.clone(), Arc::clone(&before.clock)),
            routes: routes(config, Some(&before))?,
            log: if log_stays { before.log.clone() } else { open_log(config, &before.notice)? },
            config: config.clone(),
            way_out,
            limits: before.limits.clone(),
            room: before.room.clone(),
            clock: Arc::clone(&before.clock),
            tasks: Arc::clone(&before.tasks),
            notice: Arc::clone(&before.notice),
            desk: before.desk.clone(),
        };
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shared);
        Ok(())
    }

    /// Looks at every route as if it were used now, and tells what is wrong with it. A route that fails here is not lost:
    /// its account may be logged in later.
    pub async fn check(&self) -> Vec<Failure> {
        let shared = self.shared();
        let mut names: Vec<&String> = shared.routes.keys().collect();
        names.sort();
        let mut failures = Vec::new();
        for name in names {
            if let Err(failure) = shared.routes[name].target(&shared).await {
                failures.push(failure);
            }
        }
        failures
    }

    /// Serves `listener` until `stop`, then lets requests under way finish for a moment.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        listener::serve(self, listener, stop).await;
        let shared = self.shared();
        if let Some(log) = &shared.log {
            log.flushed(&*shared.clock).await;
        }
    }

    fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("routes", &self.routes).finish_non_exhaustive()
    }
}

fn routes(config: &GatewayConfig, before: Option<&Shared>) -> Result<HashMap<String, Route>, Failure> {
    let mut routes = HashMap::new();
    for (name, written) in &config.routes {
        let route = Route::new(name, written).map_err(|error| route_failure(&error))?;
        let same = before.filter(|before| before.config.routes.get(name) == Some(written));
        if let Some(known) = same.and_then(|before| before.routes.get(name)) {
            route.pin_like(known);
        }
        routes.insert(name.clone(), route);
    }
    Ok(routes)
}

fn open_log(config: &GatewayConfig, notice: &Notice) -> Result<Option<Arc<RequestLog>>, Failure> {
    let Some(path) = &config.log else { return Ok(None) };
    let log = RequestLog::open(path, config.log_size, config.log_keep, Arc::clone(notice));
    log.map(|log| Some(Arc::new(log))).map_err(|error| {
        Failure::of(Exit::Error, &error).hint("name a file that can be written in `gateway.log`")
    })
}

/// A route that cannot be used as it is configured.
fn route_failure(error: &RouteError) -> Failure {
    Failure::of(Exit::Usage, error).hint(error.hint())
}
