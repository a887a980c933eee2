//! The token endpoint and its siblings: checks first, then the use case.

use super::AuthorizationServer;
use super::answer::TokenAnswer;
use super::checks::Inquiry;
use super::exchange::{Source, TokenRequest};
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::server::access_token::AccessToken;
use crate::oauth::server::client_metadata::GrantType;
use crate::oauth::server::server_metadata::Endpoint;
use crate::secret::Secret;

/// A request of a client, as it came.
#[derive(Debug)]
pub struct ClientRequest<'a> {
    /// Its form.
    pub parameters: &'a Parameters,
    /// The `Authorization` header.
    pub authorization: Option<&'a Secret>,
    /// The `DPoP` headers.
    pub proofs: &'a [String],
    /// Where it comes from.
    pub source: &'a Source,
}

impl AuthorizationServer {
    /// Tokens for a grant (RFC 6749 §3.2).
    pub async fn token(&self, request: &ClientRequest<'_>) -> Result<TokenAnswer, IssueError> {
        let request = self.believed(Endpoint::Token, request).await?;
        match request.parameters.value("grant_type").and_then(GrantType::from_name) {
            Some(GrantType::RefreshToken) => self.refresh(&request).await,
            // On the heap: both do far more than what is asked for every few minutes, and would make that as large.
            Some(GrantType::AuthorizationCode) => Box::pin(self.redeem_code(&request)).await,
            Some(GrantType::DeviceCode) => Box::pin(self.redeem_device(&request)).await,
            Some(GrantType::ClientCredentials) => self.client_token(&request).await,
            _ => {
                Err(Refusal::new(ErrorCode::UnsupportedGrantType, "this server does not know the grant type")
                    .into())
            }
        }
    }

    /// What a resource may know of a token (RFC 7662); `None`: nothing but that it is not good.
    pub async fn introspection(
        &self,
        request: &ClientRequest<'_>,
    ) -> Result<Option<AccessToken>, IssueError> {
        let request = self.believed(Endpoint::Introspection, request).await?;
        if !request.client().is_confidential() {
            return Err(
                Refusal::new(ErrorCode::InvalidClient, "only a client that proves itself may ask").into()
            );
        }
        self.introspect(request.client(), &request.required_secret("token")?).await
    }

    /// Ends a token (RFC 7009).
    pub async fn revocation(&self, request: &ClientRequest<'_>) -> Result<(), IssueError> {
        let request = self.believed(Endpoint::Revocation, request).await?;
        self.revoke_shown(&request).await
    }

    pub(super) async fn believed<'a>(
        &self,
        endpoint: Endpoint,
        request: &ClientRequest<'a>,
    ) -> Result<TokenRequest<'a>, IssueError> {
        let ClientRequest { parameters, authorization, proofs, source } = *request;
        let mut inquiry = Inquiry::new(endpoint, parameters, authorization, proofs);
        self.check(&mut inquiry).await?;
        let client = inquiry
            .client
            .take()
            .ok_or_else(|| Refusal::new(ErrorCode::InvalidClient, "who asks is not known"))?;
        Ok(TokenRequest { client, parameters, source, proof: inquiry.proof })
    }
}
