//! What can stand between this computer and a provider: each cause made for real, each told apart from the others.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use serde_json::Value;

use super::findings;
use crate::support::{Ended, Home, ended, write_private};

/// A home with an account of a provider whose token endpoint is at this address. Nobody asks the provider for that.
async fn keeping(token: &str) -> Home {
    let home = Home::new();
    home.write_config("");
    let folder = home.path().join("providers");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("acme.toml"), format!("id = \"acme\"\n[endpoints]\ntoken = \"{token}\"\n"))
        .unwrap();
    let key = home.beside("api-key");
    write_private(&key, "key-of-acme");
    let login = home.run(&["login", "acme", "--api-key-file", key.to_str().unwrap(), "--as", "ci"]).await;
    assert_eq!(login.code, 0, "{login}");
    home
}

async fn examined(token: &str) -> Ended {
    let examined = keeping(token).await.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    examined
}

/// What the one finding about the endpoint says, and its remedy.
fn endpoint(examined: &Ended) -> (String, String) {
    one(examined, "endpoint")
}

fn one(examined: &Ended, name: &str) -> (String, String) {
    let [finding] = &*findings(examined, name) else { panic!("{examined}") };
    assert_eq!(finding["verdict"], "fail", "{finding}");
    (text(&finding["what"]), text(&finding["remedy"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A listener and its address.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_refuses() {
    let (closed, address) = listener();
    drop(closed);
    let (what, remedy) = endpoint(&examined(&format!("http://{address}/token")).await);
    assert!(what.contains(&format!("{address} refuses connections")), "{what}");
    assert!(remedy.contains(&format!("have {address} allowed")), "{remedy}");
}

/// A listener whose queue is full: the kernel drops what comes, as a firewall does.
fn black_hole() -> (Vec<TcpStream>, rustix::fd::OwnedFd, SocketAddr) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    let listening = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listening, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listening, 0).unwrap();
    let address = SocketAddr::try_from(getsockname(&listening).unwrap()).unwrap();
    let mut waiting = Vec::new();
    // The queue holds one more than it says; nobody ever takes them out.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 64, "the queue fills up");
    }
    (waiting, listening, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_packets_are_a_firewall() {
    let (_waiting, _listening, address) = black_hole();
    let home = keeping(&format!("http://{address}/token")).await;
    let started = SystemClock.stopwatch();
    let examined = home.run(&["doctor", "--json"]).await;
    let took = SystemClock.stopwatch().saturating_sub(started);
    let (what, remedy) = endpoint(&examined);
    assert!(what.contains(&format!("nothing comes back from {address}")), "{what}");
    assert!(remedy.starts_with(&format!("have {address} allowed in the firewall")), "{remedy}");
    assert!(took < Duration::from_secs(15), "one call and one look, took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_broken_at_the_first_word_are_told_apart() {
    let (listening, address) = listener();
    std::thread::spawn(move || {
        for stream in listening.incoming().flatten() {
            // The greeting is read only in part: closing then resets the connection.
            let mut part = [0_u8; 5];
            let _read = std::io::Read::read(&mut &stream, &mut part);
        }
    });
    let (what, remedy) = endpoint(&examined(&format!("https://{address}/token")).await);
    assert!(what.contains(&format!("{address} takes connections and breaks them")), "{what}");
    assert!(remedy.contains("allowed in the firewall"), "{remedy}");
}

/// A TLS server whose certificate is signed by this authority, unknown to everybody.
fn intercepting(authority: &str) -> SocketAddr {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, authority);
    let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let (listening, address) = listener();
    std::thread::spawn(move || {
        for mut stream in listening.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let _refused = connection.complete_io(&mut stream);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn intercepted_tls_names_who_signed() {
    let address = intercepting("Acme Corp. TLS Inspection");
    let (what, remedy) = endpoint(&examined(&format!("https://{address}/token")).await);
    assert!(what.contains("signed by `Acme Corp. TLS Inspection`"), "{what}");
    for words in ["Acme Corp. TLS Inspection", "network.ca_file", "SSL_CERT_FILE", "do not log in"] {
        assert!(remedy.contains(words), "{words}: {remedy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_no_firewall() {
    // Nobody can ever register a name that ends so (RFC 6761 §6.4). Whether a name server says so, or there is none
    // where the test runs: both are told, each in its own words.
    let examined = examined("https://accounts.invalid/token").await;
    let (what, remedy) = one(&examined, "dns");
    let (unknown, silent) =
        (what.contains("knows no address of accounts.invalid"), what.contains("no name server answers"));
    assert!(unknown != silent, "{what}");
    assert!(remedy.contains(if unknown { "how it is written" } else { "resolv.conf" }), "{remedy}");
    assert!(endpoint(&examined).0.contains("name resolution failed"), "{examined}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_there_is_blamed_and_not_the_provider() {
    let (closed, address) = listener();
    drop(closed);
    let home = keeping("https://accounts.invalid/token").await;
    let mut command = home.command(&["doctor", "--json"]);
    command.env("HTTPS_PROXY", format!("http://ada:hunter2@{address}"));
    let examined = ended(&mut command).await;
    let (what, remedy) = one(&examined, "proxy_connection");
    assert!(what.contains(&format!("{address} (HTTPS_PROXY) cannot be reached: it refuses")), "{what}");
    assert!(remedy.contains("change or remove HTTPS_PROXY"), "{remedy}");
    assert!(findings(&examined, "dns").is_empty(), "names are the proxy's business: {examined}");
    assert!(!examined.to_string().contains("hunter2"), "{examined}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contradicting_proxies_are_a_warning() {
    let (_listening, address) = listener();
    let home = Home::new();
    let mut command = home.command(&["doctor", "--json"]);
    command.env("HTTPS_PROXY", format!("http://{address}")).env("https_proxy", "http://127.0.0.1:1");
    let examined = ended(&mut command).await;
    let proxy = findings(&examined, "proxy");
    assert!(
        proxy
            .iter()
            .any(|finding| finding["verdict"] == "warn"
                && text(&finding["remedy"]).contains("unset https_proxy")),
        "{examined}"
    );
    let reached = findings(&examined, "proxy_connection");
    let verdicts: Vec<_> = reached.iter().map(|finding| text(&finding["verdict"])).collect();
    assert_eq!(verdicts, ["ok", "fail"], "each is tried: {examined}");
}
