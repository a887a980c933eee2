//! One batch, whole or not at all, in two round trips.
//!
//! The first locks every record the batch names and looks: was this very commit done before, and does every expectation
//! hold? The second writes and commits. Nobody else can change what was looked at in between, so no isolation beyond the
//! usual is needed, and nobody waits for a lock longer than a commit takes.
//!
//! If the connection breaks, the batch is simply tried again under its name: it finds itself done, or does itself now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bursar_core::ports::store::{
    Answer, Batch, Commit, Expected, Group, Kind, Sequence, StoreError, Version, WriteOperation,
};
use jiff::Timestamp;
use tokio_postgres::{Row, Statement};

use super::columns::{APPEND, ChangeColumns, EventColumns, RecordColumns};
use super::errors::{Trouble, is_definite};
use super::order::{LOCK_HORIZON, LOCK_NAMES, commit_lock, record_lock};
use super::pipeline::{Parameter, Step, run};
use super::reader::{BEGIN, column, outcome_statement, time};
use super::schema::Statements;
use super::server::{Held, Server, in_time};
use super::text::{decode, encode};

/// Applies a checked batch if every expectation holds.
pub(super) async fn commit(server: Arc<Server>, batch: Batch) -> Result<Answer<Commit>, StoreError> {
    let plan = Plan::new(&server, &batch)?;
    let mut patience = server.patience();
    // Whether an order to commit is out there whose answer is not known.
    let mut sent = false;
    loop {
        let trouble = match attempt(&server, &plan, &mut sent).await {
            Ok(answer) => return Ok(answer),
            Err(trouble) => trouble,
        };
        if let Err(error) = patience.pause(trouble).await {
            return Err(if sent { StoreError::UnknownOutcome(error.to_string()) } else { error });
        }
    }
}

async fn attempt(server: &Server, plan: &Plan<'_>, sent: &mut bool) -> Result<Answer<Commit>, Trouble> {
    let client = server.connect().await?;
    let given = server.given_time();
    let look = look(&client, plan, given).await?;
    // The lock on the commit's name was free, so what was sent before has arrived or never will.
    *sent = false;
    let value = match (look.done, &look.conflict) {
        (Some(first), _) => Commit::Done(Version(first)),
        (None, Some((kind, key))) => Commit::Conflict { kind, key: (*key).to_owned() },
        (None, None) => {
            let sequence = write(&client, plan, look.time, sent).await?;
            client.release();
            if !plan.changes.keys.is_empty() {
                server.hints.committed(sequence);
            }
            return Ok(Answer { value: Commit::Done(Version(sequence)), time: look.time });
        }
    };
    in_time(async { Ok(client.batch_execute("ROLLBACK").await?) }).await?;
    client.release();
    Ok(Answer { value, time: look.time })
}

/// Everything a batch asks for, in the form its statements take.
struct Plan<'a> {
    batch: &'a Batch,
    space: &'a str,
    id: String,
    locks: Vec<String>,
    shared: Vec<bool>,
    kinds: BTreeMap<&'static str, OfKind<'a>>,
    changes: ChangeColumns,
    events: EventColumns,
    /// May be lost in a crash, so nobody waits for the disk.
    ephemeral: bool,
}

/// What a batch does to one kind.
struct OfKind<'a> {
    statements: &'a Statements,
    /// Of records that are written or guarded.
    looked_at: Vec<String>,
    put: RecordColumns,
    deleted: Vec<String>,
}

/// What was found under lock.
struct Look<'a> {
    time: Timestamp,
    done: Option<Sequence>,
    conflict: Option<(&'static str, &'a str)>,
}

