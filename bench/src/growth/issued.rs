//! What clients, users and administrators ask about grants.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bursar::system::{SystemClock, TokioTasks};
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::grants::GrantsOf;
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::records::family::Family;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::engine::issuer::token::ClientRequest;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::Document as _;
use bursar_core::ports::store::{EventQuery, Store};
use bursar_core::ports::tasks::Tasks as _;
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::runtime::Runtime;

use super::fill::{self, fill};
use super::people::{LOGINS, people, server};
use crate::issuing::ground::{CALLBACK, SIGNED, form, new_client, resource};
use crate::million::{COUNT, LONGEST_REST, Populated, RATE};
use crate::pace::paced;
use crate::population::sandbox;
use crate::sample::Sample;

/// What is measured with grants.
pub(super) const WHAT: [&str; 7] = [
    "refresh of an issued token",
    "users, first page",
    "grants, first page",
    "grants of a client, first page",
    "a user's connected apps",
    "events, first page",
    "reaping, 50 at a time",
];

/// The grants of a store, and what was measured with them.
pub(super) struct Issued {
    pub(super) grants: usize,
    pub(super) filled_in: Duration,
    server: AuthorizationServer,
    /// Of those who have really logged in: client, user and token.
    logins: Vec<(String, String, Secret)>,
    /// Of [`WHAT`].
    pub(super) samples: [Sample; WHAT.len()],
}

impl Issued {
    /// That many, beside the accounts that are held there already.
    pub(super) fn fill(runtime: &Runtime, held: &Populated, grants: usize, turns: usize) -> Result<Self> {
        runtime.block_on(Self::fill_in(held, grants, turns))
    }

    async fn fill_in(held: &Populated, grants: usize, turns: usize) -> Result<Self> {
        let engine = &held.wired.engine;
        let (server, store) = (server(engine)?, &engine.ports().store);
        server.add_resource(&resource(SIGNED, TokenFormat::Jwt(Algorithm::EdDsa), server.now())).await?;
        server.published_keys().await?;
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let metadata = json!({
                "client_name": format!("App {number}"), "redirect_uris": [CALLBACK],
                "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            });
            clients.push(server.add_client(new_client(&metadata)?).await?.0.id);
        }
        // One of so many is real: enough that no token is needed twice.
        let real = (grants / LOGINS / MOST_OTHERS).max((grants / LOGINS).min(LEAST_REAL));
        let others = (grants / LOGINS / real).saturating_sub(1);
        let people = people(&held.home, &**store, &clients, real).await?;
        fill(store, &people, others, REAPED * REAPINGS * (turns + 1)).await?;
        let logins = people.iter().flat_map(|person| {
            person
                .logins
                .iter()
                .map(|login| (login.grant.client.clone(), person.user.id.clone(), login.token.clone()))
        });
        Ok(Self {
            grants: fill::grants(real, others),
            filled_in: Duration::ZERO,
            server,
            logins: logins.collect(),
            samples: Default::default(),
        })
    }

    /// All of [`WHAT`] once.
    pub(super) fn turn(&mut self, runtime: &Runtime, tasks: &TokioTasks, counts: bool) -> Result<()> {
        let samples = [
            self.refreshes(runtime, tasks)?,
            self.pages(runtime, |server, _| async { Ok(server.users(None, PAGE).await?.len()) }.boxed())?,
            self.pages(runtime, |server, _| grants(server, GrantsOf::default()))?,
            self.pages(runtime, |server, this| {
                grants(server, GrantsOf { client: Some(&this.0), user: None })
            })?,
            self.pages(runtime, |server, this| {
                grants(server, GrantsOf { client: None, user: Some(&this.1) })
            })?,
            self.pages(runtime, |server, _| {
                let query = EventQuery { after: 0, subject: None, limit: PAGE };
                async { Ok(store(server).events(&sandbox(), query).await?.value.len()) }.boxed()
            })?,
            self.reapings(runtime)?,
        ];
        if counts {
            self.samples.iter_mut().zip(samples).for_each(|(all, sample)| all.extend(sample));
        }
        Ok(())
    }

    /// Each a task of its own, as in the server. The logins are the same in every turn, as those that are in use are
    /// refreshed again and again; turns are further apart than an answer can be asked for again.
    fn refreshes(&mut self, runtime: &Runtime, tasks: &TokioTasks) -> Result<Sample> {
        let found: Arc<Mutex<Vec<Result<Refreshed, String>>>> = Arc::default();
        let _inside = runtime.enter();
        paced(RATE, COUNT, |number, at| {
            let place = self.place(number);
            let (client, _, token) = self.logins[place].clone();
            let (server, found) = (self.server.clone(), Arc::clone(&found));
            tasks.spawn(Box::pin(async move {
                let refreshed = refresh(&server, &client, &token).await;
                let time = SystemClock.stopwatch().saturating_sub(at);
                let outcome = refreshed
                    .map(|token| Refreshed { place, token, time })
                    .map_err(|error| error.to_string());
                found.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
            }));
            Ok(())
        })?;
        ensure!(runtime.block_on(tasks.drained(LONGEST_REST)), "refreshes do not end");
        let mut sample = Sample::default();
        for outcome in found.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let refreshed = outcome.map_err(anyhow::Error::msg)?;
            self.logins[refreshed.place].2 = refreshed.token;
            sample.add(refreshed.time);
        }
        ensure!(sample.len() == COUNT, "a refresh has not ended");
        Ok(sample)
    }

