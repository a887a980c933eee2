//! The server's certificate: read from two files, and read again when they change.
//!
//! Connections that stand are not touched. Files that cannot be used, as between the writing of one and of the other,
//! leave the certificate in force as it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use bursar_core::ports::clock::Clock;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};

use super::error::{CertificateError, ServerError};

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The server's certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A certificate in force.
#[derive(Clone, Debug)]
pub struct Certificate {
    files: CertificateFiles,
    current: Arc<Current>,
    provider: Arc<CryptoProvider>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl CertificateFiles {
    /// What two keys of the configuration mean together; `None`: no TLS.
    ///
    /// # Errors
    /// Only one of them is there.
    pub fn of(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Self>, ServerError> {
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            _ => Err(ServerError::HalfACertificate),
        }
    }

    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unreadable(&self.key, error, "private key"))?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| CertificateError::Key { path: self.key.clone() })?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|error| match error {
            Error::InconsistentKeys(_) => {
                CertificateError::Mismatch { key: self.key.clone(), certificate: self.certificate.clone() }
            }
            _ => CertificateError::Damaged { path: self.certificate.clone() },
        })?;
        Ok(certified)
    }

    /// What tells one version of the files from another without reading them.
    fn state(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read, are not what they should be, or do not fit each other.
    pub fn load(files: CertificateFiles) -> Result<Self, ServerError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certified = files.read(&provider).map_err(ServerError::Certificate)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(certified))));
        let refused =
            |error: Error| ServerError::Certificate(CertificateError::Refused { detail: error.to_string() });
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files, current, provider, config: Arc::new(config) })
    }

    /// For the connections to come; follows every change of the certificate.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Takes over changed files, for ever.
    pub async fn follow(&self, clock: &dyn Clock) {
        let mut seen = self.files.state();
        loop {
            clock.sleep(LOOK_AGAIN).await;
            let found = self.files.state();
            if found != seen {
                seen = found;
                self.read_again();
            }
        }
    }

    fn read_again(&self) {
        match self.files.read(&self.provider) {
            Ok(certified) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                tracing::info!(file = %self.files.certificate.display(), "the new certificate is in force");
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used; the old one stays in force");
            }
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let failed = |error| unreadable(path, error, "certificate");
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(failed)?.collect();
    let chain = chain.map_err(failed)?;
    if chain.is_empty() {
        return Err(CertificateError::Missing { path: path.to_owned(), wanted: "certificate" });
    }
    Ok(chain)
}

fn unreadable(path: &Path, error: pem::Error, wanted: &'static str) -> CertificateError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => CertificateError::Unreadable { path, source },
        pem::Error::NoItemsFound => CertificateError::Missing { path, wanted },
        _ => CertificateError::Damaged { path },
    }
}

/// What a connection speaks when both sides know it (RFC 9113 §3.2).
pub(super) const HTTP_2: &[u8] = b"h2";
/// A renewed certificate has days left on the old one; people who have just written one want to see it. Looking at two
/// files costs next to nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
