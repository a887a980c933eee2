//! Everything moves: as a backup that is restored elsewhere, and from store to store, while clients go on.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::engine::records::KINDS;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{Store, StoreError};
use bursar_core::secret::Secret;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use bursar_store::redis::{RedisOptions, RedisStore};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use futures::future::{join, join_all};
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::world::{DATABASE, EPHEMERAL, Installation, Machine, Node, Tokens};
use crate::servers::Servers;
use crate::support::{Ended, write_private};

/// A kind of store, one of each in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// In the home of the machine.
    File,
    Postgres,
    Redis,
    /// In `PostgreSQL`, with Redis for what may be lost.
    Mixed,
}

impl Kept {
    fn url(self, servers: &Servers) -> Option<Secret> {
        match self {
            Self::File => None,
            Self::Postgres | Self::Mixed => Some(servers.postgres_url()),
            Self::Redis => Some(servers.redis_url()),
        }
    }

    /// How a process is told.
    fn variables(self, servers: &Servers) -> Vec<(&'static str, String)> {
        let beside = (self == Self::Mixed).then(|| (EPHEMERAL, servers.redis_url()));
        let urls = self.url(servers).map(|url| (DATABASE, url)).into_iter().chain(beside);
        urls.map(|(name, url)| (name, url.expose().to_owned())).collect()
    }

    /// How a command is told of the store of `machine`.
    fn place(self, servers: &Servers, machine: &Machine) -> String {
        match self.url(servers) {
            Some(url) => url.expose().to_owned(),
            None => format!("sqlite:{}", machine.home.path().join("bursar.db").display()),
        }
    }

    /// Opens the store of `machine` in this process.
    async fn open(self, servers: &Servers, machine: &Machine) -> Arc<dyn Store> {
        let clock = Arc::new(SystemClock);
        match self {
            Self::File => {
                let path = machine.home.path().join("bursar.db");
                Arc::new(SqliteStore::open(SqliteOptions::new(path, KINDS, clock, "unused")).unwrap())
            }
            // Everything that lasts is there.
            Self::Postgres | Self::Mixed => {
                let options = PostgresOptions::new(servers.postgres_url(), KINDS, "unused");
                Arc::new(PostgresStore::open(options).await.unwrap())
            }
            Self::Redis => {
                let here = tokio::runtime::Handle::current();
                let options = RedisOptions::new(servers.redis_url(), KINDS, clock, "unused", here);
                Arc::new(RedisStore::open(options).await.unwrap())
            }
        }
    }
}

