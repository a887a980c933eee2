//! Makes many people out of some: all with names of their own, in the order of their logins, in large commits.

use std::sync::Arc;

use anyhow::{Result, ensure};
use bursar::system::SystemClock;
use bursar_core::engine::issuer::administration::users::USER_PREFIX;
use bursar_core::engine::issuer::records::browser_session::BrowserSession;
use bursar_core::engine::issuer::records::family::Family;
use bursar_core::engine::issuer::records::grant::{Grant, GrantMark};
use bursar_core::engine::issuer::records::user::{User, UserName};
use bursar_core::identifier::Identifier;
use bursar_core::lifecycle::rotation::{Line, TokenDigest};
use bursar_core::memory::random::SeededRandom;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::{self, Document};
use bursar_core::ports::event::Event;
use bursar_core::ports::random::unguessable;
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, Store};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use super::people::{LOGINS, Login, Person};
use crate::population::sandbox;

/// Writes families that have ended, of all kinds of people, and then everybody and so many others after each of them: what
/// lives as long ends in the order of its beginning, so what is to be reaped is what was written first.
pub(super) async fn fill(
    store: &Arc<dyn Store>,
    people: &[Person],
    others: usize,
    ended: usize,
) -> Result<()> {
    let mut filling = Filling {
        store: Arc::clone(store),
        random: SeededRandom::new(1),
        now: SystemClock.now(),
        full: Vec::new(),
        batch: None,
        batches: 0,
    };
    for number in 0..ended {
        let person = &people[number * people.len() / ended];
        let family = filling.ended(&person.logins[0].family, ended - number);
        filling.put(&family).await?;
    }
    let mut number = 0;
    for person in people {
        filling.put_person(person, number).await?;
        for _ in 0..others {
            number += 1;
            let other = filling.another(person, number);
            filling.put_person(&other, number).await?;
        }
        number += 1;
    }
    filling.close();
    filling.commit().await
}

struct Filling {
    store: Arc<dyn Store>,
    random: SeededRandom,
    now: Timestamp,
    full: Vec<Batch>,
    batch: Option<Batch>,
    batches: usize,
}

impl Filling {
    async fn put_person(&mut self, person: &Person, number: usize) -> Result<()> {
        self.put(&person.user).await?;
        self.put(&person.name).await?;
        if person.session.expires_at > self.now {
            self.put(&person.session).await?;
        }
        for Login { grant, family, .. } in &person.logins {
            self.put(grant).await?;
            self.put(family).await?;
        }
        if number.is_multiple_of(WITH_EVENTS) {
            for event in events(person) {
                self.batch = Some(self.open().event(event));
            }
        }
        Ok(())
    }

    async fn put<T: Document>(&mut self, document: &T) -> Result<()> {
        let batch = document::put(self.open(), document, Expected::Absent)?;
        let is_full = batch.writes().len() >= BATCH;
        self.batch = Some(batch);
        if is_full {
            self.close();
        }
        if self.full.len() == AT_ONCE { self.commit().await } else { Ok(()) }
    }

    fn open(&mut self) -> Batch {
        self.batch.take().unwrap_or_else(|| {
            self.batches += 1;
            Batch::new(sandbox(), CommitId(format!("growth-{}", self.batches)))
        })
    }

    fn close(&mut self) {
        self.full.extend(self.batch.take());
    }

    async fn commit(&mut self) -> Result<()> {
        let commits = self.full.drain(..).map(|batch| self.store.commit(batch));
        for answer in try_join_all(commits).await? {
            ensure!(matches!(answer.value, Commit::Done(_)), "the store was not empty: {:?}", answer.value);
        }
        Ok(())
    }

    /// Somebody else who did the same at the same time.
    fn another(&self, person: &Person, number: usize) -> Person {
        let name = |at| Identifier::new(at, &self.random);
        let id = format!("{USER_PREFIX}{}", name(person.user.created_at));
        let username = format!("user-{number:08}");
        let session = BrowserSession {
            digest: unguessable(&self.random).expose().to_owned(),
            id: name(person.session.signed_in_at).to_string(),
            user: id.clone(),
            ..person.session.clone()
        };
        let login = |login: &Login| {
            let Login { grant, family, token } = login.clone();
            let key = Grant::key_of(&id, &grant.client);
            let mut sign_in = family.sign_in;
            sign_in.session = sign_in.session.map(|_| session.id.clone());
            let family = Family {
                id: name(family.began_at),
                user: id.clone(),
                grant: GrantMark { key, ..family.grant },
                line: family.line.map(|line| Line { current: self.digest(), ..line }),
                sign_in,
                ..family
            };
            Login { grant: Grant { user: id.clone(), ..grant }, family, token }
        };
        Person {
            name: UserName { name: UserName::key_of(&username), user: id.clone() },
            logins: person.logins.iter().map(login).collect(),
            user: User { id: id.clone(), username, ..person.user.clone() },
            session,
        }
    }

    /// A family of that kind whose time is over, the sooner the more are `after` it.
    fn ended(&self, family: &Family, after: usize) -> Family {
        let before = SignedDuration::from_secs(i64::try_from(after).unwrap_or(i64::MAX));
        let over = self.now.saturating_sub(LONG.saturating_add(before)).unwrap_or(Timestamp::MIN);
        let line = family.line.clone().map(|line| Line { current: self.digest(), ends_at: over, ..line });
        let lifetime = family.line.as_ref().map(|line| line.ends_at.duration_since(family.began_at));
        let began_at = over.saturating_sub(lifetime.unwrap_or_default()).unwrap_or(Timestamp::MIN);
        let id = Identifier::new(began_at, &self.random);
        Family { id, began_at, line, access_until: over, ..family.clone() }
    }

    fn digest(&self) -> TokenDigest {
        TokenDigest(unguessable(&self.random).expose().to_owned())
    }
}

/// What the log says of somebody's logins.
fn events(person: &Person) -> Vec<Event> {
    let Person { user, session, logins, .. } = person;
    let mut events = vec![
        Event::new(user.created_at, "user.added", user.id.clone()).with("username", user.username.clone()),
        Event::new(session.signed_in_at, "session.began", session.id.clone()).with("user", user.id.clone()),
    ];
    for Login { grant, family, .. } in logins {
        let scope = family.scope.to_string();
        let told = |name: &str, subject: String| {
            Event::new(family.began_at, name, subject)
                .with("client", grant.client.clone())
                .with("user", user.id.clone())
                .with("scope", scope.clone())
        };
        events.push(told("grant.agreed", family.grant.key.clone()));
        events.push(told("family.began", family.id.to_string()));
    }
    events
}

/// How many grants so many people have, each with as many others.
pub(super) fn grants(people: usize, others: usize) -> usize {
    people * (others + 1) * LOGINS
}

/// Of so many people one has events: with those of all, ten million grants would not fit on most disks.
const WITH_EVENTS: usize = 10;
/// Records in a commit.
const BATCH: usize = 1_000;
/// Commits at a time: enough that one is made while another is written.
const AT_ONCE: usize = 4;
const LONG: SignedDuration = SignedDuration::from_hours(24);
