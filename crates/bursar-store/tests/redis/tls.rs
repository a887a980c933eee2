//! Connections under TLS: to a server that proves who it is, and to one that does not.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{Store as _, StoreError};
use bursar_core::secret::Secret;
use bursar_store::redis::{RedisOpenError, RedisOptions, RedisStore};
use futures::executor::block_on;

use super::contract::{ACCOUNT, Bench, record, start};
use super::server::Server;

/// A server with a certificate for `127.0.0.1`, signed by an authority of its own.
fn server(folder: &Path) -> (Server, RedisOptions) {
    let openssl = |arguments: &str| {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!("{new} -keyout ca.key -out ca.pem -subj /CN=authority"));
    let leaf = "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1";
    openssl(&format!("{new} -keyout key.pem -out cert.pem -subj /CN=redis -CA ca.pem -CAkey ca.key {leaf}"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port_text = port.to_string();
    let settings = ["--tls-port", &port_text, "--bind", "127.0.0.1", "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "ca.pem"];
    let server = Server::start(folder, &[&settings[..], &files[..]].concat());
    let mut options = server.options();
    options.url = Secret::new(format!("rediss://127.0.0.1:{port}"));
    (server, options)
}

#[test]
fn server_with_a_certificate_of_a_known_authority_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (server, mut options) = server(folder.path());
    options.authorities = Some(fs::read(folder.path().join("ca.pem")).unwrap());
    let store = Arc::new(block_on(RedisStore::open(options)).unwrap());
    let other = server.store();
    let mut watch = store.watch();
    watch.mark_unchanged();
    let version =
        Bench::new(Arc::clone(&other), ManualClock::new(start())).create(record(&ACCOUNT, "a", "1"));
    block_on(watch.changed()).unwrap();
    let read = Bench::new(store, ManualClock::new(start())).read(&ACCOUNT, "a").unwrap();
    assert_eq!(read.version, version);
}

#[test]
fn server_with_a_certificate_of_nobody_known_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, mut options) = server(folder.path());
    let refused = |options| block_on(RedisStore::open(options)).unwrap_err();
    let refusal = refused(options.clone());
    assert!(matches!(refusal, RedisOpenError::Store(StoreError::Unavailable(_))), "{refusal:?}");
    options.authorities = Some(b"no certificate".to_vec());
    assert!(matches!(
        refused(options),
        RedisOpenError::Store(StoreError::Unavailable(_)) | RedisOpenError::Url(_)
    ));
}
