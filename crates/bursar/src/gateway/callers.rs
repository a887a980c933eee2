//! Who calls: the named token or the session behind a request, and what that opens.
//!
//! What was found out counts for less than a second, so that a token that is taken back is refused at once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::StoreError;
use bursar_core::secret::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::headers::{API_KEY, BURSAR_TOKEN};
use super::refusal::Refusal;
use crate::desk::Desk;
use crate::exit::Failure;

/// Somebody the gateway acts for.
#[derive(Debug)]
pub(super) struct Caller {
    /// What the request log calls it.
    pub(super) name: String,
    opens: Opens,
}

/// What a caller may use.
#[derive(Debug)]
enum Opens {
    Everything,
    Routes(Vec<String>),
    Accounts(Vec<AccountReference>),
}

impl Caller {
    /// Refuses a route the caller may not use. Asked before it is known whether there is such a route.
    pub(super) fn check_route(&self, route: &str) -> Result<(), Refusal> {
        match &self.opens {
            Opens::Routes(routes) if !routes.iter().any(|open| open == route) => Err(Self::closed()),
            Opens::Everything | Opens::Routes(_) | Opens::Accounts(_) => Ok(()),
        }
    }

    /// Refuses an account the caller may not use.
    pub(super) fn check_account(&self, account: &AccountReference) -> Result<(), Refusal> {
        match &self.opens {
            Opens::Accounts(accounts) if !accounts.iter().any(|open| open.key() == account.key()) => {
                Err(Self::closed())
            }
            Opens::Everything | Opens::Routes(_) | Opens::Accounts(_) => Ok(()),
        }
    }

    fn closed() -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, "route_refused", "the gateway token does not open this route")
            .hint("make one that does: bursar gateway token add NAME --route ROUTE")
    }
}

/// Finds callers by their tokens.
#[derive(Debug)]
pub(super) struct Callers {
    desk: Desk,
    clock: Arc<dyn Clock>,
    /// By a hash of their tokens that is another one in every process.
    known: Mutex<HashMap<u64, Known>>,
    hashes: RandomState,
}

#[derive(Debug)]
struct Known {
    token: Secret,
    caller: Arc<Caller>,
    since: Duration,
}

impl Callers {
    pub(super) fn new(desk: Desk, clock: Arc<dyn Clock>) -> Self {
        Self { desk, clock, known: Mutex::default(), hashes: RandomState::new() }
    }

    /// The caller of a request, by the first of its tokens that is one.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
        for token in shown(headers) {
            if let Some(caller) = self.remembered(&token) {
                return Ok(caller);
            }
            // Apart, because it is large and seldom needed.
            if let Some(caller) = Box::pin(self.looked_up(&token)).await.map_err(Failure::from)? {
                let caller = Arc::new(caller);
                self.remember(token, &caller);
                return Ok(caller);
            }
        }
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", "a gateway token is needed")
            .hint("make one with `bursar gateway token add NAME` and send it as `Authorization: Bearer`"))
    }

    async fn looked_up(&self, token: &Secret) -> Result<Option<Caller>, StoreError> {
        let engine = self.desk.engine();
        if let Some(found) = engine.gateway_token_of(token).await? {
            let opens = if found.routes.is_empty() { Opens::Everything } else { Opens::Routes(found.routes) };
            return Ok(Some(Caller { name: found.name, opens }));
        }
        let session = engine.session_of_token(&token.fingerprint()).await?;
        Ok(session.map(|session| Caller {
            name: format!("session:{}", session.id),
            // A session that names no routes may use those of its own accounts, and no others.
            opens: if session.routes.is_empty() {
                Opens::Accounts(session.accounts)
            } else {
                Opens::Routes(session.routes)
            },
        }))
    }

    fn remembered(&self, token: &Secret) -> Option<Arc<Caller>> {
        let now = self.clock.stopwatch();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(&self.hashes.hash_one(token.expose()))?;
        // The hash only finds; what decides is the token itself, compared in constant time.
        let is_good = now.saturating_sub(known.since) < REMEMBERED && known.token == *token;
        is_good.then(|| Arc::clone(&known.caller))
    }

    fn remember(&self, token: Secret, caller: &Arc<Caller>) {
        let since = self.clock.stopwatch();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| since.saturating_sub(known.since) < REMEMBERED);
        if known.len() < MOST_REMEMBERED {
            let hash = self.hashes.hash_one(token.expose());
            known.insert(hash, Known { token, caller: Arc::clone(caller), since });
        }
    }
}

/// The tokens a request shows, in every place where tools can put one.
fn shown(headers: &HeaderMap) -> impl Iterator<Item = Secret> {
    let plain = |value: &HeaderValue| Some(Secret::new(value.to_str().ok()?.trim()));
    let places: [Place; 3] = [(BURSAR_TOKEN, plain), (AUTHORIZATION, authorization), (API_KEY, plain)];
    places.into_iter().filter_map(|(name, token)| headers.get(name).and_then(token))
}

/// Where a token may stand, and how it is read there.
type Place = (HeaderName, fn(&HeaderValue) -> Option<Secret>);

/// RFC 6750 §2.1, RFC 7617 §2, and the word GitHub's tools use; schemes are compared without regard to case.
fn authorization(value: &HeaderValue) -> Option<Secret> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        return Some(Secret::new(rest));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Secret::new(String::from_utf8(STANDARD.decode(rest).ok()?).ok()?);
    let (_, password) = pair.expose().split_once(':')?;
    Some(Secret::new(password))
}

/// Below the second within which a token that was taken back is promised to be refused.
const REMEMBERED: Duration = Duration::from_millis(750);
/// More callers than any gateway has at a time; only those with a good token are remembered.
const MOST_REMEMBERED: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_wherever_tools_can_put_them() {
        let basic = format!("Basic {}", STANDARD.encode("git:bgw_a:b"));
        for (name, value, found) in [
            ("authorization", "Bearer bgw_a", Some("bgw_a")),
            ("authorization", "bearer  bgw_a ", Some("bgw_a")),
            ("authorization", "token bgw_a", Some("bgw_a")),
            ("authorization", basic.as_str(), Some("bgw_a:b")),
            ("authorization", "Basic ???", None),
            ("authorization", "Digest bgw_a", None),
            ("authorization", "bgw_a", None),
            ("x-api-key", "bgw_a", Some("bgw_a")),
            ("x-bursar-token", "bgw_a", Some("bgw_a")),
            ("cookie", "bgw_a", None),
        ] {
            let name = HeaderName::from_static(name);
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
            let shown: Vec<Secret> = shown(&headers).collect();
            let shown: Vec<&str> = shown.iter().map(Secret::expose).collect();
            assert_eq!(shown, found.into_iter().collect::<Vec<_>>(), "{value}");
        }
    }
}
