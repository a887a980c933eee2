//! TLS before a server that speaks none, by an authority that nobody but this program knows.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bursar::system::TokioTasks;
use bursar_core::ports::tasks::Tasks as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where it listens, and whom to trust; it serves as long as the runtime lives.
#[derive(Debug)]
pub(crate) struct TlsFront {
    /// `https://…` without a slash at the end.
    pub(crate) origin: String,
    /// The authority's certificate as PEM.
    pub(crate) authority: String,
}

impl TlsFront {
    /// Passes everything on to `behind`.
    pub(crate) async fn start(behind: SocketAddr) -> Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let leaf = CertificateParams::new(vec![address.ip().to_string()])?.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(vec![leaf.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let tasks = TokioTasks::new();
        let connections = tasks.clone();
        tasks.spawn(Box::pin(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(Box::pin(async move {
                    // A connection that fails is seen by whoever made it.
                    let _gone = pass_on(&acceptor, stream, behind).await;
                }));
            }
        }));
        Ok(Self { origin: format!("https://{address}"), authority: authority.pem() })
    }
}

async fn pass_on(acceptor: &TlsAcceptor, stream: TcpStream, behind: SocketAddr) -> std::io::Result<()> {
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(behind).await?;
    copy_bidirectional(&mut outside, &mut inside).await.map(drop)
}