/// Everything durable in a store but for the life it lives: whole lines, and the events that tell of moves left out.
async fn lines(store: &dyn Store) -> BTreeSet<String> {
    let mut bytes = Vec::new();
    store.backup(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let is_about_the_life = |line: &str| {
        ["{\"bursar_backup\"", "{\"end\"", "{\"record\":{\"space\":\"\",\"kind\":\"departure\""]
            .iter()
            .any(|beginning| line.starts_with(beginning))
            || (line.starts_with("{\"event\"") && line.contains("\"name\":\"store."))
    };
    text.lines().filter(|line| !is_about_the_life(line)).map(str::to_owned).collect()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Clients that refresh without pause until they are told to stop; their last tokens.
async fn refreshing(installation: &Installation, tokens: Vec<String>, is_over: &AtomicBool) -> Vec<String> {
    join_all(tokens.into_iter().map(|mut token| async move {
        while !is_over.load(Ordering::SeqCst) {
            let answer = installation.refresh(&installation.first.url, &token).await.expect("it answers");
            if answer.status == 503 {
                // It has moved, or is about to: the client keeps what it has, and waits as it is told to, if not as long.
                assert!(answer.retry_after.is_some(), "{answer:?}");
                SystemClock.sleep(Duration::from_millis(250)).await;
            } else {
                token = Tokens::of(&answer).refresh;
            }
        }
        token
    }))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_a_file_into_a_file() {
    comes_back(Kept::File, Kept::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_a_file_into_postgres() {
    comes_back(Kept::File, Kept::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_postgres_into_redis() {
    comes_back(Kept::Postgres, Kept::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_redis_into_a_file() {
    comes_back(Kept::Redis, Kept::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_both_into_a_file() {
    comes_back(Kept::Mixed, Kept::File).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_comes_back_from_a_file_into_both() {
    comes_back(Kept::File, Kept::Mixed).await;
}

async fn comes_back(from: Kept, into: Kept) {
    let servers = Arc::new(Servers::start());
    let installation = Installation::with(Arc::clone(&servers), from.variables(&servers)).await;
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let source = &installation.machine;
    source.log_in(&provider, "work").await;
    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(installation.log_in().await.refresh);
    }
    let introspector = installation.introspector().await;

    // While everybody goes on.
    let file = source.home.beside("bursar.backup");
    let is_over = AtomicBool::new(false);
    let backing_up = async {
        let written = source.run(&["backup", &text(&file), "--json"]).await.succeeded();
        is_over.store(true, Ordering::SeqCst);
        json(&written)
    };
    let (logins, written) = join(refreshing(&installation, logins, &is_over), backing_up).await;
    assert!(written["records"].as_u64() > Some(10), "{written}");
    let again = source.run(&["backup", &text(&file)]).await;
    assert_eq!(again.code, 2, "{again}");

    // What happens after it: nobody else may hear of it.
    let still = source.run(&["backup", &text(&file), "--force", "--json"]).await.succeeded();
    let before = lines(&*from.open(&servers, source).await).await;
    installation.revoke(&installation.first.url, &logins[0]).await;
    let rotated = installation.refresh(&installation.first.url, &logins[1]).await.unwrap();
    let Tokens { refresh: rotated, access: after_the_backup } = Tokens::of(&rotated);

    let target = Machine::new(into.variables(&servers));
    target.run(&["restore", &text(&file)]).await.succeeded();
    target.run(&["restore", "--confirm"]).await.succeeded();
    let after = lines(&*into.open(&servers, &target).await).await;
    // `--confirm` has marked the account, and nothing else.
    let changed: Vec<&String> = before.symmetric_difference(&after).collect();
    let is_account = |line: &&String| line.contains("\"kind\":\"account\"");
    assert!(changed.iter().all(is_account) && changed.len() <= 2, "{changed:#?}");
    assert!(json(&still)["records"].as_u64() >= written["records"].as_u64());

    // Nothing that was issued counts before somebody has said so, and what was taken back stays so.
    let node = Node::start(&target, Some(&installation.first.issuer)).await;
    for token in [&logins[0], &logins[2], &rotated] {
        let answer = installation.refresh(&node.url, token).await.unwrap();
        assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{answer:?}");
    }
    target.run(&["restore", "--grants", "revoke"]).await.succeeded();
    for token in [&logins[0], &logins[1], &logins[2], &rotated] {
        let answer = loop {
            let answer = installation.refresh(&node.url, token).await.unwrap();
            if answer.status != 503 {
                break answer;
            }
            SystemClock.sleep(Duration::from_millis(250)).await;
        };
        assert_eq!((answer.status, &answer.document["error"]), (400, &"invalid_grant".into()), "{answer:?}");
    }
    // This one rests on nothing that the restored store has a record of.
    let told = introspector.ask(&node.url, &after_the_backup).await;
    assert_eq!((told.status, &told.document["active"]), (200, &false.into()), "{told:?}");
    node.stop().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_account_is_not_refreshed_until_its_original_is_gone() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    let source = Machine::new(Vec::new());
    let account = source.log_in(&provider, "work").await;
    let file = text(&source.home.beside("bursar.backup"));
    source.run(&["backup", &file]).await.succeeded();
    source.run(&["refresh", &account]).await.succeeded();
    let refreshes = provider.refreshes();

    let copy = Machine::new(Vec::new());
    let restored = json(&copy.run(&["restore", &file, "--json"]).await.succeeded());
    assert_eq!(restored["accounts_state"], "uncertain");
    assert_eq!(restored["grants_state"], "suspended");
    let listed = json(&copy.run(&["list", "--json"]).await);
    assert_eq!(listed[0]["state"], "uncertain", "{listed}");
    assert!(listed[0]["note"].as_str().unwrap().contains("bursar restore --confirm"), "{listed}");
    let asked = copy.run(&["refresh", &account]).await;
    assert_eq!(asked.code, 5, "{asked}");
    assert!(asked.stderr.contains("bursar restore --confirm"), "{asked}");
    assert_eq!((provider.refreshes(), provider.reuse_detected()), (refreshes, 0), "nothing was spent");
    let confirmed = json(&copy.run(&["restore", "--confirm", "--json"]).await.succeeded());
    assert_eq!(confirmed["accounts_state"], "confirmed");
    // Its token was spent by the original, which is what the provider says now.
    let asked = copy.run(&["refresh", &account]).await;
    assert!([4, 5].contains(&asked.code), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_is_refused_and_changes_nothing() {
    let source = Machine::new(Vec::new());
    source.run(&["vault", "init"]).await.succeeded();
    let password = source.home.beside("password");
    write_private(&password, "correct horse battery staple");
    source.run(&["user", "add", "lovelace", "--password-file", &text(&password)]).await.succeeded();
    let file = source.home.beside("bursar.backup");
    source.run(&["backup", &text(&file)]).await.succeeded();
    let whole = std::fs::read(&file).unwrap();
    assert!(!String::from_utf8_lossy(&whole).contains("lovelace"), "names cannot be read in it");
    assert_eq!(mode_of(&file), 0o600);

    let copy = Machine::new(Vec::new());
    let damaged = copy.home.beside("damaged");
    let refused = async |bytes: &[u8], words: &str| {
        write_private(&damaged, "");
        std::fs::write(&damaged, bytes).unwrap();
        let ended = copy.run(&["restore", &text(&damaged)]).await;
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ended.code != 0 && said.contains(words), "no `{words}`: {ended}");
    };
    refused(&whole[..whole.len() - 1], "cut off").await;
    refused(&whole[..40], "cut short").await;
    refused(b"hello\n", "this is no bursar backup").await;
    let mut changed = whole.clone();
    changed[30] ^= 1;
    refused(&changed, "damaged").await;
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    refused(&changed, "damaged").await;
    copy.home.write_key(&format!("{}=", "A".repeat(43)));
    refused(&whole, "the master key does not open this backup").await;
    copy.home.write_key("j0Rfr9dIw1cprKuwTz/dr78cKTiu5C+Oz1lpB8vYu4M=");
    copy.run(&["restore", &text(&file)]).await.succeeded();
    refused(&whole, "the store holds records already").await;
    let into = format!("sqlite:{}", copy.home.beside("other.db").display());
    copy.run(&["restore", &text(&file), "--into", &into]).await.succeeded();
    let secret = copy.run(&["restore", &text(&file), "--into", "postgres://u:geheim@h/d"]).await;
    assert!(secret.code == 2 && secret.stderr.contains("--password-file"), "{secret}");
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_file_go_on_after_a_move_to_postgres() {
    clients_go_on(Kept::File, Kept::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_postgres_go_on_after_a_move_to_redis() {
    clients_go_on(Kept::Postgres, Kept::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_redis_go_on_after_a_move_to_a_file() {
    clients_go_on(Kept::Redis, Kept::File).await;
}

async fn clients_go_on(from: Kept, into: Kept) {
    let servers = Arc::new(Servers::start());
    let installation = Installation::with(Arc::clone(&servers), from.variables(&servers)).await;
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let source = &installation.machine;
    let account = source.log_in(&provider, "work").await;
    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(installation.log_in().await.refresh);
    }
    let second = if from == Kept::File { None } else { Some(installation.node().await) };
    let target = Machine::new(into.variables(&servers));
    // Makes its home.
    target.run(&["list"]).await.succeeded();
    let place = into.place(&servers, &target);
    let is_over = AtomicBool::new(false);
    let moving = async {
        let moved = source.run(&["migrate", "--to", &place, "--json"]).await.succeeded();
        is_over.store(true, Ordering::SeqCst);
        json(&moved)
    };
    let (logins, moved) = join(refreshing(&installation, logins, &is_over), moving).await;
    assert!(moved["counts"]["family"].as_u64() >= Some(4), "{moved}");
    // Who is still on the source is told to wait; who asks what became of a token is told nothing that may be wrong.
    let asked = installation.refresh(&installation.first.url, &logins[0]).await.unwrap();
    assert_eq!(asked.status, 503, "{asked:?}");
    if let Some(second) = &second {
        assert_eq!(installation.refresh(&second.url, &logins[0]).await.unwrap().status, 503);
    }
    let write = source.run(&["resource", "add", "https://late.example.com", "--scope", "read=Read"]).await;
    assert!(write.code != 0 && write.stderr.contains("was moved to"), "{write}");
    // Everything goes on where it is now, without a question.
    let node = Node::start(&target, Some(&installation.first.issuer)).await.ready().await;
    for token in &logins {
        Tokens::of(&installation.refresh(&node.url, token).await.unwrap());
    }
    target.run(&["refresh", &account]).await.succeeded();
    assert_eq!(provider.reuse_detected(), 0);
    let again = source.run(&["migrate", "--to", &place, "--cancel"]).await;
    assert_eq!(again.code, 8, "{again}");
    node.stop().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_ends_whole_from_a_file_to_postgres() {
    killed_and_resumed(Kept::File, Kept::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_ends_whole_from_postgres_to_redis() {
    killed_and_resumed(Kept::Postgres, Kept::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_ends_whole_from_redis_to_a_file() {
    killed_and_resumed(Kept::Redis, Kept::File).await;
}

async fn killed_and_resumed(from: Kept, into: Kept) {
    let servers = Servers::start();
    let source = Machine::new(from.variables(&servers));
    source.run(&["vault", "init"]).await.succeeded();
    for number in 0..40 {
        let url = format!("https://api{number}.example.com/mcp");
        source.run(&["resource", "add", &url, "--scope", "read=Read"]).await.succeeded();
    }
    let before = lines(&*from.open(&servers, &source).await).await;
    let target = Machine::new(into.variables(&servers));
    target.run(&["list"]).await.succeeded();
    let place = into.place(&servers, &target);
    let line = ["migrate", "--to", &place];
    // Each time a little later: before the note, between note and seal, in the copy, in the comparison.
    for delay in (0..24_u64).map(|step| Duration::from_millis(step * step)) {
        let mut killed = source.command(&line).spawn().unwrap();
        let ended = tokio::time::timeout(delay, killed.wait()).await;
        if ended.is_ok() {
            break;
        }
        killed.kill().await.unwrap();
    }
    source.run(&line).await.succeeded();
    let store = from.open(&servers, &source).await;
    assert!(matches!(store.health().await, Err(StoreError::Moved(_))), "the source is sealed");
    let after = lines(&*into.open(&servers, &target).await).await;
    assert_eq!(before.symmetric_difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
    let waiting = json(&target.run(&["restore", "--confirm", "--json"]).await.succeeded());
    assert_eq!(
        (&waiting["accounts_state"], &waiting["grants_state"]),
        (&"confirmed".into(), &"standing".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_goes_nowhere_but_into_another_store_that_is_empty() {
    let servers = Servers::start();
    let source = Machine::new(Kept::Postgres.variables(&servers));
    source.run(&["vault", "init"]).await.succeeded();
    let same = source.run(&["migrate", "--to", servers.postgres_url().expose()]).await;
    assert!(same.code == 2 && same.stderr.contains("the same store"), "{same}");
    let other = Machine::new(Kept::Redis.variables(&servers));
    other.run(&["vault", "init"]).await.succeeded();
    let full = source.run(&["migrate", "--to", servers.redis_url().expose()]).await;
    assert!(full.code == 8 && full.stderr.contains("holds records already"), "{full}");
    // Nothing was sealed.
    source.run(&["resource", "add", "https://api.example.com/mcp", "--scope", "read=Read"]).await.succeeded();
    let nobody = source.run(&["migrate", "--to", "postgres://bursar@127.0.0.1:1/bursar"]).await;
    assert_eq!(nobody.code, 5, "{nobody}");
}
