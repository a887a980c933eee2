//! A route as it is configured, and what is remembered of its use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::lifecycle::account::{Account, Generation};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::url::{EndpointUrl, UrlError};
use bursar_core::provider::Api;
use http::HeaderName;

use super::Shared;
use super::hosts::HostPattern;
use super::injection::{Injection, TOKEN, can_carry};
use super::target::{Target, TargetError};
use crate::config::meaning::RouteConfig;
use crate::exit::{Exit, Failure};

/// A route of the gateway.
#[derive(Debug)]
pub(super) struct Route {
    /// Its name in paths.
    pub(super) name: String,
    /// The account, as it was typed.
    account: String,
    /// Where requests go; `None`: the provider's first API base.
    pub(super) upstream: Option<EndpointUrl>,
    carrier: Carrier,
    /// Allowed besides the provider's own hosts.
    pub(super) hosts: Vec<HostPattern>,
    /// Which account the route means, once it was used: a default that changes later changes nobody's identity here.
    pinned: Mutex<Option<AccountReference>>,
    target: Mutex<Option<Arc<Target>>>,
    /// Until when, in milliseconds of the stopwatch, a refused token is not replaced.
    fruitless_until: AtomicU64,
    /// The same for the token of a request that cannot be repeated anyhow.
    later_until: AtomicU64,
}

/// How the token is carried, as far as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Carrier {
    Header { name: Option<HeaderName>, template: Option<String> },
    Query { name: String },
    Basic { user: String },
}

impl Route {
    /// Reads what is written about one route.
    pub(super) fn new(name: &str, written: &RouteConfig) -> Result<Self, RouteError> {
        let route = || name.to_owned();
        let usable =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(usable) || name.starts_with('.') {
            return Err(RouteError::Name { route: route() });
        }
        if written.account.is_empty() {
            return Err(RouteError::Account { route: route() });
        }
        let upstream = match &written.upstream {
            Some(text) => {
                let url = EndpointUrl::parse(text)
                    .map_err(|source| RouteError::Upstream { route: route(), source })?;
                if url.as_url().query().is_some() {
                    return Err(RouteError::Query { route: route() });
                }
                Some(url)
            }
            None => None,
        };
        Ok(Self {
            name: route(),
            account: written.account.clone(),
            upstream,
            carrier: Carrier::new(name, written)?,
            hosts: written.hosts.iter().map(|host| HostPattern::new(host)).collect(),
            pinned: Mutex::default(),
            target: Mutex::default(),
            fruitless_until: AtomicU64::new(0),
            later_until: AtomicU64::new(0),
        })
    }

