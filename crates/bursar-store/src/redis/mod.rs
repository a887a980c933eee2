//! The store on Redis, single or cluster: one script per commit, shared by any number of nodes.
//!
//! It trusts only a server that keeps what it acknowledged (`inspect`); it finds back to a server that went away
//! (`link`). What runs on the server is in `scripts/`; `listen` hears of other nodes' commits.

mod backup;
mod collect;
mod commit;
mod errors;
mod inspect;
mod link;
mod listen;
mod read;
mod reply;
mod request;
mod scripts;
mod seal;
mod store;
mod target;

use std::fmt;
use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Kind;
use bursar_core::secret::Secret;
use tokio::runtime::Handle;

pub use errors::RedisOpenError;
pub use store::RedisStore;

/// How a store is opened.
#[derive(Clone)]
pub struct RedisOptions {
    /// `redis://`, `rediss://` (TLS) or `redis+unix://`, with user, password and database number as the server wants
    /// them. Several addresses of one cluster are separated by commas, each written as a whole URL.
    pub url: Secret,
    /// Certificates, in PEM, of whoever signed the server's, where the system's own list is not to be believed.
    pub authorities: Option<Vec<u8>>,
    /// First part of every key and channel, so that several installations can share a server.
    pub prefix: String,
    /// Every kind that will be used.
    pub kinds: &'static [&'static Kind],
    /// Stopwatch and sleep; its wall clock is used only if `time` says so.
    pub clock: Arc<dyn Clock>,
    /// By which clock records expire.
    pub time: StoreTime,
    /// Name of the first incarnation: unguessable, used only if the database is new.
    pub incarnation: String,
    /// Where connections live. Futures of the store may be awaited anywhere.
    pub runtime: Handle,
    /// Durable kinds are kept although the server does not tell its settings. Say so only of a server that is known to
    /// write every command to disk before it answers.
    pub trusted_settings: bool,
    /// Durable kinds are kept although the server has replicas, to which it may fail over without the last commits: a
    /// refresh token spent in one of them is lost.
    pub accept_replicas: bool,
    /// A restore that has stopped half-way in this database is undone: it is emptied.
    pub discard_half_restored: bool,
}

/// By which clock a store on a server judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreTime {
    /// The server's: one clock for all nodes.
    #[default]
    Server,
    /// The one given in the options: that of the database it is kept beside, or a test's that moves it.
    Given,
}

impl RedisOptions {
    /// The server's clock, the usual prefix, nothing accepted that could lose a commit.
    pub fn new(
        url: Secret,
        kinds: &'static [&'static Kind],
        clock: Arc<dyn Clock>,
        incarnation: impl Into<String>,
        runtime: Handle,
    ) -> Self {
        Self {
            url,
            authorities: None,
            prefix: "bursar".to_owned(),
            kinds,
            clock,
            time: StoreTime::Server,
            incarnation: incarnation.into(),
            runtime,
            trusted_settings: false,
            accept_replicas: false,
            discard_half_restored: false,
        }
    }

    /// Whether keys may begin with `prefix`: it leaves hash tags, separators and patterns alone.
    pub fn allows_prefix(prefix: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !prefix.is_empty() && prefix.bytes().all(allowed)
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds a password.
        formatter.debug_struct("RedisOptions").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
