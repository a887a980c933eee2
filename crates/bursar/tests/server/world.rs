//! A server in a process of its own, on ports the system chooses.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Ended, Home, Running};

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) running: Running,
    pub(super) urls: Vec<String>,
    pub(super) issuer: String,
}

impl Server {
    /// With these arguments besides `serve`.
    pub(super) async fn start(home: &Home, arguments: &[&str]) -> Self {
        Self::of(home.start(&[&["serve"], arguments].concat())).await
    }

    /// On one port of the loopback.
    pub(super) async fn on_loopback(home: &Home) -> Self {
        Self::start(home, &["--listen", "127.0.0.1:0"]).await
    }

    /// Waits until a started one is open.
    pub(super) async fn of(mut running: Running) -> Self {
        let mut urls = Vec::new();
        loop {
            let line = running.says(|line| Some(line.to_owned())).await;
            if let Some(url) = line.strip_prefix("the server listens on ") {
                urls.push(url.to_owned());
            } else if let Some(issuer) = line.strip_prefix("its issuer is ") {
                return Self { running, urls, issuer: issuer.to_owned() };
            }
        }
    }

    /// The first address, for connections by hand.
    pub(super) fn address(&self) -> &str {
        self.urls[0].split_once("://").unwrap().1
    }

    /// Waits until it is ready.
    pub(super) async fn ready(&self) {
        let ready = async { while get(&format!("{}/readyz", self.urls[0])).await.0 != 200 {} };
        tokio::time::timeout(Duration::from_secs(20), ready).await.expect("it gets ready");
    }

    /// Ends it as a service manager would.
    pub(super) async fn stopped(self) -> Ended {
        self.running.signal(Signal::TERM);
        self.running.ended().await
    }
}

/// Status and text of an address.
pub(super) async fn get(url: &str) -> (u16, String) {
    let answer = client().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A caller who follows nothing and goes through no proxy.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap()
}

/// An address of this machine that is not its loopback. No packet is sent.
pub(super) fn outer_address() -> std::net::IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip()
}