    /// Where the route leads now, found out when it is used first.
    pub(super) async fn target(&self, shared: &Shared) -> Result<Arc<Target>, Failure> {
        let known = self.target.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(target) => Ok(target),
            // Apart, because it is large and seldom needed.
            None => Box::pin(self.found_target(shared, None)).await,
        }
    }

    /// The same for tokens of `generation`: another login may belong to another instance of the provider.
    pub(super) async fn target_for(
        &self,
        shared: &Shared,
        target: Arc<Target>,
        generation: Generation,
    ) -> Result<Arc<Target>, Failure> {
        if target.generation == generation {
            Ok(target)
        } else {
            Box::pin(self.found_target(shared, Some(&target))).await
        }
    }

    /// Means the same account as `other` has come to mean.
    pub(super) fn pin_like(&self, other: &Self) {
        let pinned = other.pinned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.pinned.lock().unwrap_or_else(PoisonError::into_inner) = pinned;
    }

    async fn found_target(&self, shared: &Shared, before: Option<&Target>) -> Result<Arc<Target>, Failure> {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let wanted = pinned.as_ref().map_or_else(|| self.account.clone(), ToString::to_string);
        let (account, _) = shared.desk.engine().resolve(&wanted, &|_| None).await?;
        if pinned.is_some_and(|pinned| pinned.key() != account.reference.key()) {
            return Err(Failure::new(Exit::NoSuchAccount, format!("the account {wanted} is gone")));
        }
        let target = Arc::new(self.target_of(shared, &account, before).await?);
        *self.pinned.lock().unwrap_or_else(PoisonError::into_inner) = Some(account.reference.clone());
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&target));
        Ok(target)
    }

    async fn target_of(
        &self,
        shared: &Shared,
        account: &Account,
        before: Option<&Target>,
    ) -> Result<Target, Failure> {
        let engine = shared.desk.engine();
        let told = |error: &(dyn std::error::Error + 'static)| {
            Failure::of(Exit::Error, error).hint("check the provider's entry with `bursar doctor`")
        };
        let provider = engine.provider(&account.reference.provider).await.map_err(|error| told(&error))?;
        let provider = provider.resolve(&account.variables).map_err(|error| told(&error))?;
        Target::new(self, account, &provider, shared, before).map_err(|error| self.failure(&error))
    }

    /// How the token is carried at this provider.
    pub(super) fn injection(&self, api: &Api) -> Result<Injection, TargetError> {
        let (name, template) = match &self.carrier {
            Carrier::Query { name } => return Ok(Injection::Query { name: name.clone() }),
            Carrier::Basic { user } => return Ok(Injection::Basic { user: user.clone() }),
            Carrier::Header { name, template } => (name, template),
        };
        let usual = HeaderName::from_bytes(api.header.as_bytes())
            .map_err(|_| TargetError::Header { name: api.header.clone() })?;
        let name = name.clone().unwrap_or_else(|| usual.clone());
        let template = match template {
            Some(template) => template.clone(),
            None if name == usual => api.header_template.clone(),
            None if name == http::header::AUTHORIZATION => format!("Bearer {TOKEN}"),
            None => TOKEN.to_owned(),
        };
        Ok(Injection::Header { name, template })
    }

    /// Whether a refused token may be replaced now.
    pub(super) fn may_replace(&self, now: Duration) -> bool {
        now.as_millis() >= u128::from(self.fruitless_until.load(Ordering::Relaxed))
    }

    /// Notes that a fresh token was refused as well.
    pub(super) fn replacing_was_fruitless(&self, now: Duration, pause: Duration) {
        let until = u64::try_from((now + pause).as_millis()).unwrap_or(u64::MAX);
        self.fruitless_until.store(until, Ordering::Relaxed);
    }

    /// Whether a token that was refused with a request nobody can repeat may be replaced for those to come. Once per
    /// `pause`, and the first who asks has it: an upstream that refuses such requests for another reason would cost a
    /// refresh with each of them.
    pub(super) fn may_replace_for_later(&self, now: Duration, pause: Duration) -> bool {
        if !self.may_replace(now) {
            return false;
        }
        let [now, until] = [now, now + pause].map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self.later_until
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| (now >= before).then_some(until))
            .is_ok()
    }

    fn failure(&self, error: &TargetError) -> Failure {
        let mut failure = Failure::of(Exit::Usage, error).hint(error.hint(&self.name));
        failure.message = format!("route `{}`: {}", self.name, failure.message);
        failure
    }
}

impl Carrier {
    fn new(route: &str, written: &RouteConfig) -> Result<Self, RouteError> {
        let name = written.name.clone();
        match written.inject.as_deref() {
            None | Some("header") => {
                let name = match name {
                    Some(text) => Some(header(route, &text)?),
                    None => None,
                };
                if written.template.as_ref().is_some_and(|template| {
                    !template.contains(TOKEN) || http::HeaderValue::from_str(template).is_err()
                }) {
                    return Err(RouteError::Template { route: route.to_owned() });
                }
                Ok(Self::Header { name, template: written.template.clone() })
            }
            Some("query") => match name {
                Some(name) if !name.is_empty() => Ok(Self::Query { name }),
                _ => Err(RouteError::Parameter { route: route.to_owned() }),
            },
            Some("basic") => {
                let user = name.unwrap_or_else(|| USUAL_USER.to_owned());
                if user.contains(':') || user.chars().any(char::is_control) {
                    return Err(RouteError::User { route: route.to_owned() });
                }
                Ok(Self::Basic { user })
            }
            Some(other) => Err(RouteError::Inject { route: route.to_owned(), inject: other.to_owned() }),
        }
    }
}

fn header(route: &str, text: &str) -> Result<HeaderName, RouteError> {
    let name = HeaderName::from_bytes(text.as_bytes()).ok().filter(can_carry);
    name.ok_or_else(|| RouteError::Header { route: route.to_owned(), name: text.to_owned() })
}

