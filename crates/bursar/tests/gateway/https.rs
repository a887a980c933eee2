//! Upstreams by TLS: HTTP/2 where they speak it, certificates by `network.ca_file`, and the way through a proxy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use futures::future::join_all;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::upstream::beside;
use super::world::{World, add_token, address, client, refusal, route};
use crate::support::{Running, write_private};

/// A server behind a certificate of its own authority.
struct Encrypted {
    address: SocketAddr,
    authority: String,
    versions: Arc<Mutex<Vec<Version>>>,
    connections: Arc<AtomicUsize>,
}

impl Encrypted {
    /// A server for `name` that repeats request bodies, but for `/large`, and speaks these protocols.
    async fn start(name: &str, protocols: &[&[u8]]) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let versions: Arc<Mutex<Vec<Version>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (seen, counted) = (Arc::clone(&versions), Arc::clone(&connections));
        beside(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                beside(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request: Request<Incoming>| {
                        let seen = Arc::clone(&seen);
                        async move {
                            assert!(request.headers().contains_key("authorization"));
                            seen.lock().unwrap().push(request.version());
                            if request.uri().path() == "/large" {
                                return Ok(Response::new(Full::new(LARGE.clone())));
                            }
                            let body: Bytes = request.into_body().collect().await.unwrap().to_bytes();
                            Ok::<_, std::convert::Infallible>(Response::new(Full::new(body)))
                        }
                    });
                    let server = auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection_with_upgrades(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { address, authority: authority.pem(), versions, connections }
    }

    fn versions(&self) -> Vec<Version> {
        self.versions.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_where_the_upstream_offers_it_and_http_1_elsewhere() {
    for (protocols, version) in [
        (&[b"h2".as_slice(), b"http/1.1"][..], Version::HTTP_2),
        (&[b"http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let upstream = Encrypted::start("127.0.0.1", protocols).await;
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, &upstream.authority).unwrap();
        let config = format!(
            "[network]\nca_file = \"{}\"\n{}",
            ca_file.display(),
            route("api", &format!("https://{}", upstream.address))
        );
        let world = World::with(&config).await;
        for body in ["one", "two", ""] {
            let answer = world.post("/x", body).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.version(), Version::HTTP_11);
            assert_eq!(answer.text().await.unwrap(), body);
        }
        // No length is known of this one.
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        let request = format!(
            "POST /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n5\r\nthree\r\n0\r\n\r\n",
            world.address(),
            world.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("three"), "{answer}");
        assert_eq!(upstream.versions(), [version; 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_requests_share_a_connection_where_the_upstream_speaks_http_2() {
    let upstream = Encrypted::start("127.0.0.1", &[b"h2", b"http/1.1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, &upstream.authority).unwrap();
    let config = format!(
        "[network]\nca_file = \"{}\"\n{}",
        ca_file.display(),
        route("api", &format!("https://{}", upstream.address))
    );
    let world = World::with(&config).await;
    for _ in 0..2 {
        let answers = join_all((0..64).map(|_| world.post("/x", "hello").send())).await;
        for answer in answers {
            assert_eq!(answer.unwrap().text().await.unwrap(), "hello");
        }
    }
    assert_eq!(upstream.versions(), [Version::HTTP_2; 128]);
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_do_not_read_keep_no_others_from_the_same_upstream() {
    let upstream = Encrypted::start("127.0.0.1", &[b"h2"]).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, &upstream.authority).unwrap();
    let config = format!(
        "[network]\nca_file = \"{}\"\n{}",
        ca_file.display(),
        route("api", &format!("https://{}", upstream.address))
    );
    let world = World::with(&config).await;
    let mut stuck = Vec::new();
    for _ in 0..16 {
        // Little is on its way to such a caller, so it is stuck at once.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(world.address().parse().unwrap()).await.unwrap();
        let request = format!(
            "GET /gateway/api/large HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\n\r\n",
            world.address(),
            world.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(super::client::head(&mut stream).await.starts_with("HTTP/1.1 200"));
        stuck.push(stream);
    }
    // Those that read go on all the while.
    for _ in 0..200 {
        let answer = world.post("/x", vec![b'a'; 64 * 1024]).timeout(Duration::from_secs(20)).send();
        assert_eq!(answer.await.unwrap().bytes().await.unwrap().len(), 64 * 1024);
    }
    assert_eq!(stuck.len(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_leaves_for_an_upstream_whose_certificate_nobody_vouches_for() {
    let upstream = Encrypted::start("127.0.0.1", &[b"h2", b"http/1.1"]).await;
    let world = World::with(&route("api", &format!("https://{}", upstream.address))).await;
    let answer = world.get("/x").send().await.unwrap();
    assert_eq!(refusal(answer).await, (502, "upstream_unreachable".to_owned()));
    assert!(upstream.versions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_environment_leads_to_upstreams_elsewhere() {
    let upstream = Encrypted::start("api.elsewhere.test", &[b"h2", b"http/1.1"]).await;
    let (proxy, asked) = connect_proxy(upstream.address).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    write_private(&ca_file, &upstream.authority);
    let config = format!(
        "[network]\nca_file = \"{}\"\n[gateway.routes.api]\naccount = \"work\"\n\
         upstream = \"https://api.elsewhere.test/base\"\nhosts = [\"api.elsewhere.test\"]\n",
        ca_file.display(),
    );
    let world = World::with(&config).await;
    let mut command = world.home.command(&["gateway", "--listen", "127.0.0.1:0"]);
    let mut gateway = Running::of(command.env("HTTPS_PROXY", format!("http://ada:secret@{proxy}")));
    let url = address(&mut gateway).await;
    let token = add_token(&world.home, &["proxied"]).await;
    let request = client().post(format!("{url}/gateway/api/x")).bearer_auth(token).body("hello");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "hello");
    let asked = asked.lock().unwrap().clone();
    assert!(asked.starts_with("CONNECT api.elsewhere.test:443 "), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic YWRhOnNlY3JldA=="), "{asked}");
}

/// A proxy that leads everything to `target`, and keeps what it was asked last.
async fn connect_proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<String>> = Arc::default();
    let kept = Arc::clone(&asked);
    beside(async move {
        loop {
            let (mut caller, _) = listener.accept().await.unwrap();
            let request = super::client::head(&mut caller).await;
            *kept.lock().unwrap() = request;
            caller.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut upstream = TcpStream::connect(target).await.unwrap();
            beside(async move { drop(copy_bidirectional(&mut caller, &mut upstream).await) });
        }
    });
    (address, asked)
}

/// Far more than sockets and buffers on the way hold.
static LARGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![0; 64 * 1024 * 1024]));
