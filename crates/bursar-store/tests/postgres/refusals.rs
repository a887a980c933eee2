//! What is refused when a store is opened, with a reason that helps and shows no secret.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use bursar_core::ports::store::{Group, Kind, Scope, StoreError};
use bursar_core::secret::Secret;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use futures::executor::block_on;

use super::contract::{ACCOUNT, Bench, KINDS, LOGIN, SETTING, USE, record, start};
use super::server::{Server, own};

fn open(url: Secret) -> Result<PostgresStore, StoreError> {
    let mut options = PostgresOptions::new(url, KINDS, "first");
    options.patience = std::time::Duration::from_millis(300);
    block_on(PostgresStore::open(options))
}

fn refused(url: Secret) -> StoreError {
    match open(url) {
        Err(error) => error,
        Ok(_) => panic!("the store was opened"),
    }
}

#[test]
fn wrong_address_password_or_database_is_named_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.ask("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'");
    let host = format!("?host={}", folder.path().display());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Some things somebody has to put right; others may be so in a moment.
    for (url, said, waiting_may_help) in [
        (format!("postgres://guarded:hunter2@/bursar{host}"), "password authentication failed", false),
        (format!("postgres://guarded@/bursar{host}"), "password", false),
        (format!("postgres://bursar:hunter2@/nowhere{host}"), "\"nowhere\" does not exist", false),
        (format!("postgres://nobody:hunter2@/bursar{host}"), "\"nobody\" does not exist", false),
        (format!("postgres://bursar:hunter2@127.0.0.1:{port}/bursar"), "refused", true),
        ("postgres://bursar:hunter2@/bursar?host=/nonexistent".to_owned(), "No such file", true),
        ("redis://bursar:hunter2@127.0.0.1/bursar".to_owned(), "postgres://", false),
        ("postgres://bursar:hunter2@127.0.0.1:x/bursar".to_owned(), "postgres://", false),
    ] {
        let error = refused(Secret::new(&*url));
        let text = format!("{error} {error:?}");
        let is_transient = matches!(error, StoreError::Unavailable(_));
        assert!(is_transient == waiting_may_help, "{text}");
        assert!(is_transient || matches!(error, StoreError::Refused(_)), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    drop(server.store());
    server.ask("UPDATE bursar.meta SET value = 1000 WHERE name = 'schema'");
    assert_eq!(refused(server.url("bursar")), StoreError::Newer { found: 1000, known: 1 });
    assert_eq!(server.ask("SELECT value FROM bursar.meta WHERE name = 'schema'"), "1000");
}

#[test]
fn schema_of_somebody_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.ask("CREATE SCHEMA bursar; CREATE TABLE bursar.theirs (a integer)");
    assert!(matches!(refused(server.url("bursar")), StoreError::Damaged(_)));
    server.ask("CREATE TABLE bursar.meta (name text, value bigint)");
    assert!(matches!(refused(server.url("bursar")), StoreError::Damaged(_)));
    assert_eq!(server.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'bursar'"), "2");
}

#[test]
fn migration_that_fails_half_way_leaves_nothing_and_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.ask(
        "CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF (SELECT count(*) FROM pg_class WHERE relname = 'kind_login') > 0 THEN RAISE 'no more'; END IF; END $$; \
         CREATE EVENT TRIGGER stop ON ddl_command_end EXECUTE FUNCTION stop()",
    );
    assert!(refused(server.url("bursar")).to_string().contains("no more"));
    assert_eq!(server.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'bursar'"), "0");
    server.ask("DROP EVENT TRIGGER stop");
    let bench = Bench::new(super::Opened::from(std::sync::Arc::new(server.store())), clock());
    bench.create(record(&LOGIN, "a", ""));
}

fn clock() -> bursar_core::memory::clock::ManualClock {
    bursar_core::memory::clock::ManualClock::new(start())
}

#[test]
fn missing_rights_are_named_with_their_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.ask("CREATE ROLE poor LOGIN");
    let error = refused(server.url("poor")).to_string();
    assert!(error.contains("CREATE SCHEMA bursar"), "{error}");
    drop(server.store());
    let error = refused(server.url("poor"));
    assert!(matches!(&error, StoreError::ReadOnly(_)), "{error}");
    server.ask("GRANT USAGE ON SCHEMA bursar TO poor; GRANT SELECT ON ALL TABLES IN SCHEMA bursar TO poor");
    let error = refused(server.url("poor")).to_string();
    assert!(error.contains("GRANT ALL ON ALL TABLES") && error.contains("`poor`"), "{error}");
    server.ask("GRANT ALL ON ALL TABLES IN SCHEMA bursar TO poor; GRANT ALL ON ALL SEQUENCES IN SCHEMA bursar TO poor");
    let store = open(server.url("poor")).unwrap();
    Bench::new(super::Opened::from(std::sync::Arc::new(store)), clock()).create(record(&USE, "a", ""));
}

