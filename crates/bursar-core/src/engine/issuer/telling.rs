//! Telling clients that a session of their user has ended (OIDC Back-Channel Logout 1.0).
//!
//! A notice is tried a few times, ever more seldom, and every attempt is an event. It may arrive twice when this process dies
//! in between, never is it forgotten for that. Whoever does not answer keeps nobody else waiting. Notices are written in
//! `super::logout_notices`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use http::header::{ACCEPT, CONTENT_TYPE};
use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::addresses::AddressError;
use super::records::client::Client;
use super::records::logout_notice::{LOGOUT_NOTICE, LogoutNotice};
use super::refusal::IssueError;
use super::rules::Teller;
use crate::oauth::jose::Algorithm;
use crate::oauth::server::logout_token::{self, LoggedOut, LogoutTokenClaims};
use crate::oauth::url::EndpointUrl;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Record};
use crate::ports::upstream::{Body, Request, SendLimits};
use crate::secret::Secret;

/// Who is telling now in this process.
#[derive(Debug, Default)]
pub(super) struct Telling {
    one_at_a_time: tokio::sync::Mutex<()>,
    /// There is more since whoever is at it has last looked.
    more: tokio::sync::Notify,
}

impl AuthorizationServer {
    /// Begins to tell, and does not wait for it.
    pub(super) fn tell_soon(&self) {
        if self.rules().tells_of_logouts == Teller::TheServer {
            return;
        }
        let server = self.clone();
        self.engine().ports().tasks.spawn(Box::pin(async move {
            if let Err(error) = server.tell_of_logouts().await {
                tracing::warn!(%error, "clients are told later that sessions have ended");
            }
        }));
    }

    /// Tells clients of sessions that have ended, as far as it is time to, and ends those that are over but were not ended.
    ///
    /// # Errors
    /// The store cannot be used. What was not told is told another time.
    pub async fn tell_of_logouts(&self) -> Result<(), IssueError> {
        let Telling { one_at_a_time, more } = &self.within.telling;
        let clock = &self.engine().ports().clock;
        let end = clock.stopwatch().saturating_add(LONGEST_ROUND);
        more.notify_one();
        loop {
            let Ok(alone) = one_at_a_time.try_lock() else { return Ok(()) };
            self.end_what_is_over().await?;
            self.tell_until(end).await?;
            drop(alone);
            // Whoever came at the last moment has found the door closed.
            if clock.stopwatch() >= end || more.notified().now_or_never().is_none() {
                return Ok(());
            }
            more.notify_one();
        }
    }

    /// Tells what is due, many at a time: as soon as one has heard it, or has not, it is another one's turn.
    async fn tell_until(&self, end: Duration) -> Result<(), IssueError> {
        let (more, clock) = (&self.within.telling.more, &self.engine().ports().clock);
        let (mut line, mut under_way, mut outcome) = (Line::default(), FuturesUnordered::new(), Ok(()));
        loop {
            let has_time = outcome.is_ok() && clock.stopwatch() < end;
            while has_time && under_way.len() < AT_ONCE {
                if let Some(notice) = line.whose_turn() {
                    let client = notice.document.client.clone();
                    under_way.push(self.attempt_notice(notice).map(|outcome| (client, outcome)));
                } else if line.goes_on || more.notified().now_or_never().is_some() {
                    let look = line.length().saturating_add(PAGE).min(LONGEST_LINE);
                    match self.store().due(self.space(), &LOGOUT_NOTICE, self.now(), look).await {
                        Ok(due) => line.stand_in(&due.value.records, look),
                        Err(error) => {
                            // Those under way come to their end all the same.
                            outcome = Err(error.into());
                            break;
                        }
                    }
                } else {
                    break;
                }
            }
            let has_room = has_time && outcome.is_ok() && under_way.len() < AT_ONCE;
            let joined = async { if has_room { more.notified().await } else { pending().await } };
            match select(under_way.next(), pin!(joined)).await {
                Either::Left((None, _)) => return outcome,
                Either::Left((Some((client, told)), _)) => {
                    line.leave(&client);
                    outcome = outcome.and(told);
                }
                Either::Right(_) => line.goes_on = true,
            }
        }
    }

