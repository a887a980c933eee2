//! Brings a database to the schema this build knows, forward only, and touches nothing when it is there already.

use std::collections::HashSet;

use bursar_core::ports::store::{INCARNATION, Incarnation, Origin, StoreError};
use tokio_postgres::Row;

use super::errors::Trouble;
use super::reader::{BEGIN, column};
use super::schema::{Object, table};
use super::server::{Held, Server};

/// Checks server and database, and creates or extends the schema when something is missing. `incarnation` names a new
/// store's life.
pub(super) async fn prepare(server: &Server, incarnation: &str) -> Result<(), StoreError> {
    let mut patience = server.patience();
    loop {
        match try_prepare(server, incarnation).await {
            Ok(()) => return Ok(()),
            Err(trouble) => patience.pause(trouble).await?,
        }
    }
}

async fn try_prepare(server: &Server, incarnation: &str) -> Result<(), Trouble> {
    let client = server.connect().await?;
    check_server(&client).await?;
    check_locks(&client).await?;
    if found_version(&client).await? != KNOWN || !missing(&client, server).await?.is_empty() {
        client.batch_execute(BEGIN).await?;
        // Others who open the store meanwhile wait, and then find it done. What fails here rolls back whole.
        client.batch_execute(WAIT_FOR_OTHERS).await?;
        upgrade(&client, server, incarnation).await?;
        client.batch_execute("COMMIT").await?;
    }
    check_rights(&client).await?;
    client.release();
    Ok(())
}

/// Refuses servers that are too old, cannot hold our text or cannot be written to.
async fn check_server(client: &Held) -> Result<(), Trouble> {
    let row = client.query_one(SERVER, &[]).await?;
    check_version(column(&row, 0)?)?;
    let encoding: String = column(&row, 1)?;
    if encoding != "UTF8" {
        return Err(StoreError::Refused(format!(
            "the database has the encoding {encoding}: make one with UTF8"
        ))
        .into());
    }
    if column(&row, 2)? {
        let detail = "the server is a standby: connect to its primary, or name all hosts in the URL";
        return Err(Trouble::Again(StoreError::ReadOnly(detail.to_owned())));
    }
    if column::<String>(&row, 3)? == "off" {
        tracing::warn!("the database server runs with fsync = off: a power loss will lose tokens");
    }
    Ok(())
}

fn check_version(number: i32) -> Result<(), StoreError> {
    if number >= OLDEST_SERVER {
        return Ok(());
    }
    let (found, needed) = (number / 10_000, OLDEST_SERVER / 10_000);
    Err(StoreError::Refused(format!("the server is PostgreSQL {found}: version {needed} or newer is needed")))
}

/// Some servers speak the same language and only pretend to lock.
async fn check_locks(client: &Held) -> Result<(), Trouble> {
    client.batch_execute(BEGIN).await?;
    client.query("SELECT pg_advisory_xact_lock_shared(1651864435, 2)", &[]).await?;
    let row = client.query_one(OWN_LOCKS, &[]).await?;
    client.batch_execute("ROLLBACK").await?;
    if column::<i64>(&row, 0)? == 1 {
        return Ok(());
    }
    let detail = "the server does not keep advisory locks: only PostgreSQL itself will do";
    Err(StoreError::Refused(detail.to_owned()).into())
}

/// The schema's version; 0 if there is none.
async fn found_version(client: &Held) -> Result<u32, Trouble> {
    let row = client.query_one(STATE, &[]).await?;
    let (objects, meta): (i64, bool) = (column(&row, 0)?, column(&row, 1)?);
    if !meta {
        return if objects == 0 {
            Ok(0)
        } else {
            Err(StoreError::Damaged("the schema `bursar` holds tables of something else".to_owned()).into())
        };
    }
    let row = client.query_opt("SELECT value FROM bursar.meta WHERE name = 'schema'", &[]).await?;
    let damaged = || StoreError::Damaged("the schema `bursar` does not tell its version".to_owned());
    let found: i64 = column(&row.ok_or_else(damaged)?, 0)?;
    let found = u32::try_from(found).map_err(|_| damaged())?;
    if found > KNOWN { Err(StoreError::Newer { found, known: KNOWN }.into()) } else { Ok(found) }
}

async fn missing(client: &Held, server: &Server) -> Result<Vec<Object>, Trouble> {
    let rows = client.query(OBJECTS, &[]).await?;
    let present = rows.iter().map(|row| column(row, 0)).collect::<Result<HashSet<String>, _>>()?;
    Ok(server.schema.objects().filter(|object| !present.contains(&object.name)).collect())
}

async fn upgrade(client: &Held, server: &Server, incarnation: &str) -> Result<(), Trouble> {
    // Looked up again: another node may have done it while this one waited.
    let found = found_version(client).await?;
    if found == 0 {
        let exists: bool = column(&client.query_one(HAS_SCHEMA, &[]).await?, 0)?;
        if !exists {
            client.batch_execute("CREATE SCHEMA bursar").await.map_err(no_schema)?;
        }
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        client.batch_execute(migration).await?;
    }
    for object in missing(client, server).await? {
        client.batch_execute(&object.create).await?;
    }
    if found < KNOWN {
        let sql = "INSERT INTO bursar.meta (name, value) VALUES ('schema', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        client.execute(sql, &[&i64::from(KNOWN)]).await?;
    }
    if found == 0 {
        let first = Incarnation { id: incarnation.to_owned(), origin: Origin::Fresh };
        let row = client.query_one("SELECT nextval('bursar.commit_sequence')", &[]).await?;
        write_incarnation(client, &first, column(&row, 0)?).await?;
    }
    Ok(())
}

