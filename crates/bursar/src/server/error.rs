//! Why a server cannot start, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::exit::{Exit, Failure};

/// A server that does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The system gives the address to nobody, or not to this process.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The sockets that were handed over cannot be used.
    #[error("the sockets of the service manager cannot be used")]
    HandedOver(#[source] io::Error),
    /// There is nothing to listen on.
    #[error("there is no address to listen on")]
    NoAddress,
    /// Plain HTTP would leave this machine.
    #[error("{address} can be reached from other machines, and nothing would be encrypted")]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// Other machines need a name for the server.
    #[error("a server that other machines can reach at {address} needs a public URL")]
    Nameless {
        /// The address.
        address: SocketAddr,
    },
    /// One of certificate and key is not configured.
    #[error("`server.tls_certificate` and `server.tls_key` belong together, and one is missing")]
    HalfACertificate,
    /// Certificate and key cannot be used.
    #[error("the server's certificate cannot be used")]
    Certificate(#[source] CertificateError),
}

/// What is wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file has not what belongs into it.
    #[error("{} has no {wanted} in PEM", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// A certificate, or a private key.
        wanted: &'static str,
    },
    /// It is not a certificate, or not a key.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The key is of a kind that TLS does not know.
    #[error("the key in {} is of a kind that cannot be used", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// They are of two different pairs.
    #[error("the key in {} does not fit the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// TLS itself refuses.
    #[error("TLS does not take them: {detail}")]
    Refused {
        /// In the library's words.
        detail: String,
    },
}

impl ServerError {
    fn hint(&self) -> String {
        match self {
            Self::Listen { address, source } => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    "another server may run already; choose an address with `--listen`".to_owned()
                }
                io::ErrorKind::PermissionDenied if address.port() < FIRST_FREE_PORT => {
                    "ports below 1024 are for the system; listen on a higher one behind a proxy, or let systemd open \
                     the socket"
                        .to_owned()
                }
                io::ErrorKind::AddrNotAvailable => {
                    "this machine has no such address; choose another one with `--listen`".to_owned()
                }
                _ => "choose another address with `--listen`".to_owned(),
            },
            Self::HandedOver(_) => "give it stream sockets (`ListenStream=` with an address and a port)".to_owned(),
            Self::NoAddress => "give one with `--listen` or `server.listen`".to_owned(),
            Self::Exposed { .. } => {
                "set `server.tls_certificate` and `server.tls_key`, or name the proxy in front of it in \
                 `server.trusted_proxies`"
                    .to_owned()
            }
            Self::Nameless { .. } => {
                "set `server.public_url` to the https URL everybody knows it by, or give `--public-url`".to_owned()
            }
            Self::HalfACertificate => "set both, or neither".to_owned(),
            Self::Certificate(CertificateError::Mismatch { .. }) => {
                "the file with the certificate starts with the server's own, and those that vouch for it follow".to_owned()
            }
            Self::Certificate(_) => "check `server.tls_certificate` and `server.tls_key`".to_owned(),
        }
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let exit = match &error {
            ServerError::NoAddress
            | ServerError::Exposed { .. }
            | ServerError::Nameless { .. }
            | ServerError::HalfACertificate => Exit::Usage,
            ServerError::Listen { .. } | ServerError::HandedOver(_) | ServerError::Certificate(_) => {
                Exit::Error
            }
        };
        let hint = error.hint();
        Self::of(exit, &error).hint(hint)
    }
}

const FIRST_FREE_PORT: u16 = 1024;