    async fn attempt_notice(&self, notice: Stored<LogoutNotice>) -> Result<(), IssueError> {
        let Stored { document: notice, version } = notice;
        let now = self.now();
        let pause = usize::try_from(notice.attempts).ok().and_then(|made| PAUSES.get(made));
        let next_try = now.saturating_add(*pause.unwrap_or(&LAST_PAUSE)).unwrap_or(Timestamp::MAX);
        let notice = LogoutNotice { attempts: notice.attempts + 1, next_try, ..notice };
        let batch = document::put(self.engine().batch(), &notice, Expected::Version(version))?;
        // Otherwise another server has taken it.
        let Commit::Done(version) = self.store().commit(batch).await?.value else { return Ok(()) };
        let event = |name| {
            Event::new(self.now(), name, notice.client.clone())
                .with("user", notice.user.clone())
                .with("session", notice.session.clone())
                .with("attempt", notice.attempts)
        };
        let event = match self.tell(&notice).await {
            Ok(()) => event("logout.told"),
            Err(Untold::Undecided(error @ IssueError::Store(_))) => return Err(error),
            Err(untold) if untold.is_passing() && pause.is_some() => {
                let event = event("logout.untold").with("cause", untold.text());
                let event = event.with("next_try", next_try.to_string());
                return Ok(self.store().append(self.space(), vec![event]).await?);
            }
            Err(untold) => event("logout.given_up").with("cause", untold.text()),
        };
        let batch = self.engine().batch().event(event).delete(&LOGOUT_NOTICE, notice.id.clone(), version);
        self.store().commit(batch).await?;
        Ok(())
    }

    async fn tell(&self, notice: &LogoutNotice) -> Result<(), Untold> {
        let client = match self.client_of(&notice.client).await {
            Ok(client) => client.document,
            Err(IssueError::Refused(_)) => return Err(Untold::Unknown),
            Err(error) => return Err(Untold::Undecided(error)),
        };
        let address = client.metadata.backchannel_logout_uri.as_ref().ok_or(Untold::Unwanted)?;
        let way = self.way_to(address.as_url(), self.named_by(&client.origin)).map_err(Untold::Unreached)?;
        let limits = SendLimits { time: LONGEST_ANSWER, body: MAXIMUM_BYTES, ..way };
        let token = self.logout_token(&client, notice).await.map_err(Untold::Undecided)?;
        let request = posted(address, &token).map_err(Untold::Unreached)?;
        let upstream = &self.engine().ports().upstream;
        let answer = upstream.send(request, limits).await.map_err(AddressError::NoAnswer);
        match answer.map_err(Untold::Unreached)?.status().as_u16() {
            // §2.8 wants 200; frameworks say 204 when there is nothing else to say.
            200 | 204 => Ok(()),
            status => Err(Untold::Unreached(AddressError::Status { status })),
        }
    }

    async fn logout_token(&self, client: &Client, notice: &LogoutNotice) -> Result<Secret, IssueError> {
        let algorithm = client.metadata.id_token_signed_response_alg.unwrap_or(Algorithm::Rs256);
        // Tokens tell times in whole seconds.
        let issued_at = Timestamp::from_second(self.now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH);
        let claims = LogoutTokenClaims {
            iss: self.rules().issuer.as_str(),
            sub: &notice.user,
            aud: &client.id,
            iat: issued_at,
            exp: issued_at.saturating_add(logout_token::LIFETIME).unwrap_or(Timestamp::MAX),
            // Another one for each attempt: a client that has heard it, and whose answer was lost, must not take the next
            // one for a replay.
            jti: &self.new_name(),
            sid: &notice.session,
            events: LoggedOut::default(),
        };
        let key = self.signing_key(algorithm).await?;
        key.sign(logout_token::TYPE, &claims).map_err(|_| IssueError::Signing)
    }
}

