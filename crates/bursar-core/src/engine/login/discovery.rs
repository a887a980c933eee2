//! A provider from its issuer URL alone (RFC 8414, OIDC Discovery 1.0).

use crate::engine::Engine;
use crate::lifecycle::failure::{self, Cause};
use crate::oauth::metadata::{MetadataError, ServerMetadata, well_known_urls};
use crate::oauth::protected_resource::ResourceMetadataError;
use crate::oauth::url::{EndpointUrl, Issuer, UrlError};
use crate::ports::upstream::{Body, SendLimits, UrlOrigin};
use crate::provider::{Provider, ProviderId};

impl Engine {
    /// Asks the issuer for its metadata, at each place the standards name.
    ///
    /// People add or forget a trailing slash; a server whose own name differs by nothing else is asked by that name, and
    /// must then answer to it exactly.
    pub async fn discover(&self, issuer: &Issuer) -> Result<Provider, DiscoveryError> {
        let metadata = self.server_metadata(issuer, UrlOrigin::Configured).await?;
        metadata.require_pkce()?;
        Ok(Provider::from_metadata(ProviderId::of_issuer(&metadata.issuer), &metadata))
    }

    /// The same as it is written; `origin` says who named the issuer.
    pub(super) async fn server_metadata(
        &self,
        issuer: &Issuer,
        origin: UrlOrigin,
    ) -> Result<ServerMetadata, DiscoveryError> {
        match self.exact_metadata(issuer, origin).await {
            Err(DiscoveryError::Metadata(MetadataError::IssuerMismatch { expected, found }))
                if expected.trim_end_matches('/') == found.trim_end_matches('/') =>
            {
                match Issuer::parse(&found) {
                    Ok(named) => self.exact_metadata(&named, origin).await,
                    Err(_) => Err(MetadataError::IssuerMismatch { expected, found }.into()),
                }
            }
            other => other,
        }
    }

    async fn exact_metadata(
        &self,
        issuer: &Issuer,
        origin: UrlOrigin,
    ) -> Result<ServerMetadata, DiscoveryError> {
        let mut last = None;
        for url in well_known_urls(issuer) {
            match self.metadata_at(&url, issuer, origin).await {
                Ok(metadata) => return Ok(metadata),
                // Servers without metadata there often answer a page of their own.
                Err(missing) if missing.is_absence() => last = Some(missing),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| DiscoveryError::NoMetadata { issuer: issuer.to_string(), status: 404 }))
    }

    async fn metadata_at(
        &self,
        url: &EndpointUrl,
        issuer: &Issuer,
        origin: UrlOrigin,
    ) -> Result<ServerMetadata, DiscoveryError> {
        let request = http::Request::get(url.to_string())
            .header(http::header::ACCEPT, "application/json")
            .body(Body::default())
            .map_err(|_| DiscoveryError::NoMetadata { issuer: issuer.to_string(), status: 0 })?;
        let limits = SendLimits { origin, ..self.general_limits() };
        let response =
            self.ports.upstream.send(request, limits).await.map_err(|error| DiscoveryError::Unreachable {
                issuer: issuer.to_string(),
                cause: failure::from_send_error(&error).cause,
            })?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(DiscoveryError::NoMetadata { issuer: issuer.to_string(), status });
        }
        Ok(ServerMetadata::read(response.body().expose(), issuer)?)
    }
}

/// Why a URL is not enough.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It is none that a token may be asked from.
    #[error(transparent)]
    Url(#[from] UrlError),
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
    /// A protected resource says nothing of who issues its tokens.
    #[error("{url} wants a token (HTTP 401), but does not say from whom")]
    NoResourceMetadata {
        /// The resource.
        url: String,
    },
    /// Neither a protected resource nor its host publishes anything.
    #[error("{url} wants a token (HTTP 401), and neither it nor its host says from whom")]
    Silent {
        /// The resource.
        url: String,
    },
    /// What a protected resource says of itself is not acceptable.
    #[error(transparent)]
    Resource(#[from] ResourceMetadataError),
    /// Several issue tokens for a resource, and nobody says which is meant.
    #[error("{url} takes tokens of several authorization servers: {}", issuers.join(", "))]
    SeveralIssuers {
        /// The resource.
        url: String,
        /// Who they are.
        issuers: Vec<String>,
    },
    /// The issuer that was asked for does not issue tokens for the resource.
    #[error("{url} does not take tokens of {wanted}{}", others(issuers))]
    OtherIssuer {
        /// The resource.
        url: String,
        /// Who was asked for.
        wanted: String,
        /// Whose tokens it takes.
        issuers: Vec<String>,
    },
    /// A server elsewhere sends tokens to this machine.
    #[error("{issuer} is elsewhere, but names {endpoint} on this machine")]
    PointsHere {
        /// The issuer.
        issuer: String,
        /// What it names.
        endpoint: &'static str,
    },
}

impl DiscoveryError {
    /// Whether there is simply nothing, so that looking elsewhere is right.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::NoMetadata { .. } | Self::Metadata(MetadataError::NotMetadata))
    }
}

fn others(issuers: &[String]) -> String {
    if issuers.is_empty() { String::new() } else { format!(", but of {}", issuers.join(", ")) }
}
