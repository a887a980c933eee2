//! Whom to trust: the system's certificates, `SSL_CERT_FILE` and `SSL_CERT_DIR`, and the configured file.
//!
//! Read once, when the first call needs it: that takes longer than everything else a short command does.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme, WantsVerifier,
};

use crate::config::environment::Environment;

/// Where trusted certificates come from, and the configuration made of them.
#[derive(Debug)]
pub(crate) struct Tls {
    /// Instead of the system's.
    file: Option<PathBuf>,
    /// Instead of the system's, besides `file`.
    folder: Option<PathBuf>,
    /// Besides them.
    additional: Option<PathBuf>,
    trusting: OnceLock<Result<ClientConfig, String>>,
}

impl Tls {
    pub(crate) fn new(environment: &Environment, additional: Option<PathBuf>) -> Self {
        Self {
            file: environment.path("SSL_CERT_FILE"),
            folder: environment.path("SSL_CERT_DIR"),
            additional,
            trusting: OnceLock::new(),
        }
    }

    /// The configuration; one that trusts nobody, and costs nothing, where no certificate will be shown. An error
    /// tells what cannot be read.
    pub(crate) fn config(&self, certificates_matter: bool) -> Result<ClientConfig, String> {
        if certificates_matter {
            self.trusting.get_or_init(|| self.trusting()).clone()
        } else {
            let builder = builder()?;
            Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        }
    }

    fn trusting(&self) -> Result<ClientConfig, String> {
        let mut additional = Vec::new();
        if let Some(path) = &self.additional {
            let unreadable = |error| format!("cannot read the certificates in {}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                additional.push(certificate.map_err(unreadable)?);
            }
            if additional.is_empty() {
                return Err(format!("there is no certificate in {}", path.display()));
            }
        }
        let builder = builder()?;
        let provider = Arc::clone(builder.crypto_provider());
        let verifier = if self.file.is_some() || self.folder.is_some() {
            self.named_instead(additional, provider)?
        } else {
            let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(additional, provider);
            Arc::new(verifier.map_err(|error| format!("the system's certificates cannot be used: {error}"))?)
        };
        let verifier = Arc::new(TellingSelfSigned(verifier));
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        // One request a connection: HTTP/2 would bring nothing but its own ways to fail.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's certificates, as with OpenSSL.
    fn named_instead(
        &self,
        additional: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, String> {
        let found = rustls_native_certs::load_certs_from_paths(self.file.as_deref(), self.folder.as_deref());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs.into_iter().chain(additional));
        if roots.is_empty() {
            let why = found.errors.first().map(ToString::to_string).unwrap_or_default();
            return Err(format!("SSL_CERT_FILE and SSL_CERT_DIR name no usable certificate {why}"));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(verifier.map_err(|error| format!("the certificates cannot be used: {error}"))?)
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

/// Verifies as the inner verifier does, but tells a self-signed certificate from one of an unknown authority: the
/// remedies differ.
#[derive(Debug)]
struct TellingSelfSigned(Arc<dyn ServerCertVerifier>);

/// Why a certificate is refused.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is self-signed")]
pub(super) struct SelfSigned;

impl ServerCertVerifier for TellingSelfSigned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.0.verify_server_cert(certificate, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            ) if is_self_signed(certificate) => {
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(SelfSigned))))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}