/// Notices that wait for their turn. Those of one client wait for each other, and nobody else waits for them.
#[derive(Default)]
struct Line {
    waiting: VecDeque<Stored<LogoutNotice>>,
    /// All that stand in it or have stood.
    seen: HashSet<String>,
    /// How many of each client are under way.
    under_way: HashMap<String, usize>,
    /// More than was looked at may be due.
    goes_on: bool,
}

impl Line {
    /// The first whose client may hear of one more.
    fn whose_turn(&mut self) -> Option<Stored<LogoutNotice>> {
        let has_turn = |notice: &Stored<LogoutNotice>| {
            self.under_way.get(&notice.document.client).is_none_or(|under_way| *under_way < OF_ONE_CLIENT)
        };
        let place = self.waiting.iter().position(has_turn)?;
        let notice = self.waiting.remove(place)?;
        *self.under_way.entry(notice.document.client.clone()).or_default() += 1;
        Some(notice)
    }

    fn leave(&mut self, client: &str) {
        if let Some(under_way) = self.under_way.get_mut(client) {
            *under_way = under_way.saturating_sub(1);
        }
    }

    /// Those that are looked at over and over until they have been told.
    fn length(&self) -> usize {
        self.waiting.len() + self.under_way.values().sum::<usize>()
    }

    /// Puts those at the end that are new, of all that were found when `looked` were looked for.
    fn stand_in(&mut self, due: &[Record], looked: usize) {
        let before = self.seen.len();
        for record in due {
            if self.seen.insert(record.key.clone()) {
                match document::decode(record) {
                    Ok(notice) => self.waiting.push_back(notice),
                    Err(error) => tracing::warn!(%error, "a notice of an ended session cannot be read"),
                }
            }
        }
        self.goes_on = due.len() == looked && self.seen.len() > before;
    }
}

/// Why a client does not know yet.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("the client is not known any more")]
    Unknown,
    #[error("the client does not want to be told any more")]
    Unwanted,
    #[error(transparent)]
    Unreached(AddressError),
    #[error(transparent)]
    Undecided(IssueError),
}

impl Untold {
    /// Whether another attempt may end otherwise.
    fn is_passing(&self) -> bool {
        match self {
            Self::Unknown | Self::Unwanted => false,
            Self::Unreached(error) => error.is_passing(),
            Self::Undecided(_) => true,
        }
    }

    /// For whoever runs the server.
    fn text(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// The request of §2.5. A token needs no escaping in a form.
fn posted(address: &EndpointUrl, token: &Secret) -> Result<Request, AddressError> {
    http::Request::post(address.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "*/*")
        .body(Body::new(format!("logout_token={}", token.expose())))
        .map_err(|error| AddressError::Unacceptable(error.to_string()))
}

/// Of one tenant or one server, before it is the next one's turn.
const LONGEST_ROUND: Duration = Duration::from_secs(10);
/// Between one attempt and the next, of which the first gives a call its time: a deployment, a restart, a repair.
const PAUSES: [SignedDuration; 4] = [
    SignedDuration::from_secs(15),
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
];
/// Only a process that dies during the last attempt makes it one more.
const LAST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Nobody waits for it, but it keeps others from being told.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
/// Nobody reads the answer; error pages of frameworks are smaller.
const MAXIMUM_BYTES: usize = 64 * 1024;
/// How many are told at the same time: far more than do not answer at any time.
const AT_ONCE: usize = 64;
/// How many of them are one client's: enough for one that answers to hear of a thousand in a few seconds.
const OF_ONE_CLIENT: usize = 4;
const PAGE: usize = 256;
/// Half a kilobyte each; only clients that do not answer make it longer than a page.
const LONGEST_LINE: usize = 4096;