/// Stores which life this store is living, as the commit `sequence`.
pub(super) async fn write_incarnation(
    client: &Held,
    incarnation: &Incarnation,
    sequence: i64,
) -> Result<(), Trouble> {
    let body = serde_json::to_vec(incarnation)
        .map_err(|_| StoreError::Misuse("an incarnation cannot be written as JSON"))?;
    let sql = format!(
        "INSERT INTO {} (space, key, version, body) VALUES ('', 'current', $1, $2) \
         ON CONFLICT (space, key) DO UPDATE SET version = excluded.version, body = excluded.body",
        table(&INCARNATION)
    );
    client.execute(&sql, &[&sequence, &body]).await?;
    Ok(())
}

/// Finds a missing right now, with its remedy, instead of at the first write.
async fn check_rights(client: &Held) -> Result<(), Trouble> {
    let lacking = client.query(LACKING, &[]).await?;
    let Some(row) = lacking.first() else { return Ok(()) };
    let lacking = |row: &Row| Ok::<_, StoreError>((column::<String>(row, 0)?, column::<String>(row, 1)?));
    let (table, user) = lacking(row)?;
    Err(StoreError::ReadOnly(format!(
        "the user `{user}` may not use bursar.{table}: let its owner run GRANT ALL ON ALL TABLES IN SCHEMA bursar, and \
         GRANT ALL ON ALL SEQUENCES IN SCHEMA bursar, to it"
    ))
    .into())
}

fn no_schema(error: tokio_postgres::Error) -> Trouble {
    match Trouble::from(error) {
        Trouble::Refused(StoreError::ReadOnly(detail)) => StoreError::ReadOnly(format!(
            "the schema `bursar` cannot be made: {detail}; let the database's owner run CREATE SCHEMA bursar \
             AUTHORIZATION followed by this user's name"
        ))
        .into(),
        other => other,
    }
}

const SERVER: &str = "\
    SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'), pg_is_in_recovery(), \
    current_setting('fsync')";

const OWN_LOCKS: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";

const HAS_SCHEMA: &str = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'bursar')";

/// How many tables the schema holds, and whether one of them is ours.
const STATE: &str = "\
    SELECT count(*), coalesce(bool_or(relname = 'meta'), false) FROM pg_class \
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'bursar') AND relkind = 'r'";

const OBJECTS: &str = "\
    SELECT relname::text FROM pg_class \
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'bursar')";

const LACKING: &str = "\
    SELECT relname::text, current_user::text FROM pg_class \
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'bursar') AND CASE relkind \
        WHEN 'r' THEN NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') \
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) \
        WHEN 'S' THEN NOT (has_sequence_privilege(oid, 'SELECT') AND has_sequence_privilege(oid, 'USAGE')) \
        ELSE false END \
    ORDER BY relname LIMIT 1";

/// Longer than any migration of ours takes on a table that fits one server; the numbers spell nothing, they only must
/// stay what they are.
const WAIT_FOR_OTHERS: &str = "\
    SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = '10min'; \
    SELECT pg_advisory_xact_lock(1651864435, 1)";

/// Each entry brings the store's own tables from its index to the next version. Entries are never changed, only added;
/// tables of kinds are not among them, they follow from their declarations.
const MIGRATIONS: [&str; 1] = [r#"
    CREATE TABLE bursar.meta (name text PRIMARY KEY, value bigint NOT NULL);
    CREATE SEQUENCE bursar.commit_sequence;
    CREATE TABLE bursar.commit_log (
        sequence bigint PRIMARY KEY, space text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
        at bigint NOT NULL, UNIQUE (space, id)
    );
    CREATE TABLE bursar.change_log (
        space text COLLATE "C" NOT NULL, sequence bigint NOT NULL, ordinal integer NOT NULL,
        kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, PRIMARY KEY (space, sequence, ordinal)
    );
    CREATE INDEX change_log_by_sequence ON bursar.change_log (sequence);
    CREATE TABLE bursar.event (
        id bigint PRIMARY KEY, space text COLLATE "C" NOT NULL, at bigint NOT NULL, name text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL, detail text COLLATE "C" NOT NULL
    );
    CREATE INDEX event_by_space ON bursar.event (space, id);
    CREATE INDEX event_by_subject ON bursar.event (space, subject, id);
    CREATE TABLE bursar.counter (
        space text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, length bigint NOT NULL,
        ends_at bigint NOT NULL, value bigint NOT NULL, PRIMARY KEY (space, name)
    );
    CREATE INDEX counter_by_end ON bursar.counter (ends_at);
"#];

/// The newest schema this build knows; it fits, there will never be so many.
#[expect(clippy::cast_possible_truncation, reason = "the list is written by hand")]
const KNOWN: u32 = MIGRATIONS.len() as u32;

/// Older ones are no longer kept up by their makers.
const OLDEST_SERVER: i32 = 130_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused_by_their_name() {
        assert_eq!(check_version(130_000), Ok(()));
        assert_eq!(check_version(180_001), Ok(()));
        for (number, name) in [(90_624, "9"), (120_022, "12")] {
            let refused = check_version(number).unwrap_err().to_string();
            assert!(refused.contains(&format!("PostgreSQL {name}:")), "{refused}");
        }
    }
}
