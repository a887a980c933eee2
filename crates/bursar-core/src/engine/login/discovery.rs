//! A provider from its issuer URL alone (RFC 8414, OIDC Discovery 1.0).

use crate::engine::Engine;
use crate::lifecycle::failure::{self, Cause};
use crate::oauth::metadata::{MetadataError, ServerMetadata, well_known_urls};
use crate::oauth::url::{EndpointUrl, Issuer};
use crate::ports::upstream::Body;
use crate::provider::{Provider, ProviderId};

impl Engine {
    /// Asks the issuer for its metadata, at each place the standards name.
    ///
    /// People add or forget a trailing slash; a server whose own name differs by nothing else is asked by that name, and
    /// must then answer to it exactly.
    pub async fn discover(&self, issuer: &Issuer) -> Result<Provider, DiscoveryError> {
        match self.discover_exactly(issuer).await {
            Err(DiscoveryError::Metadata(MetadataError::IssuerMismatch { expected, found }))
                if expected.trim_end_matches('/') == found.trim_end_matches('/') =>
            {
                match Issuer::parse(&found) {
                    Ok(named) => self.discover_exactly(&named).await,
                    Err(_) => Err(MetadataError::IssuerMismatch { expected, found }.into()),
                }
            }
            other => other,
        }
    }

    async fn discover_exactly(&self, issuer: &Issuer) -> Result<Provider, DiscoveryError> {
        let mut last = None;
        for url in well_known_urls(issuer) {
            match self.metadata_at(&url, issuer).await {
                Ok(metadata) => {
                    metadata.require_pkce()?;
                    return Ok(Provider::from_metadata(ProviderId::of_issuer(issuer), &metadata));
                }
                // Servers without metadata there often answer a page of their own.
                Err(
                    missing @ (DiscoveryError::NoMetadata { .. }
                    | DiscoveryError::Metadata(MetadataError::NotMetadata)),
                ) => {
                    last = Some(missing);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| DiscoveryError::NoMetadata { issuer: issuer.to_string(), status: 404 }))
    }

    async fn metadata_at(
        &self,
        url: &EndpointUrl,
        issuer: &Issuer,
    ) -> Result<ServerMetadata, DiscoveryError> {
        let request = http::Request::get(url.to_string())
            .header(http::header::ACCEPT, "application/json")
            .body(Body::default())
            .map_err(|_| DiscoveryError::NoMetadata { issuer: issuer.to_string(), status: 0 })?;
        let response = self.ports.upstream.send(request, self.general_limits()).await.map_err(|error| {
            DiscoveryError::Unreachable {
                issuer: issuer.to_string(),
                cause: failure::from_send_error(&error).cause,
            }
        })?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(DiscoveryError::NoMetadata { issuer: issuer.to_string(), status });
        }
        Ok(ServerMetadata::read(response.body().expose(), issuer)?)
    }
}

/// Why an issuer URL is not enough.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It could not be asked.
    #[error("{issuer} cannot be reached: {cause}")]
    Unreachable {
        /// The issuer.
        issuer: String,
        /// Why.
        cause: Cause,
    },
    /// It publishes none.
    #[error("{issuer} publishes no authorization server metadata (HTTP {status})")]
    NoMetadata {
        /// The issuer.
        issuer: String,
        /// The last answer's status.
        status: u16,
    },
    /// What it publishes is not acceptable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}
