//! The internet as calls find it: what a name leads to, and which addresses are everybody's.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::address_guard;

/// What stands between a URL and an address. Whoever tests how calls deal with a hostile one makes it up.
#[derive(Clone)]
pub struct Internet {
    names: Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>,
    is_public: fn(IpAddr) -> bool,
}

impl Internet {
    /// As the operating system knows it.
    pub(super) fn of_system() -> Self {
        // Port 0: the connector fills in the URL's.
        Self::of(
            |name| async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) },
            address_guard::is_public,
        )
    }

    /// One in which `names` tells what a name leads to, and `is_public` where URLs of strangers may.
    pub fn of<F>(names: impl Fn(String) -> F + Send + Sync + 'static, is_public: fn(IpAddr) -> bool) -> Self
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self { names: Arc::new(move |name| names(name).boxed()), is_public }
    }

    /// The addresses of a name; there is at least one.
    pub(super) async fn addresses(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let all = (self.names)(name.to_owned()).await?;
        if all.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(all) }
    }

    pub(super) fn is_public(&self, address: IpAddr) -> bool {
        (self.is_public)(address)
    }
}

impl fmt::Debug for Internet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Internet")
    }
}