impl<'a> Plan<'a> {
    fn new(server: &'a Server, batch: &'a Batch) -> Result<Self, StoreError> {
        let space = batch.space().as_str();
        let mut plan = Self {
            batch,
            space,
            id: encode(&batch.id().0).into_owned(),
            locks: vec![commit_lock(batch.space(), batch.id())],
            shared: vec![false],
            kinds: BTreeMap::new(),
            changes: ChangeColumns::default(),
            events: EventColumns::default(),
            ephemeral: false,
        };
        for (write, _) in batch.writes() {
            let (kind, key) = write.target();
            let of_kind = plan.look_at(server, kind, key, false)?;
            match write {
                WriteOperation::Put(record) => of_kind.put.push(record.clone(), None),
                WriteOperation::Delete { .. } => of_kind.deleted.push(encode(key).into_owned()),
            }
            if kind.watched {
                plan.changes.push(kind, key);
            }
            plan.ephemeral = kind.group == Group::Ephemeral;
        }
        for guard in batch.guards() {
            plan.look_at(server, guard.kind, &guard.key, true)?;
        }
        batch.events().iter().for_each(|event| plan.events.push(space, event));
        Ok(plan)
    }

    fn look_at(
        &mut self,
        server: &'a Server,
        kind: &'static Kind,
        key: &str,
        shared: bool,
    ) -> Result<&mut OfKind<'a>, StoreError> {
        let statements = server.schema.statements(kind)?;
        self.locks.push(record_lock(kind, self.batch.space(), key));
        self.shared.push(shared);
        let of_kind = self.kinds.entry(kind.name).or_insert_with(|| OfKind {
            statements,
            looked_at: Vec::new(),
            put: RecordColumns::default(),
            deleted: Vec::new(),
        });
        of_kind.looked_at.push(encode(key).into_owned());
        Ok(of_kind)
    }

    /// The first expectation that does not hold: writes in their order, then guards in theirs.
    fn conflict(&self, versions: &HashMap<(&str, String), Version>) -> Option<(&'static str, &'a str)> {
        let writes = self.batch.writes().iter().map(|(write, expected)| (write.target(), *expected));
        let guards =
            self.batch.guards().iter().map(|guard| ((guard.kind, guard.key.as_str()), guard.expected));
        let broken = writes.chain(guards).find(|((kind, key), expected)| {
            let found = versions.get(&(kind.name, (*key).to_owned()));
            match expected {
                Expected::Absent => found.is_some(),
                Expected::Version(version) => found != Some(version),
            }
        });
        broken.map(|((kind, key), _)| (kind.name, key))
    }
}

async fn look<'a>(client: &Held, plan: &Plan<'a>, given: Option<Timestamp>) -> Result<Look<'a>, Trouble> {
    let millisecond = given.map(Timestamp::as_millisecond);
    let answers = in_time(async {
        let mut steps = vec![
            Step::Order(BEGIN),
            Step::Query(client.prepare_cached(LOCK_NAMES).await?, vec![&plan.locks, &plan.shared]),
            Step::Query(
                client.prepare_cached(&outcome_statement()).await?,
                vec![&millisecond, &plan.space, &plan.id],
            ),
        ];
        for of_kind in plan.kinds.values() {
            let versions = client.prepare_cached(&of_kind.statements.versions).await?;
            steps.push(Step::Query(versions, vec![&plan.space, &of_kind.looked_at]));
        }
        run(client, steps).await.map_err(|(_, error)| error.into())
    });
    let answers = answers.await?;
    let row = answers[2].first().ok_or_else(|| Trouble::again("the database answered without a row"))?;
    let time = time(given, row)?;
    let done = column::<Option<i64>>(row, 1)?.map(i64::unsigned_abs);
    let mut versions = HashMap::new();
    for (name, rows) in plan.kinds.keys().zip(&answers[3..]) {
        for row in rows {
            if let Some((key, version)) = live_version(row, time)? {
                versions.insert((*name, key), version);
            }
        }
    }
    Ok(Look { time, done, conflict: plan.conflict(&versions) })
}

/// Key and version of a row (key, version, `expires_at`), unless it has expired.
fn live_version(row: &Row, now: Timestamp) -> Result<Option<(String, Version)>, StoreError> {
    let expires_at: Option<i64> = column(row, 2)?;
    if expires_at.is_some_and(|expires_at| expires_at <= now.as_millisecond()) {
        return Ok(None);
    }
    Ok(Some((decode(column(row, 0)?), Version(column::<i64>(row, 1)?.unsigned_abs()))))
}

