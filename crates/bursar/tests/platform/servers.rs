//! Small servers on 127.0.0.1 that behave as badly as a test wants.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server does with a connection.
type Behaviour = dyn Fn(TcpStream) + Send + Sync;

/// A server; its thread ends with the test process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(behaviour: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), behaviour)
    }

    pub(crate) fn on(listener: TcpListener, behaviour: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                let (stream, behaviour) = (stream.unwrap(), Arc::clone(&behaviour));
                std::thread::spawn(move || behaviour(stream));
            }
        });
        Self { address, connections }
    }

    /// How many connections it was asked for.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

/// An address nobody listens on.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Reads one request head and the body its length announces.
pub(crate) fn read_request(stream: &mut impl std::io::Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0_u8; 1];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    });
    let mut body = vec![0_u8; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// Reads a request and answers with these bytes, then closes.
pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Server {
    let answer = answer.into();
    Server::start(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(&answer).unwrap();
    })
}

/// Answers 200 and keeps what was asked.
pub(crate) fn recording() -> (Server, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let server = Server::start(move |mut stream| {
        kept.lock().unwrap().push(read_request(&mut stream));
        stream.write_all(OK).unwrap();
    });
    (server, requests)
}

/// The smallest good answer.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-kind: good\r\n\r\nok";

/// Waits until the other side is gone.
pub(crate) fn hold(mut stream: TcpStream) {
    let mut sink = [0_u8; 4096];
    while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
}

/// A certificate with its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// An authority that signs certificates of every sort.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificate for `name`, valid from the first year to the second.
    pub(crate) fn identity(&self, name: &str, years: (i32, i32)) -> Identity {
        let (parameters, key) = leaf(name, years);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        identity(&certificate, &key)
    }
}

/// A certificate that vouches for itself.
pub(crate) fn self_signed(name: &str) -> Identity {
    let (parameters, key) = leaf(name, VALID);
    identity(&parameters.self_signed(&key).unwrap(), &key)
}

/// Years around every test run.
pub(crate) const VALID: (i32, i32) = (2020, 2090);

fn leaf(name: &str, (from, to): (i32, i32)) -> (CertificateParams, KeyPair) {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "a server of tests");
    parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
    (parameters, KeyPair::generate().unwrap())
}

fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity { chain: vec![certificate.der().clone()], key }
}

/// A TLS server that answers 200.
pub(crate) fn tls(identity: Identity) -> Server {
    tls_with(identity, OK)
}

/// A TLS server that reads a request, answers with these bytes, and closes.
pub(crate) fn tls_with(identity: Identity, answer: &'static [u8]) -> Server {
    tls_on(TcpListener::bind("127.0.0.1:0").unwrap(), identity, answer)
}

/// The same on a socket there is.
pub(crate) fn tls_on(
    listener: TcpListener,
    identity: Identity,
    answer: impl AsRef<[u8]> + Send + Sync + 'static,
) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    let config = Arc::new(config);
    Server::on(listener, move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        // A client that refuses the certificate goes away in the middle of the handshake.
        if stream.conn.complete_io(&mut stream.sock).is_ok() {
            read_request(&mut stream);
            let _ = stream.write_all(answer.as_ref());
        }
    })
}

/// A proxy for CONNECT that leads every name to `target`, and keeps the requests it saw.
pub(crate) fn connect_proxy(target: SocketAddr) -> (Server, Arc<Mutex<Vec<String>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let server = Server::start(move |mut client| {
        kept.lock().unwrap().push(read_request(&mut client));
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut server = TcpStream::connect(target).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let _ = std::io::copy(&mut server, &mut client);
    });
    (server, requests)
}