#[test]
fn database_that_cannot_hold_our_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.ask("CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let url = format!("postgres://bursar@/old?host={}", folder.path().display());
    let error = refused(Secret::new(url)).to_string();
    assert!(error.contains("LATIN1") && error.contains("UTF8"), "{error}");
}

#[test]
fn index_declared_later_is_made_and_filled_by_the_next_writes() {
    static PLAIN: Kind =
        Kind { name: "account", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: true };
    static OLDER: &[&Kind] = &[&PLAIN, &USE, &LOGIN, &SETTING];
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut options = server.options();
    options.kinds = OLDER;
    let older = Bench::new(
        super::Opened::from(std::sync::Arc::new(block_on(PostgresStore::open(options)).unwrap())),
        clock(),
    );
    older.create(record(&PLAIN, "a", ""));
    let newer = Bench::new(super::Opened::from(std::sync::Arc::new(server.store())), clock());
    let mut indexed = record(&ACCOUNT, "b", "");
    indexed.indexes = vec![("owner", "me".to_owned())];
    newer.create(indexed);
    assert_eq!(super::contract::keys(&newer.find("owner", "me")), ["b"]);
    assert_eq!(super::contract::keys(&newer.list(&ACCOUNT)), ["a", "b"]);
    // The older one goes on beside it, as in a rolling upgrade.
    older.create(record(&PLAIN, "c", ""));
    assert!(newer.read(&ACCOUNT, "c").is_some());
}

#[test]
fn certificates_are_believed_as_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, key) = (folder.path().join("server.crt"), folder.path().join("server.key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&authority)
        .arg("-keyout")
        .arg(&key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (server, port) = serve_tls(folder.path(), &authority, &key);
    let url =
        |host: &str, query: &str| Secret::new(format!("postgres://bursar@{host}:{port}/bursar?{query}"));
    let file = format!("sslrootcert={}", authority.display());
    for (host, query) in [
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", "sslmode=disable".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&{file}")),
        ("localhost", format!("sslmode=verify-full&{file}")),
    ] {
        open(url(host, &query)).unwrap_or_else(|error| panic!("{host} {query}: {error}"));
    }
    for (host, query) in [
        ("127.0.0.1", format!("sslmode=verify-full&{file}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("localhost", "sslmode=verify-ca".to_owned()),
    ] {
        let error = refused(url(host, &query)).to_string();
        assert!(error.contains("certificate"), "{host} {query}: {error}");
    }
    let missing = refused(url("localhost", "sslmode=verify-full&sslrootcert=/nonexistent")).to_string();
    assert!(missing.contains("/nonexistent"), "{missing}");
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'bursar'";
    let store = open(url("127.0.0.1", "sslmode=require")).unwrap();
    assert_ne!(server.ask(encrypted), "0");
    drop(store);
}

/// A port of its own; if somebody else takes it before the server does, the server does not start and it is tried again.
fn serve_tls(
    folder: &std::path::Path,
    certificate: &std::path::Path,
    key: &std::path::Path,
) -> (Server, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Server::start(folder);
    server.stop();
    for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
        let to = server.data().join(name);
        fs::copy(from, &to).unwrap();
        own(&to);
    }
    server.set(&[format!("port={port}"), "listen_addresses=127.0.0.1".to_owned(), "ssl=on".to_owned()]);
    server.restart();
    (server, port)
}