    /// One page after the other, each of somebody else's.
    fn pages(
        &mut self,
        runtime: &Runtime,
        page: impl for<'a> Fn(
            &'a AuthorizationServer,
            &'a (String, String, Secret),
        ) -> BoxFuture<'a, Result<usize>>,
    ) -> Result<Sample> {
        let mut sample = Sample::default();
        paced(RATE, COUNT, |number, at| {
            let found = runtime.block_on(page(&self.server, &self.logins[self.place(number)]))?;
            sample.add(SystemClock.stopwatch().saturating_sub(at));
            ensure!(found >= LOGINS, "a page of {found}");
            Ok(())
        })?;
        Ok(sample)
    }

    fn reapings(&self, runtime: &Runtime) -> Result<Sample> {
        let mut sample = Sample::default();
        let pace = RATE / u32::try_from(REAPED)?;
        paced(pace, REAPINGS, |_, at| {
            let reaped = runtime.block_on(store(&self.server).expire(&sandbox(), Family::KIND, REAPED))?;
            sample.add(SystemClock.stopwatch().saturating_sub(at));
            ensure!(reaped == REAPED, "only {reaped} were there to reap");
            Ok(())
        })?;
        Ok(sample)
    }

    /// Neighbours are far from each other.
    fn place(&self, number: usize) -> usize {
        number * STRIDE % self.logins.len()
    }
}

/// What a refresh of the login at a place has brought.
struct Refreshed {
    place: usize,
    token: Secret,
    time: Duration,
}

fn store(server: &AuthorizationServer) -> &dyn Store {
    &*server.engine().ports().store
}

fn grants<'a>(server: &'a AuthorizationServer, of: GrantsOf<'a>) -> BoxFuture<'a, Result<usize>> {
    async move { Ok(server.grants(of, None, PAGE).await?.grants.len()) }.boxed()
}

async fn refresh(server: &AuthorizationServer, client: &str, token: &Secret) -> Result<Secret> {
    let parameters =
        form(&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token.expose())]);
    let source = Source::default();
    let request =
        ClientRequest { parameters: &parameters, authorization: None, proofs: &[], source: &source };
    server.token(&request).await?.refresh_token.context("no refresh token")
}

/// As many as a larger installation has.
const CLIENTS: usize = 100;
/// What the administration shows at once.
const PAGE: usize = 50;
/// A prime that divides no round number.
const STRIDE: usize = 7_919;
/// Of those who have really logged in, there are at least so many, or everybody is one.
const LEAST_REAL: usize = 2_500;
/// And at most so many others for each of them.
const MOST_OTHERS: usize = 100;
/// Records at a time.
const REAPED: usize = 50;
/// Two seconds of it.
const REAPINGS: usize = 20;
