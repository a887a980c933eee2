//! What happens at the authorization server, as it happens: who is signed out above all, so that applications can end
//! sessions of their own at once.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::admission::Access;
use bursar_core::secret::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::door::Acting;
use crate::http::events::{MayListen, Messages, Since, follow};
use crate::http::refusal::Refusal;

/// The same stream as the agent's, whose description is that of both.
pub(super) async fn stream(
    Acting(server): Acting,
    since: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Messages, Refusal> {
    let token = headers.get(AUTHORIZATION).and_then(|shown| shown.to_str().ok()?.split_once(' '));
    let token = Secret::new(token.map(|(_, token)| token.trim()).unwrap_or_default());
    follow(server.engine().clone(), since, &headers, while_good(server.clone(), token)).await
}

/// The door has let the token in; while its bearer listens it may end, or whose it is may lose the right to look.
fn while_good(server: AuthorizationServer, token: Secret) -> MayListen {
    Box::new(move || {
        let (server, token) = (server.clone(), token.clone());
        Box::pin(async move {
            let Ok(Some(token)) = server.valid_access_token(&token).await else { return false };
            server.administrator_by(&token, Access::Read).await.is_ok()
        })
    })
}
