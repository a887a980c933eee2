//! The peer: Debian's nginx with one worker, which passes requests on to the same server.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::limit_server::CHECK;
use crate::running::{Running, SERVER_CORE, pinned};

/// A running nginx; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    _running: Running,
    folder: tempfile::TempDir,
    origin: String,
}

impl Nginx {
    /// Starts it on the core of whatever is measured.
    pub(crate) fn start(upstream: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let place = folder.path().join("nginx.conf");
        std::fs::write(&place, configuration(folder.path(), address, upstream))?;
        let mut command = pinned(SERVER_CORE, "/usr/sbin/nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&place)
            .arg("-e")
            .arg(folder.path().join("error.log"));
        let nginx =
            Self { _running: Running::start(&mut command)?, folder, origin: format!("http://{address}") };
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Ok(nginx)
    }

    /// Adds a static token to every request.
    pub(crate) fn injecting(&self) -> String {
        format!("{}/injecting", self.origin)
    }

    /// Asks another server first whether the caller may pass.
    pub(crate) fn checking(&self) -> String {
        format!("{}/checking", self.origin)
    }

    /// Whatever went wrong.
    pub(crate) fn complaints(&self) -> Result<String> {
        std::fs::read_to_string(self.folder.path().join("error.log")).context("nginx wrote no log")
    }
}

/// An address nobody has just now; somebody else may take it at once, which then shows.
fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        r#"user root;
worker_processes 1;
daemon off;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream behind {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer {TOKEN}";
    server {{
        listen {address};
        location /injecting {{ proxy_pass http://behind/; }}
        location /checking {{ auth_request /asked; proxy_pass http://behind/; }}
        location = /asked {{ internal; proxy_pass http://behind{CHECK}; proxy_pass_request_body off; proxy_set_header Connection ""; proxy_set_header Content-Length ""; }}
    }}
}}
"#
    )
}

/// As long as those of large providers, and good for nothing.
const TOKEN: &str = "ya29.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
