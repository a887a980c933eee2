//! The show: what happens in a token's life, step by step, each proven before it is told.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::broker::HandOut;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::{Body, Response, SendLimits, Upstream};
use http::StatusCode;
use serde_json::Value;
use url::Url;

use super::holder::Holder;
use super::person::{Person, Visitor};
use super::program::{Program, Reply};
use super::sample::{PATH, TOOLS, Tool};
use super::wiretap::Wiretap;
use super::{SampleUser, broken};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::wiring::{Seams, outgoing, wire_ephemeral};

/// Something that was just proven.
#[derive(Debug)]
pub(crate) struct Step {
    /// In one word, for programs.
    pub(crate) name: &'static str,
    /// In a sentence, for people.
    pub(crate) what: String,
}

/// Everybody who takes part.
#[derive(Debug)]
pub(crate) struct Show<'a> {
    issuer: String,
    user: SampleUser,
    visitor: Visitor<'a>,
    holder: Holder<'a>,
    person: Person,
    program: Program,
    wiretap: Wiretap,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
}

impl<'a> Show<'a> {
    /// At the server known as `issuer`, where `user` can sign in.
    pub(crate) fn new(
        issuer: &str,
        user: &SampleUser,
        visitor: Visitor<'a>,
        config: &'a Config,
        environment: &Environment,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let upstream = outgoing(environment, &config.network, &clock);
        let url = format!("{issuer}{PATH}");
        let wiretap = Wiretap::default();
        let seams =
            Seams { clock: Some(Arc::clone(&clock)), upstream: Some(wiretap.on_line()), ..Seams::default() };
        let (engine, _) = wire_ephemeral(environment, config, seams);
        Self {
            issuer: issuer.to_owned(),
            user: user.clone(),
            visitor,
            holder: Holder::new(engine, config, url.clone()),
            person: Person::new(Arc::clone(&upstream), issuer, user.clone()),
            program: Program::new(Arc::clone(&upstream), url),
            wiretap,
            upstream,
            clock,
        }
    }

    /// Plays all of it; `tell` hears of every step that holds, `wait` of waits that people would wonder about.
    pub(crate) async fn play(&self, tell: &dyn Fn(Step), wait: &dyn Fn(Duration)) -> Result<(), Failure> {
        let prove = |name, what: Result<String, Failure>| match what {
            Ok(what) => {
                tell(Step { name, what });
                Ok(())
            }
            Err(failure) => {
                Err(Failure { message: format!("the step `{name}` failed: {}", failure.message), ..failure })
            }
        };
        prove("server", self.server_is_ready().await)?;
        prove("challenge", self.strangers_are_told_where_to_go().await)?;
        prove("login", self.login_needs_the_url_alone().await)?;
        prove("call", self.token_opens_the_tool().await)?;
        prove("step_up", self.more_is_asked_for_when_needed().await)?;
        let before = self.wiretap.count();
        prove("refresh", self.ended_token_is_refreshed_once(wait).await)?;
        prove("lost_answer", self.lost_answer_costs_nothing(before).await)?;
        prove("replay", self.stolen_token_ends_the_login(before).await)?;
        prove("new_login", self.new_login_heals().await)
    }

    async fn server_is_ready(&self) -> Result<String, Failure> {
        let url = format!("{}/readyz", self.issuer);
        let begun = self.clock.stopwatch();
        while self.fetched(&url).await?.status() != StatusCode::OK {
            if self.clock.stopwatch().saturating_sub(begun) > LONGEST_START {
                return Err(broken(format_args!("{url} does not say that the server is ready")));
            }
            self.clock.sleep(PAUSE).await;
        }
        let metadata =
            self.fetched(&format!("{}/.well-known/oauth-authorization-server", self.issuer)).await?;
        let metadata: Value = serde_json::from_slice(metadata.body().expose()).unwrap_or_default();
        if metadata["issuer"] != self.issuer {
            return Err(broken("the server's metadata does not name it"));
        }
        Ok(format!("an authorization server runs at {}, in memory alone", self.issuer))
    }

    async fn strangers_are_told_where_to_go(&self) -> Result<String, Failure> {
        match self.program.tries(CLOCK.name, None).await? {
            Reply::Refused(StatusCode::UNAUTHORIZED, hint) if hint.resource_metadata.is_some() => {
                Ok(format!("an MCP server at {}{PATH} wants a token, and says whose", self.issuer))
            }
            _ => Err(broken("the MCP server did not ask for a token")),
        }
    }

    async fn login_needs_the_url_alone(&self) -> Result<String, Failure> {
        self.holder.log_in(None, async |url| self.visit(url).await).await?;
        Ok(format!(
            "logged in by that URL alone: {} signed in and agreed to `{}`",
            self.user.username, CLOCK.scope
        ))
    }

    async fn token_opens_the_tool(&self) -> Result<String, Failure> {
        let time = self.current_time().await?;
        Ok(format!("the token opens the tool `{}`, which says {time}", CLOCK.name))
    }

