//! The door of one session: a socket for one child process, which serves that session's accounts and nothing else.
//!
//! The child may be anything the user runs, so being the right user is not enough here: every call names the session's
//! token, and an account outside the session is refused without a look at whether it exists.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bursar_core::engine::broker::HandOut;
use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::secret::Secret;
use http::StatusCode;
use http::header::AUTHORIZATION;

use super::extract::{Body, Named};
use super::refusal::{self, Refusal};
use super::wire::{TokenDocument, TokenRequest};
use super::{place_of, tokens};
use crate::desk::Desk;

/// Hears of a token before its caller has it.
pub type Told = Arc<dyn Fn(&Arc<HandOut>) + Send + Sync>;

/// What one session may have.
#[derive(Clone)]
pub struct SessionDoor {
    /// Hands out.
    pub desk: Desk,
    /// The sandbox they are in.
    pub sandbox: Option<SandboxName>,
    /// The accounts of the session.
    pub accounts: Arc<[AccountReference]>,
    /// What callers must show.
    pub token: Secret,
    /// Hears of every token that is handed out here.
    pub told: Told,
}

/// The routes of a session's socket.
pub fn session_door(door: SessionDoor) -> Router {
    const HAND_OUT: &str = "/v1/accounts/{account}/token";
    let router = match &door.sandbox {
        // As commands ask for what is in a sandbox, whoever answers.
        Some(name) => Router::new().route(&format!("{}{HAND_OUT}", place_of(name)), post(hand_out)),
        None => Router::new(),
    };
    router
        .route(HAND_OUT, post(hand_out))
        .fallback(refusal::unknown_route)
        .method_not_allowed_fallback(refusal::wrong_method)
        .layer(middleware::from_fn_with_state(door.clone(), admit))
        .with_state(door)
}

async fn admit(State(door): State<SessionDoor>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    // RFC 6750 §2.1; the scheme is compared without regard to case (RFC 9110 §11.1).
    let token = shown.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if token.is_some_and(|(_, token)| Secret::new(token.trim()) == door.token) {
        return next.run(request).await;
    }
    Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "this socket belongs to another session")
        .hint("use it from within the command that `bursar exec --socket` started")
        .into_response()
}

async fn hand_out(
    State(door): State<SessionDoor>,
    Named(account): Named,
    Body(request): Body<TokenRequest>,
) -> Result<Response, Refusal> {
    let Some(reference) = door.meant(&account) else {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "denied", "this session does not have that account")
            .hint("name it before `--` when you start the command with `bursar exec`"));
    };
    let handed = tokens::handed_out_of(&door.desk, reference, &request).await?;
    (door.told)(&handed);
    Ok(TokenDocument::of(&handed, door.desk.now()).into_response())
}

impl std::fmt::Debug for SessionDoor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SessionDoor").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl SessionDoor {
    /// The session's account that `name` means: its reference, its provider's name or its nickname, if only one has it.
    fn meant(&self, name: &str) -> Option<&AccountReference> {
        let lower = name.to_lowercase();
        if let Some(found) = self.accounts.iter().find(|reference| reference.key() == lower) {
            return Some(found);
        }
        let mut named = self.accounts.iter().filter(|reference| {
            reference.provider.as_str() == name || reference.nickname.as_str().to_lowercase() == lower
        });
        named.next().filter(|_| named.next().is_none())
    }
}
