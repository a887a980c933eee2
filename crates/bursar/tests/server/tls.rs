//! TLS by certificate files.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bursar::server::{CertificateFiles, DoorRules, Limits};
use http::Version;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client};

use super::client::exchange;
use super::entrance::{Open, SHORT};
use super::world::{Server, outer_address};
use crate::support::{Home, write_private};

/// An authority of the test's own, and the files of what it signs.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: CertificateFiles,
}

impl Authority {
    fn new(home: &Home) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let (certificate, key) = (home.beside("cert.pem"), home.beside("key.pem"));
        let authority = Self { issuer, files: CertificateFiles { certificate, key } };
        authority.renew();
        authority
    }

    /// Writes a new certificate with a new key.
    fn renew(&self) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), outer_address().to_string()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        put(&self.files.key, &key.serialize_pem());
        put(&self.files.certificate, &leaf.pem());
    }

    /// Somebody who trusts this authority alone, with connections of their own.
    fn client(&self) -> Client {
        let trusted = Certificate::from_pem(self.issuer.pem().as_bytes()).unwrap();
        Client::builder()
            .no_proxy()
            .tls_certs_only([trusted])
            .tls_info(true)
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap()
    }

    fn config(&self, listen: &str) -> String {
        let CertificateFiles { certificate, key } = &self.files;
        format!("[server]\nlisten = [{listen:?}]\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n")
    }
}

/// Writes a file as a whole, as certificate tools do.
fn put(path: &PathBuf, text: &str) {
    let new = path.with_extension("new");
    write_private(&new, text);
    std::fs::rename(new, path).unwrap();
}

async fn certificate_of(client: &Client, url: &str) -> Vec<u8> {
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_comes_into_force_and_a_broken_one_does_not() {
    let home = Home::new();
    let authority = Authority::new(&home);
    home.write_config(&authority.config("127.0.0.1:0"));
    let mut server = Server::start(&home, &[]).await;
    let url = format!("{}/healthz", server.urls[0]);
    assert!(
        url.starts_with("https://127.0.0.1:") && server.issuer.starts_with("https://localhost:"),
        "{server:?}"
    );
    let standing = authority.client();
    let first = certificate_of(&standing, &url).await;

    put(&authority.files.certificate, "half a cert");
    server.running.says(|line| line.contains("the old one stays in force").then_some(())).await;
    assert_eq!(certificate_of(&authority.client(), &url).await, first);

    authority.renew();
    server.running.says(|line| line.contains("the new certificate is in force").then_some(())).await;
    let second = certificate_of(&authority.client(), &url).await;
    assert_ne!(second, first);
    assert_eq!(certificate_of(&standing, &url).await, first, "the connection that stood still stands");
    assert_eq!(server.stopped().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_and_a_name_others_are_served() {
    let home = Home::new();
    let authority = Authority::new(&home);
    home.write_config(&authority.config(&format!("{}:0", outer_address())));
    let ended = home.run(&["serve"]).await;
    assert_eq!(ended.code, 2, "{ended}");
    assert!(ended.stderr.contains("needs a public URL"), "{ended}");
    let server = Server::start(&home, &["--public-url", "https://auth.example.com"]).await;
    let answer = authority.client().get(format!("{}/healthz", server.urls[0])).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    let plain = exchange(server.address(), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
    assert_eq!(server.stopped().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_spoken_within_the_same_limits() {
    let home = Home::new();
    let authority = Authority::new(&home);
    let router = Router::new().route("/", post(async |body: String| body));
    let limits = Limits { body_bytes: 1000, idle_time: SHORT, ..Limits::default() };
    let rules = DoorRules { is_tls: true, ..DoorRules::default() };
    let open = Open::with(router, limits, rules, Some(authority.files.clone()));
    let url = format!("https://{}/", open.address);
    let trusted = Certificate::from_pem(authority.issuer.pem().as_bytes()).unwrap();
    let only_1 = Client::builder().no_proxy().tls_certs_only([trusted]).http1_only().build().unwrap();
    for (client, version) in [(authority.client(), Version::HTTP_2), (only_1, Version::HTTP_11)] {
        let post = |length: usize, header: usize| {
            client.post(&url).header("x-long", "x".repeat(header)).body("a".repeat(length)).send()
        };
        let answer = post(1000, 10).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert_eq!(answer.text().await.unwrap().len(), 1000);
        assert_eq!(post(1001, 10).await.unwrap().status(), 413, "{version:?}");
        assert_eq!(post(10, 20_000).await.unwrap().status(), 431, "{version:?}");
        assert_eq!(post(10, 10).await.unwrap().status(), 200, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_of_frames_is_closed_and_a_handshake_that_stops_too() {
    let home = Home::new();
    let authority = Authority::new(&home);
    let limits = Limits { idle_time: SHORT, handshake_time: SHORT, ..Limits::default() };
    let rules = DoorRules { is_tls: true, ..DoorRules::default() };
    let router = Router::new().route("/", post(async |body: String| body));
    let mut open = Open::with(router, limits, rules, Some(authority.files.clone()));
    let answer =
        authority.client().post(format!("https://{}/", open.address)).body("a").send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    // The start of a handshake that says no more.
    assert_eq!(exchange(&open.address, b"\x16\x03\x01").await, "");
    open.stop();
    open.ended().await;
}
