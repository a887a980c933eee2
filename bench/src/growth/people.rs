//! People who have logged in at several clients each: in memory, one after the other over two months.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bursar::passwords::Argon2Passwords;
use bursar::system::SystemClock;
use bursar::wiring::Seams;
use bursar_core::engine::Engine;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::records::browser_session::BrowserSession;
use bursar_core::engine::issuer::records::client::Client;
use bursar_core::engine::issuer::records::family::Family;
use bursar_core::engine::issuer::records::grant::Grant;
use bursar_core::engine::issuer::records::resource::Resource;
use bursar_core::engine::issuer::records::user::{PasswordHash, User, UserName};
use bursar_core::engine::issuer::rules::{Lifetimes, Rules};
use bursar_core::engine::records::DataKey;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::oauth::pkce::Verifier;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::{self, Document};
use bursar_core::ports::store::{Page, Space, Store};
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use crate::home::Home;
use crate::issuing::ground::{ISSUER, log_in};
use crate::population::{copy, sandbox};

/// Somebody with all that their logins have left.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) user: User,
    pub(super) name: UserName,
    pub(super) session: BrowserSession,
    pub(super) logins: Vec<Login>,
}

/// One login.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) grant: Grant,
    pub(super) family: Family,
    /// Good for one refresh.
    pub(super) token: Secret,
}

/// How many clients everybody has logged in at.
pub(super) const LOGINS: usize = 4;

/// The server of an engine; a login that is not used ends as late as any, because nobody uses most of them here.
pub(super) fn server(engine: &Engine) -> Result<AuthorizationServer> {
    let usual = Rules::of(Issuer::parse(ISSUER)?);
    // Refreshes of one login are to be further apart than an answer can be asked for again.
    let retry_window = SignedDuration::from_secs(10);
    let lifetimes = Lifetimes { refresh: usual.lifetimes.login, retry_window, ..usual.lifetimes };
    let passwords = Argon2Passwords::new(Arc::clone(&engine.ports().random));
    Ok(AuthorizationServer::new(engine.clone(), Rules { lifetimes, ..usual }, Arc::new(passwords)))
}

/// That many of them, known to whoever has the keys of this home, with clients and resources that are on its disk.
pub(super) async fn people(
    home: &Home,
    disk: &dyn Store,
    clients: &[String],
    count: usize,
) -> Result<Vec<Person>> {
    let clock = ManualClock::new(SystemClock.now().checked_sub(SPAN)?);
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(clock.clone()), "bench"));
    copy::<DataKey>(disk, &*memory, &Space::System, 0).await?;
    copy::<Client>(disk, &*memory, &sandbox(), 0).await?;
    copy::<Resource>(disk, &*memory, &sandbox(), 0).await?;
    let kept = Arc::clone(&memory);
    let seams = Seams {
        clock: Some(Arc::new(clock.clone())),
        store: Some(Box::new(move |_| kept)),
        ..Seams::default()
    };
    let wired = home.wired(seams)?;
    let server = server(&wired.engine)?;
    let verifier = Verifier::generate(&*wired.engine.ports().random);
    let step = Duration::try_from(SPAN)? / u32::try_from(count)?;
    let mut people = Vec::with_capacity(count);
    for number in 0..count {
        clock.advance(step);
        let user = server.add_user(User::called(format!("real-{number:07}")), None).await?;
        let cookie = server.begin_session(&user, &["pwd"], &source()).await?;
        let signed_in = server.session_of(&cookie).await?.context("nobody is signed in")?;
        let mut logins = Vec::with_capacity(LOGINS);
        for place in 0..LOGINS {
            // Others for everybody, and never the same twice.
            let client = &clients[(number * LOGINS + place) % clients.len()];
            let token = Secret::new(log_in(&server, client, &signed_in, &verifier).await?);
            let grant = Grant::key_of(&user.id, client);
            let family = found::<Family>(&*memory, "grant", &grant).await?;
            let grant = document::get::<Grant>(&*memory, &sandbox(), &grant).await?.value;
            logins.push(Login { grant: grant.context("no grant")?.document, family, token });
        }
        let session = found::<BrowserSession>(&*memory, "user", &user.id).await?;
        let name = UserName { name: UserName::key_of(&user.username), user: user.id.clone() };
        let password = Some(PasswordHash(HASH.to_owned()));
        people.push(Person { user: User { password, ..user }, name, session, logins });
    }
    Ok(people)
}

async fn found<T: Document>(store: &dyn Store, index: &'static str, value: &str) -> Result<T> {
    let records = store.find(&sandbox(), T::KIND, index, value, Page::first(1)).await?.value;
    Ok(document::decode::<T>(records.first().context("a login has left nothing")?)?.document)
}

fn source() -> Source {
    let user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    Source {
        address: Some([192, 0, 2, 7].into()),
        user_agent: Some(user_agent.to_owned()),
        ..Source::default()
    }
}

/// All are younger than a login gets.
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 60);
/// As long as all of them; nobody signs in with it.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