/// What is wrong with a route as it is written.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// It cannot stand in a path.
    #[error("`{route}` cannot name a route: use letters, digits, `-`, `_` and `.`")]
    Name {
        /// The route.
        route: String,
    },
    /// Nobody's token.
    #[error("route `{route}` names no account")]
    Account {
        /// The route.
        route: String,
    },
    /// Not a URL tokens may be sent to.
    #[error("the upstream of route `{route}` cannot be used")]
    Upstream {
        /// The route.
        route: String,
        /// The rule it breaks.
        source: UrlError,
    },
    /// A query would come before the caller's.
    #[error("the upstream of route `{route}` has a query")]
    Query {
        /// The route.
        route: String,
    },
    /// An unknown way to carry a token.
    #[error(
        "route `{route}` carries its token by `{inject}`, which is neither `header`, `query` nor `basic`"
    )]
    Inject {
        /// The route.
        route: String,
        /// As written.
        inject: String,
    },
    /// A header that cannot carry a token.
    #[error("route `{route}` cannot carry its token in a header `{name}`")]
    Header {
        /// The route.
        route: String,
        /// As written.
        name: String,
    },
    /// The token has no place.
    #[error("the template of route `{route}` is no header value with `{{token}}` in it")]
    Template {
        /// The route.
        route: String,
    },
    /// Which parameter?
    #[error("route `{route}` carries its token in the query but names no parameter")]
    Parameter {
        /// The route.
        route: String,
    },
    /// RFC 7617 §2 allows no colon.
    #[error("the user name of route `{route}` has a colon or a control character in it")]
    User {
        /// The route.
        route: String,
    },
}

impl RouteError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Name { .. } => "rename the section `[gateway.routes.NAME]`".to_owned(),
            Self::Account { route } => format!("say `account` in `[gateway.routes.{route}]`"),
            Self::Upstream { route, .. } | Self::Query { route } => {
                format!("say scheme, host and path prefix in `gateway.routes.{route}.upstream`")
            }
            Self::Inject { route, .. } => format!("correct `gateway.routes.{route}.inject`"),
            Self::Template { route } => format!("correct `gateway.routes.{route}.template`"),
            Self::Header { route, .. } | Self::Parameter { route } | Self::User { route } => {
                format!("correct `gateway.routes.{route}.name`")
            }
        }
    }
}

/// What GitLab wants beside a token, and others accept.
const USUAL_USER: &str = "oauth2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_in_a_route_is_named_with_its_place() {
        let good = RouteConfig { account: "github".to_owned(), ..RouteConfig::default() };
        assert!(Route::new("github", &good).is_ok());
        let text = |text: &str| Some(text.to_owned());
        let table = [
            ("a/b", good.clone(), "rename"),
            ("..", good.clone(), "rename"),
            ("x", RouteConfig { account: String::new(), ..good.clone() }, "account"),
            ("x", RouteConfig { upstream: text("http://api.test/"), ..good.clone() }, "upstream"),
            ("x", RouteConfig { upstream: text("https://u:p@api.test/"), ..good.clone() }, "upstream"),
            ("x", RouteConfig { upstream: text("https://api.test/?a=1"), ..good.clone() }, "upstream"),
            ("x", RouteConfig { upstream: text("api.test"), ..good.clone() }, "upstream"),
            ("x", RouteConfig { inject: text("cookie"), ..good.clone() }, "inject"),
            ("x", RouteConfig { name: text("Host"), ..good.clone() }, "name"),
            ("x", RouteConfig { name: text("a b"), ..good.clone() }, "name"),
            ("x", RouteConfig { template: text("Bearer"), ..good.clone() }, "template"),
            ("x", RouteConfig { template: text("{token}\r\nX: y"), ..good.clone() }, "template"),
            ("x", RouteConfig { inject: text("query"), ..good.clone() }, "name"),
            ("x", RouteConfig { inject: text("basic"), name: text("a:b"), ..good.clone() }, "name"),
        ];
        for (name, written, place) in table {
            let error = Route::new(name, &written).unwrap_err();
            assert!(error.hint().contains(place), "{error}: {}", error.hint());
        }
    }

    #[test]
    fn what_the_route_does_not_say_comes_from_the_provider() {
        let api = Api {
            header: "Private-Token".to_owned(),
            header_template: "v {token}".to_owned(),
            ..Api::default()
        };
        let text = |text: &str| Some(text.to_owned());
        let header = |name: &'static str, template: &str| Injection::Header {
            name: HeaderName::from_static(name),
            template: template.to_owned(),
        };
        for (name, template, expected) in [
            (None, None, header("private-token", "v {token}")),
            (text("PRIVATE-TOKEN"), None, header("private-token", "v {token}")),
            (text("Authorization"), None, header("authorization", "Bearer {token}")),
            (text("X-Key"), None, header("x-key", "{token}")),
            (text("X-Key"), text("k={token}"), header("x-key", "k={token}")),
            (None, text("k={token}"), header("private-token", "k={token}")),
        ] {
            let written = RouteConfig { account: "a".to_owned(), name, template, ..RouteConfig::default() };
            let route = Route::new("x", &written).unwrap();
            assert_eq!(route.injection(&api).unwrap(), expected, "{written:?}");
        }
    }
}
