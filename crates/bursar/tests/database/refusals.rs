//! Stores that cannot be used: each start says why and what to do, without a secret, and leaves them alone.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::world::{DATABASE, EPHEMERAL, Machine};
use crate::servers::Servers;
use crate::support::{Ended, write_private};

/// How the server and a command end with these variables; both must say the same.
async fn refused(variables: &[(&'static str, &str)]) -> Ended {
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let machine = Machine::new(variables);
    let command = machine.run(&["list"]).await;
    let server = machine.run(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(command.stderr, server.stderr);
    assert_eq!(command.code, server.code);
    assert!(!server.stderr.contains("geheim"), "{server}");
    assert!(!machine.home.path().join("bursar.db").exists(), "another store was opened instead");
    server
}

#[track_caller]
fn says(ended: &Ended, code: i32, words: &[&str]) {
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ended.code, code, "{ended}");
    for words in words {
        assert!(said.contains(words), "no `{words}`: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_means_nothing() {
    for url in ["mysql://u:geheim@localhost/bursar", "/var/lib/bursar.db"] {
        let ended = refused(&[(DATABASE, url)]).await;
        says(&ended, 2, &[DATABASE, "`postgres://`, `redis://`, `rediss://` or `redis+unix://`"]);
    }
    let ended = refused(&[(EPHEMERAL, "postgres://u:geheim@localhost/bursar")]).await;
    says(&ended, 2, &[EPHEMERAL, "`redis://`"]);
    let ended = refused(&[(DATABASE, "postgres://u:geheim@localhost:x/bursar")]).await;
    says(&ended, 1, &["the PostgreSQL server of `store.database` cannot be used", "%40", "hint:"]);
    let ended = refused(&[(DATABASE, "redis://u:geheim@localhost:x/0")]).await;
    says(&ended, 1, &["the Redis server of `store.database` cannot be used", "percent-encoded", "hint:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_file_and_one_said_twice() {
    let machine = Machine::new(Vec::new());
    machine.home.write_config("[store]\ndatabase = \"postgres://u:geheim@localhost/bursar\"\n");
    let ended = machine.run(&["list"]).await;
    says(&ended, 2, &["config.toml:2:12", "does not belong in this file", "store.database_password_file"]);
    assert!(!ended.stderr.contains("geheim"), "{ended}");
    let url = "postgres://u:geheim@localhost/bursar";
    let ended = refused(&[(DATABASE, url), ("BURSAR_STORE_DATABASE_PASSWORD", "geheim")]).await;
    says(&ended, 2, &["`store.database` has one already"]);
    let machine = Machine::new(vec![(DATABASE, url.to_owned())]);
    let shown = machine.run(&["config", "show"]).await;
    assert!(shown.stdout.contains("postgres://u:***@localhost/bursar"), "{shown}");
    assert!(!shown.stdout.contains("geheim"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = refused(&[(DATABASE, &format!("redis://:geheim@127.0.0.1:{port}"))]).await;
    says(
        &ended,
        5,
        &["the Redis server of `store.database` cannot be used", "refused", "runs and can be reached"],
    );
    let ended = refused(&[(DATABASE, &format!("postgres://u:geheim@127.0.0.1:{port}/bursar"))]).await;
    says(&ended, 5, &["the PostgreSQL server of `store.database`", "refused", "runs and can be reached"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_the_right_one_from_a_file() {
    let servers = Servers::start();
    servers.ask_postgres("CREATE ROLE guarded LOGIN PASSWORD 'open sesame @/?'");
    servers.ask_postgres("CREATE SCHEMA bursar AUTHORIZATION guarded");
    let url = servers.postgres_url().expose().replace("bursar@", "guarded@");
    let wrong = [(DATABASE, url.as_str()), ("BURSAR_STORE_DATABASE_PASSWORD", "geheim")];
    says(&refused(&wrong).await, 1, &["password authentication failed", "docs/operations/postgres.md"]);
    let machine = Machine::new(vec![(DATABASE, url)]);
    let file = machine.home.beside("database password");
    write_private(&file, "open sesame @/?\n");
    machine.home.write_config(&format!("[store]\ndatabase_password_file = \"{}\"\n", file.display()));
    machine.run(&["list"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_redis_and_the_right_one_from_a_program() {
    let servers = Servers::with_redis(&["--requirepass", "open sesame @/?"]);
    let url = servers.redis_url().expose().to_owned();
    let wrong = [(DATABASE, url.as_str()), ("BURSAR_STORE_DATABASE_PASSWORD", "geheim")];
    says(&refused(&wrong).await, 1, &["refuses the user name or password", "store.database_password_file"]);
    let machine = Machine::new(vec![(DATABASE, url)]);
    machine.home.write_config("[store]\ndatabase_password_command = [\"echo\", \"open sesame @/?\"]\n");
    machine.run(&["list"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_newer() {
    let servers = Servers::start();
    let [postgres, redis] = [servers.postgres_url(), servers.redis_url()].map(|url| url.expose().to_owned());
    for url in [&postgres, &redis] {
        Machine::new(vec![(DATABASE, url.clone())]).run(&["list"]).await.succeeded();
    }
    servers.ask_postgres("UPDATE bursar.meta SET value = 1000 WHERE name = 'schema'");
    servers.ask_redis("HSET bursar:{~}:meta schema 1000");
    for url in [&postgres, &redis] {
        let ended = refused(&[(DATABASE, url)]).await;
        says(&ended, 1, &["the store has schema 1000", "install the newer bursar"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rights() {
    let servers = Servers::start();
    servers.ask_postgres("CREATE ROLE poor LOGIN");
    let url = servers.postgres_url().expose().replace("bursar@", "poor@");
    let ended = refused(&[(DATABASE, &url)]).await;
    says(&ended, 1, &["CREATE SCHEMA bursar AUTHORIZATION", "docs/operations/postgres.md"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_server_that_would_drop_grants() {
    let evicts = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let servers = Servers::with_redis(&evicts);
    let redis = servers.redis_url().expose().to_owned();
    let ended = refused(&[(DATABASE, &redis)]).await;
    says(&ended, 1, &["`maxmemory-policy allkeys-lru`", "CONFIG SET maxmemory-policy noeviction"]);
    let postgres = servers.postgres_url().expose().to_owned();
    let ended = refused(&[(DATABASE, &postgres), (EPHEMERAL, &redis)]).await;
    says(&ended, 1, &["the Redis server of `store.ephemeral`", "`maxmemory-policy allkeys-lru`"]);
    drop(servers);
    let servers = Servers::with_redis(&["--appendfsync", "everysec"]);
    let redis = servers.redis_url().expose().to_owned();
    let ended = refused(&[(DATABASE, &redis)]).await;
    says(&ended, 1, &["`appendfsync everysec`", "CONFIG SET appendfsync always"]);
    // What may be lost may be there.
    let postgres = servers.postgres_url().expose().to_owned();
    Machine::new(vec![(DATABASE, postgres), (EPHEMERAL, redis)]).run(&["list"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_server_that_is_too_old() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 4096];
            while let Ok(length @ 1..) = client.read(&mut request) {
                for command in String::from_utf8_lossy(&request[..length]).split('*').skip(1) {
                    let facts = "redis_version:6.2.14\r\n";
                    let answer = if command.contains("$4\r\nINFO\r\n") {
                        format!("${}\r\n{facts}\r\n", facts.len())
                    } else {
                        "+OK\r\n".to_owned()
                    };
                    if client.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        }
    });
    says(&refused(&[(DATABASE, &url)]).await, 1, &["Redis 6.2.14 is too old", "7.0", "upgrade the server"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_servers_variables_that_mean_nothing_stop_a_server_only() {
    let unknown = vec![("SESSION_PROVIDER", "etcd".to_owned())];
    let nowhere = vec![("SESSION_PROVIDER", "redis".to_owned())];
    for (variables, words) in [(unknown, "must be one of"), (nowhere, "SESSION_REDIS_URL")] {
        let machine = Machine::new(variables);
        for line in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"]] {
            says(&machine.run(line).await, 2, &[words]);
        }
        machine.run(&["list"]).await.succeeded();
    }
}
