//! A database whose records have moved: triggers refuse every write, whichever build of bursar tries it.
//!
//! They cost nothing where there are none, which is why they are triggers and not a look before every write. Making them
//! waits for every transaction that has begun to write, so that none is acknowledged after.

use bursar_core::ports::store::StoreError;

use super::errors::Trouble;
use super::reader::column;
use super::server::{Held, Server};

/// Seals the database (told again, it tells the new place), or with nothing lifts the seal.
pub(super) async fn seal(server: &Server, moved_to: Option<&str>) -> Result<(), StoreError> {
    let mut patience = server.patience();
    loop {
        match try_seal(server, moved_to).await {
            Ok(()) => return Ok(()),
            // It may have waited for somebody who waited for it.
            Err(trouble) => patience.pause(trouble).await?,
        }
    }
}

async fn try_seal(server: &Server, moved_to: Option<&str>) -> Result<(), Trouble> {
    let client = server.connect().await?;
    client.batch_execute(PATIENT).await?;
    let rows = client.query(TABLES, &[]).await?;
    let tables = rows.iter().map(|row| column(row, 0)).collect::<Result<Vec<String>, _>>()?;
    if let Some(to) = moved_to {
        client.batch_execute(REFUSING).await?;
        for table in &tables {
            make(&client, table, to).await?;
        }
    } else {
        for table in &tables {
            client.batch_execute(&format!("DROP TRIGGER IF EXISTS sealed ON bursar.\"{table}\"")).await?;
        }
    }
    client.batch_execute("COMMIT").await?;
    client.release();
    Ok(())
}

async fn make(client: &Held, table: &str, to: &str) -> Result<(), Trouble> {
    client.batch_execute(&format!("DROP TRIGGER IF EXISTS sealed ON bursar.\"{table}\"")).await?;
    let to = to.replace('\'', "''");
    let sql = format!(
        "CREATE TRIGGER sealed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON bursar.\"{table}\" \
         FOR EACH STATEMENT EXECUTE FUNCTION bursar.refuse_writing('{to}')"
    );
    Ok(client.batch_execute(&sql).await?)
}

/// What the triggers raise; of the classes that are nobody else's.
pub(super) const SEALED: &str = "BUR01";

const PATIENT: &str = "\
    BEGIN ISOLATION LEVEL READ COMMITTED; \
    SET LOCAL lock_timeout = '20s'; SET LOCAL statement_timeout = '60s'; \
    SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL standard_conforming_strings = on; \
    SELECT pg_advisory_xact_lock(1651864435, 1)";

const TABLES: &str = "\
    SELECT relname::text FROM pg_class \
    WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'bursar') AND relkind = 'r' ORDER BY relname";

const REFUSING: &str = "\
    CREATE OR REPLACE FUNCTION bursar.refuse_writing() RETURNS trigger LANGUAGE plpgsql AS \
    $refuse$ BEGIN RAISE EXCEPTION USING ERRCODE = 'BUR01', MESSAGE = TG_ARGV[0]; END $refuse$";
