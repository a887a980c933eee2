//! The userinfo endpoint (OIDC Core §5.3).

use serde_json::json;

use super::resource::{bearer_grant, unauthorized};
use crate::answer::Answer;
use crate::state::Exchange;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    let Some(grant) = bearer_grant(exchange) else { return unauthorized(exchange) };
    let swapped = exchange.state.behaviour.token.refreshed_identity.clone();
    match swapped.or(grant.identity) {
        Some(identity) => {
            let claims = json!({
                "sub": identity.sub,
                "email": identity.email,
                "email_verified": true,
                "name": identity.name,
            });
            Answer::json(200, &claims)
        }
        // RFC 6750 §3.1: a client's own token speaks of no person.
        None => {
            Answer::empty(403).with_header("www-authenticate", "Bearer error=\"insufficient_scope\"".into())
        }
    }
}