    async fn more_is_asked_for_when_needed(&self) -> Result<String, Failure> {
        let token = self.holder.token().await?;
        let hint = match self.program.tries(DICE.name, Some(&token.token)).await? {
            Reply::Refused(StatusCode::FORBIDDEN, hint) if hint.wants_more_scope() => hint,
            _ => return Err(broken("a tool was opened that nobody has agreed to")),
        };
        self.holder.log_in(Some(&hint), async |url| self.visit(url).await).await?;
        let rolled = self.program.uses(DICE.name, &self.holder.token().await?.token).await?;
        Ok(format!(
            "`{}` needs `{}` too: refused, agreed to, and it rolled a {rolled}",
            DICE.name, DICE.scope
        ))
    }

    async fn ended_token_is_refreshed_once(&self, wait: &dyn Fn(Duration)) -> Result<String, Failure> {
        let ended = self.holder.token_as_it_is().await?;
        self.outlive(&ended, wait).await?;
        let before = self.wiretap.count();
        let handed = self.holder.tokens(CALLERS).await?;
        let refreshes = self.wiretap.count() - before;
        if refreshes != 1 {
            return Err(broken(format_args!("{CALLERS} callers made {refreshes} refreshes")));
        }
        if handed.iter().any(|one| one.token != handed[0].token || one.token == ended.token) {
            return Err(broken("the callers got different tokens, or the one that had ended"));
        }
        self.program.uses(CLOCK.name, &handed[0].token).await?;
        Ok(format!("the token ended; {CALLERS} callers at once: one refresh, one new token for all"))
    }

    /// The same bytes again: what a client sends that crashed before it read the answer.
    async fn lost_answer_costs_nothing(&self, first: usize) -> Result<String, Failure> {
        let heard = self.wiretap.after(first).ok_or_else(|| broken("there was no refresh to repeat"))?;
        let again = self.sent(heard.request).await?;
        match (refresh_token(&heard.answer), refresh_token(&again)) {
            (Some(first), Some(second)) if first == second => {}
            _ => return Err(broken("the repeated refresh brought something else")),
        }
        Ok("that refresh again, as after a lost answer, brings the same token again".to_owned())
    }

    async fn stolen_token_ends_the_login(&self, first: usize) -> Result<String, Failure> {
        let stolen = self.wiretap.after(first).ok_or_else(|| broken("there was no refresh to repeat"))?;
        self.holder.refresh().await?;
        let answer = self.sent(stolen.request).await?;
        let said: Value = serde_json::from_slice(answer.body().expose()).unwrap_or_default();
        if answer.status() != StatusCode::BAD_REQUEST || said["error"] != "invalid_grant" {
            return Err(broken("a stolen refresh token was not refused"));
        }
        match self.holder.refresh().await {
            Err(failure) if failure.exit == Exit::LoginRequired => {
                Ok("a stolen, used refresh token is refused, and the whole login ends with it".to_owned())
            }
            _ => Err(broken("the login goes on although its refresh token was stolen")),
        }
    }

    async fn new_login_heals(&self) -> Result<String, Failure> {
        self.holder.log_in(None, async |url| self.visit(url).await).await?;
        let time = self.current_time().await?;
        Ok(format!("a new login heals it: `{}` says {time}", CLOCK.name))
    }

    async fn current_time(&self) -> Result<String, Failure> {
        self.program.uses(CLOCK.name, &self.holder.token().await?.token).await
    }

    /// Waits until the MCP server refuses `token`.
    async fn outlive(&self, token: &HandOut, wait: &dyn Fn(Duration)) -> Result<(), Failure> {
        let left = token.remaining(self.clock.now()).unwrap_or_default().unsigned_abs();
        wait(left);
        self.clock.sleep(left).await;
        let begun = self.clock.stopwatch();
        while !matches!(
            self.program.tries(CLOCK.name, Some(&token.token)).await?,
            Reply::Refused(StatusCode::UNAUTHORIZED, _)
        ) {
            if self.clock.stopwatch().saturating_sub(begun) > LONGEST_END {
                return Err(broken("the MCP server takes a token that has ended"));
            }
            self.clock.sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn visit(&self, url: &Url) -> Result<(), Failure> {
        match self.visitor {
            Visitor::Played => self.person.visit(url).await,
            Visitor::Real(tell) => {
                tell(url);
                Ok(())
            }
        }
    }

    async fn fetched(&self, url: &str) -> Result<Response, Failure> {
        let request = http::Request::get(url).body(Body::default());
        self.sent(request.map_err(|error| Failure::of(Exit::Error, &error))?).await
    }

    async fn sent(&self, request: http::Request<Body>) -> Result<Response, Failure> {
        let sent = self.upstream.send(request, SendLimits::default()).await;
        sent.map_err(|error| Failure::of(Exit::Unavailable, &error))
    }
}

fn refresh_token(answer: &Response) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer.body().expose()).ok()?;
    Some(answer["refresh_token"].as_str()?.to_owned())
}

const CLOCK: &Tool = &TOOLS[0];
const DICE: &Tool = &TOOLS[1];
/// As many as there are tools on a busy developer's machine.
const CALLERS: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);
/// The first signing key and the vault are made meanwhile.
const LONGEST_START: Duration = Duration::from_secs(10);
/// Ends are told in whole seconds.
const LONGEST_END: Duration = Duration::from_secs(3);
