//! What is checked at which endpoint, in which order: one table.
//!
//! A check looks at the request and at what the ones before it have found, finds one thing more, or refuses.

mod authorization_request;
mod client_authentication;
mod expected_user;
mod grant_type;
mod known_client;
mod proof;
mod pushed_request;
mod redirect_target;
mod requested_scope;

use futures::future::BoxFuture;

use super::AuthorizationServer;
use super::exchange::KnownClient;
use super::refusal::IssueError;
use crate::oauth::form::Parameters;
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::authorization_request::AuthorizationRequest;
use crate::oauth::server::redirect_uri::RedirectTarget;
use crate::oauth::server::server_metadata::Endpoint;
use crate::secret::Secret;

/// A request, and what has been found out about it so far.
#[derive(Debug)]
pub(super) struct Inquiry<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) parameters: &'a Parameters,
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a Secret>,
    /// The `DPoP` headers.
    pub(super) proofs: &'a [String],
    /// Whether the parameters were pushed before, and not brought by a browser.
    pub(super) pushed: bool,
    /// Who asks.
    pub(super) client: Option<KnownClient>,
    /// Where the answer may be sent.
    pub(super) target: Option<RedirectTarget>,
    /// What is asked of the user.
    pub(super) request: Option<AuthorizationRequest>,
    /// The only user the client wants to hear of, if it says.
    pub(super) expected_user: Option<String>,
    /// What of it may be granted.
    pub(super) scope: Option<Scope>,
    /// The key that was proven.
    pub(super) proof: Option<Thumbprint>,
}

type Check =
    for<'a> fn(&'a AuthorizationServer, &'a mut Inquiry<'_>) -> BoxFuture<'a, Result<(), IssueError>>;

/// The table. Who asks comes first, because who is nobody learns nothing; at the authorization endpoint it decides, with
/// the address, whether a refusal may be sent anywhere at all.
const CHECKS: [(&str, Check, &[Endpoint]); 9] = {
    use Endpoint::{
        Authorization, DeviceAuthorization, Introspection, PushedAuthorizationRequest, Revocation, Token,
    };
    [
        (
            "the client is known",
            |server, inquiry| Box::pin(known_client::check(server, inquiry)),
            &[Authorization],
        ),
        (
            "the client is who it says",
            |server, inquiry| Box::pin(client_authentication::check(server, inquiry)),
            &[Token, PushedAuthorizationRequest, DeviceAuthorization, Introspection, Revocation],
        ),
        (
            "the answer goes to an address of the client",
            |server, inquiry| Box::pin(redirect_target::check(server, inquiry)),
            &[Authorization, PushedAuthorizationRequest],
        ),
        (
            "the request came the way the client has promised",
            |server, inquiry| Box::pin(pushed_request::check(server, inquiry)),
            &[Authorization],
        ),
        (
            "the request is well-formed",
            |server, inquiry| Box::pin(authorization_request::check(server, inquiry)),
            &[Authorization, PushedAuthorizationRequest],
        ),
        (
            "whom the client expects is somebody we told it of",
            |server, inquiry| Box::pin(expected_user::check(server, inquiry)),
            &[Authorization, PushedAuthorizationRequest],
        ),
        (
            "the client may use this grant",
            |server, inquiry| Box::pin(grant_type::check(server, inquiry)),
            &[Authorization, PushedAuthorizationRequest, DeviceAuthorization, Token],
        ),
        (
            "proof of a key holds",
            |server, inquiry| Box::pin(proof::check(server, inquiry)),
            &[Token, PushedAuthorizationRequest],
        ),
        (
            "resources and scope can be granted",
            |server, inquiry| Box::pin(requested_scope::check(server, inquiry)),
            &[Authorization, PushedAuthorizationRequest],
        ),
    ]
};

impl<'a> Inquiry<'a> {
    pub(super) fn new(
        endpoint: Endpoint,
        parameters: &'a Parameters,
        authorization: Option<&'a Secret>,
        proofs: &'a [String],
    ) -> Self {
        Self {
            endpoint,
            parameters,
            authorization,
            proofs,
            pushed: false,
            client: None,
            target: None,
            request: None,
            expected_user: None,
            scope: None,
            proof: None,
        }
    }
}

impl AuthorizationServer {
    /// Every check of the endpoint, in order, until one refuses.
    pub(super) async fn check(&self, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
        // What is given back can be given back at any time.
        if inquiry.endpoint != Endpoint::Revocation {
            self.within.known.in_service().await?;
        }
        for (name, check, endpoints) in CHECKS {
            if endpoints.contains(&inquiry.endpoint) {
                let outcome = check(self, inquiry).await;
                if let Err(error) = outcome {
                    tracing::debug!(check = name, endpoint = ?inquiry.endpoint, %error, "refused");
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}
