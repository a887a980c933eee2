//! What a client may ask for (RFC 6749 §3.3).

use super::AuthorizationServer;
use super::records::client::{Client, ClientOrigin};
use super::records::user::User;
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::server::resource::ResourceSet;

impl AuthorizationServer {
    /// What there is for `client` of what it asks a user for. What nobody here knows, or what it may not have, is left out:
    /// clients ask for more than they need, and are told what they got. Only a request of which nothing is left is refused.
    pub(super) async fn offered_scope(
        &self,
        client: &Client,
        resources: &ResourceSet,
        asked: Option<&Scope>,
    ) -> Result<Scope, IssueError> {
        // Whoever brought itself may look like a program of ours to an administrator, who would agree.
        let is_trusted = client.origin == ClientOrigin::Administrator;
        let besides = |token: &str| {
            SIGN_IN_SCOPES.contains(&token)
                || (is_trusted && resources.is_empty() && is_of_administration(token))
        };
        self.narrowed_scope(client, resources, asked, besides).await
    }

    /// What there is for `client` in its own name.
    pub(super) async fn own_scope(
        &self,
        client: &Client,
        resources: &ResourceSet,
        asked: Option<&Scope>,
    ) -> Result<Scope, IssueError> {
        // Scopes of administration are only had by name.
        let named = |token: &str| client.scope.as_ref().is_some_and(|scope| scope.contains(token));
        let besides = |token: &str| resources.is_empty() && is_of_administration(token) && named(token);
        self.narrowed_scope(client, resources, asked, besides).await
    }

    async fn narrowed_scope(
        &self,
        client: &Client,
        resources: &ResourceSet,
        asked: Option<&Scope>,
        besides: impl Fn(&str) -> bool,
    ) -> Result<Scope, IssueError> {
        let resources = self.known_resources(resources).await?;
        let of_resources = || resources.iter().flat_map(|resource| resource.document.scopes.keys());
        let allowed = |token: &str| client.scope.as_ref().is_none_or(|scope| scope.contains(token));
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
            // Who does not say gets what the resources are for, and the user sees what that is.
            let all: Vec<&str> = of_resources().map(String::as_str).filter(|token| allowed(token)).collect();
            return Ok(Scope::parse(&all.join(" ")).unwrap_or_default());
        };
        let offered = |token: &str| besides(token) || of_resources().any(|known| known == token);
        let scope = asked.only(|token| offered(token) && allowed(token));
        if scope.is_empty() {
            let refusal = Refusal::new(ErrorCode::InvalidScope, "nothing of this scope can be granted");
            let reason = format!("of `{asked}` nothing is offered by the resources or allowed to the client");
            return Err(refusal.because(reason).into());
        }
        Ok(scope)
    }
}

/// What of `scope` a client may have in the name of `user`: scopes of administration only from those who have them.
pub(super) fn in_the_name_of(user: &User, scope: &Scope) -> Scope {
    scope.only(|token| !is_of_administration(token) || user.scopes.iter().any(|own| own == token))
}

/// What somebody may say of itself who has not said who they are: not that it asks for scopes of administration.
pub(super) fn without_administration(metadata: ClientMetadata) -> ClientMetadata {
    let scope = metadata.scope.as_ref().map(|scope| scope.only(|token| !is_of_administration(token)));
    ClientMetadata { scope: scope.filter(|scope| !scope.is_empty()), ..metadata }
}

/// What this server itself offers to clients that sign users in (OIDC Core §5.4, §11).
pub const SIGN_IN_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

fn is_of_administration(token: &str) -> bool {
    ADMINISTRATION_SCOPES.contains(&token) || token == SANDBOXES_SCOPE
}

/// What lets clients change this server.
pub const ADMINISTRATION_SCOPES: [&str; 2] = ["bursar:read", "bursar:admin"];
/// What lets clients look after the server's sandboxes. Nobody has it by the others: what happens in a sandbox is not the
/// business of who looks after the server's own clients and users.
pub const SANDBOXES_SCOPE: &str = "bursar:sandboxes";
