//! What stands between this computer and a host that cannot be reached: looked at more closely than a call can.
//!
//! Connects once more, address by address, and shows no credential: the TLS handshake ends at the certificate.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use url::Url;

use super::certificate;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Somebody says no at once.
    Refused(SocketAddr),
    /// Nothing comes back.
    Silent(SocketAddr),
    /// There is no way to it.
    Unroutable(SocketAddr),
    /// This computer itself forbids it.
    ForbiddenHere(SocketAddr),
    /// Connections are taken, and broken as soon as something is said.
    Broken(SocketAddr),
    /// The certificate that is shown is signed by this authority.
    SignedBy(String),
}

/// Looks; blocks for at most [`LONGEST`]. `None`: nothing was found, or the name leads nowhere.
pub(super) fn find(url: &Url) -> Option<Obstacle> {
    let host = url.host_str()?;
    let port = url.port_or_known_default()?;
    // Brackets belong to the URL, not to the address inside.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (name, port).to_socket_addrs().ok()?.take(ADDRESSES).collect();
    let mut first = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) if url.scheme() == "https" => return handshake(stream, address, name),
            Ok(_) => return None,
            Err(error) => first = first.or(judge(&error, address)),
        }
    }
    first
}

fn judge(error: &io::Error, address: SocketAddr) -> Option<Obstacle> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Obstacle::Refused(address)),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Obstacle::Silent(address)),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => Some(Obstacle::Unroutable(address)),
        io::ErrorKind::PermissionDenied => Some(Obstacle::ForbiddenHere(address)),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Some(Obstacle::Broken(address)),
        _ => None,
    }
}

/// Begins TLS far enough to see the certificate.
fn handshake(mut stream: TcpStream, address: SocketAddr, name: &str) -> Option<Obstacle> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let witness = Arc::new(Witness {
        provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        seen: Mutex::new(None),
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(&witness.provider))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), server).ok()?;
    let ended = connection.complete_io(&mut stream);
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (seen, ended) {
        (Some(issuer), _) => Some(Obstacle::SignedBy(issuer)),
        (None, Err(error)) => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                Some(Obstacle::Broken(address))
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Obstacle::Silent(address)),
            _ => None,
        },
        (None, Ok(_)) => None,
    }
}

/// Notes who signed, and then says no: nothing is ever sent over a connection that was not verified.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<String>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = certificate::issuer(certificate);
        Err(rustls::Error::General("seen enough".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("seen enough".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("seen enough".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What a host that answers at all needs at most for one step.
const PATIENCE: Duration = Duration::from_millis(1500);

/// One of each family and a spare: more would take longer than anybody waits for a doctor.
const ADDRESSES: usize = 3;

/// All addresses, then reading and writing of the handshake; name resolution has its own limits.
pub(super) const LONGEST: Duration = Duration::from_secs(8);