/// Writes and commits; tells the commit's number.
async fn write(client: &Held, plan: &Plan<'_>, now: Timestamp, sent: &mut bool) -> Result<Sequence, Trouble> {
    let now = now.as_millisecond();
    let prepared = in_time(prepare(client, plan)).await?;
    let mut steps = Vec::new();
    if plan.ephemeral {
        steps.push(Step::Order("SET LOCAL synchronous_commit = off"));
    }
    steps.push(Step::Query(prepared.horizon, Vec::new()));
    let numbered = steps.len();
    let id: Vec<Parameter<'_>> = vec![&plan.space, &plan.id, &now];
    steps.push(Step::Query(prepared.log, id));
    for (of_kind, (put, delete)) in plan.kinds.values().zip(prepared.kinds) {
        if let Some(put) = put {
            steps.push(Step::Query(put, of_kind.put.parameters(&plan.space)));
        }
        if let Some(delete) = delete {
            steps.push(Step::Query(delete, vec![&plan.space, &of_kind.deleted]));
        }
    }
    if let Some(change) = prepared.change {
        let ChangeColumns { ordinals, kinds, keys } = &plan.changes;
        steps.push(Step::Query(change, vec![&plan.space, ordinals, kinds, keys]));
    }
    if let Some(event) = prepared.event {
        steps.push(Step::Query(event, plan.events.parameters()));
    }
    let committed = steps.len();
    steps.push(Step::Order("COMMIT"));
    *sent = true;
    let answers = in_time(async { Ok(run(client, steps).await) }).await?;
    let answers = answers.map_err(|(position, error)| {
        // A statement that failed took the transaction with it; anything else leaves the question open.
        *sent = position >= committed || !is_definite(&error);
        Trouble::from(error)
    })?;
    let row = answers[numbered].first();
    let row = row.ok_or_else(|| Trouble::again("the database answered without a row"))?;
    Ok(column::<i64>(row, 0)?.unsigned_abs())
}

struct Prepared {
    horizon: Statement,
    log: Statement,
    kinds: Vec<(Option<Statement>, Option<Statement>)>,
    change: Option<Statement>,
    event: Option<Statement>,
}

async fn prepare(client: &Held, plan: &Plan<'_>) -> Result<Prepared, Trouble> {
    let mut kinds = Vec::new();
    for of_kind in plan.kinds.values() {
        let put = &of_kind.statements.put;
        let put = if of_kind.put.is_empty() { None } else { Some(client.prepare_cached(put).await?) };
        let delete = &of_kind.statements.delete;
        let delete =
            if of_kind.deleted.is_empty() { None } else { Some(client.prepare_cached(delete).await?) };
        kinds.push((put, delete));
    }
    let watched = !plan.changes.keys.is_empty();
    Ok(Prepared {
        horizon: client.prepare_cached(LOCK_HORIZON).await?,
        log: client.prepare_cached(LOG).await?,
        kinds,
        change: if watched { Some(client.prepare_cached(CHANGE).await?) } else { None },
        event: if plan.events.is_empty() { None } else { Some(client.prepare_cached(APPEND).await?) },
    })
}

/// Draws the commit's number, which later statements of the transaction read as `currval`.
const LOG: &str = "\
    INSERT INTO bursar.commit_log (sequence, space, id, at) \
    VALUES (nextval('bursar.commit_sequence'), $1, $2, $3) RETURNING sequence";

/// Must come before events, which draw numbers of their own.
const CHANGE: &str = "\
    INSERT INTO bursar.change_log (space, sequence, ordinal, kind, key) \
    SELECT $1, currval('bursar.commit_sequence'), ordinal, kind, key \
    FROM unnest($2::integer[], $3::text[], $4::text[]) AS given (ordinal, kind, key)";
