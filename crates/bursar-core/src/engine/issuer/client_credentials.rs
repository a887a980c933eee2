//! The client credentials grant (RFC 6749 §4.4): a client in its own name. Nothing is stored: what it gets ends soon, and
//! sooner if the client is removed.

use super::AuthorizationServer;
use super::answer::TokenAnswer;
use super::exchange::{Requester, TokenRequest};
use super::minting::Mandate;
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;

impl AuthorizationServer {
    /// A token for the client itself.
    pub(super) async fn client_token(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, IssueError> {
        let client = request.client();
        if !client.is_confidential() {
            return Err(Refusal::new(
                ErrorCode::UnauthorizedClient,
                "only a client that proves itself gets tokens in its own name",
            )
            .into());
        }
        let resources = request.resources()?;
        let asked = request.scope()?;
        let scope = self.own_scope(client, &resources, asked.as_ref()).await?;
        let stamp = self.stamp(&resources, None).await?;
        let mandate = Mandate {
            requester: Requester::Client,
            client,
            scope: &scope,
            resources: &resources,
            sender_key: request.proven_key(),
        };
        Ok(TokenAnswer {
            access_token: self.access_token(&mandate, &stamp).await?,
            token_type: request.token_type(),
            expires_at: stamp.expires_at,
            refresh_token: None,
            id_token: None,
            scope,
        })
    }
}
