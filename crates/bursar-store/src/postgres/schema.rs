//! From the declaration of a kind to its table, its indexes and every statement on it.
//!
//! Names come from declarations in code, never from input; every value is a parameter.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::OnceLock;

use bursar_core::ports::store::{INCARNATION, Kind, StoreError};

/// All declared kinds. Statements are written on first use, because most processes touch few kinds.
#[derive(Debug)]
pub(super) struct Schema {
    kinds: BTreeMap<&'static str, Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: &'static Kind,
    statements: OnceLock<Statements>,
}

/// Every statement on one kind's table.
///
/// Those that answer with the store's time take the time to go by as $1, empty for the server's own; their rows are
/// (time, key, version, body, `due_at`, `expires_at`), with an empty key where there is no record.
#[derive(Debug)]
pub(super) struct Statements {
    /// The record (space $2, key $3).
    pub(super) record: String,
    /// Records of space $2 from key $3 on, at most $4.
    pub(super) list: String,
    /// By index: those whose value is $5, otherwise as `list`.
    pub(super) find: HashMap<&'static str, String>,
    /// Records of space $2 by due time, at most $3.
    pub(super) due: String,
    /// Rows (key, version, `expires_at`) of space $1 with the keys $2, expired or not.
    pub(super) versions: String,
    /// Creates or replaces records of space $1; the other parameters are one list for each column.
    pub(super) put: String,
    /// Removes the keys $2 of space $1.
    pub(super) delete: String,
    /// Removes at most $3 records of space $2 that have expired.
    pub(super) expire: String,
    /// How many rows of space $2 there are, and how many of them have expired, after the time.
    pub(super) tally: String,
    /// All columns of at most $3 rows live at $4, from (space $1, key $2) on, for a backup.
    pub(super) back_up: String,
}

/// Something a kind needs in the database.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Its name in `pg_class`.
    pub(super) name: String,
    /// How to make it.
    pub(super) create: String,
}

impl Schema {
    /// Takes the declarations; two kinds of one name are a bug.
    pub(super) fn new(declared: &[&'static Kind]) -> Result<Self, StoreError> {
        let mut kinds = BTreeMap::new();
        for kind in declared.iter().copied().chain([&INCARNATION]) {
            let names = kind.indexes.iter().chain([&kind.name]);
            if !names.into_iter().all(|name| is_snake_case(name)) {
                return Err(StoreError::Misuse("a kind or index is not named in snake_case"));
            }
            // The server cuts longer names short, and two may become one.
            if objects(kind).iter().any(|object| object.name.len() > LONGEST_NAME) {
                return Err(StoreError::Misuse("the names of a kind and its index are too long together"));
            }
            let replaced = kinds.insert(kind.name, Entry { kind, statements: OnceLock::new() });
            if replaced.is_some_and(|other| other.kind != kind) {
                return Err(StoreError::Misuse("two kinds have one name"));
            }
        }
        Ok(Self { kinds })
    }

    /// The kind of that name.
    pub(super) fn kind(&self, name: &str) -> Option<&'static Kind> {
        self.kinds.get(name).map(|entry| entry.kind)
    }

    /// All kinds, by name.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.kinds.values().map(|entry| entry.kind)
    }

    /// The statements of a declared kind.
    pub(super) fn statements(&self, kind: &Kind) -> Result<&Statements, StoreError> {
        let entry =
            self.kinds.get(kind.name).filter(|entry| std::ptr::eq(entry.kind, kind) || entry.kind == kind);
        let entry = entry.ok_or(StoreError::Misuse("a kind was not declared when the store was opened"))?;
        Ok(entry.statements.get_or_init(|| Statements::new(entry.kind)))
    }

    /// Everything all kinds need in the database, tables before their indexes.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object> {
        self.kinds().flat_map(objects)
    }
}

/// The time to go by: $1, or the server's clock. All of one statement see the same moment.
pub(super) const NOW: &str =
    "coalesce($1::bigint, floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)";

/// The name of a kind's table, with its schema.
pub(super) fn table(kind: &Kind) -> String {
    format!("bursar.{}", table_name(kind))
}

fn table_name(kind: &Kind) -> String {
    // The prefix keeps kinds apart from the store's own tables.
    format!("kind_{}", kind.name)
}

impl Statements {
    fn new(kind: &'static Kind) -> Self {
        let table = table(kind);
        // The time is told even if there is no record, in one round trip.
        let timed = |select: &str, order: &str| {
            format!(
                "SELECT clock.now, found.* FROM (SELECT {NOW} AS now) AS clock LEFT JOIN LATERAL \
                 (SELECT {ROW} FROM {table} WHERE space = $2 AND {LIVE} AND {select}) AS found ON true {order}"
            )
        };
        let page = |and: &str| timed(&format!("key >= $3 {and} ORDER BY key LIMIT $4"), "ORDER BY found.key");
        let find = |index: &&'static str| (*index, page(&format!("AND {} = $5", column(index))));
        Self {
            record: timed("key = $3", ""),
            list: page(""),
            find: kind.indexes.iter().map(find).collect(),
            due: timed(
                "due_at IS NOT NULL ORDER BY due_at, key LIMIT $3",
                "ORDER BY found.due_at, found.key",
            ),
            versions: format!(
                "SELECT key, version, expires_at FROM {table} WHERE space = $1 AND key = ANY($2)"
            ),
            put: put(kind),
            delete: format!("DELETE FROM {table} WHERE space = $1 AND key = ANY($2)"),
            // Rows that somebody is writing right now are left for the next time.
            expire: format!(
                "DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE space = $2 \
                 AND expires_at <= {NOW} ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED))"
            ),
            tally: format!(
                "SELECT clock.now, (SELECT count(*) FROM {table} WHERE space = $2), \
                 (SELECT count(*) FROM {table} WHERE space = $2 AND expires_at <= clock.now) \
                 FROM (SELECT {NOW} AS now) AS clock"
            ),
            back_up: format!(
                "SELECT {} FROM {table} WHERE (space, key) >= ($1, $2) AND (expires_at IS NULL OR expires_at > $4) \
                 ORDER BY space, key LIMIT $3",
                columns(kind)
            ),
        }
    }
}

fn put(kind: &'static Kind) -> String {
    let indexes = || kind.indexes.iter().map(|index| column(index));
    let mut columns = "key, version, body, due_at, expires_at".to_owned();
    let mut lists = "$2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[]".to_owned();
    let mut values =
        "key, coalesce(version, currval('bursar.commit_sequence')), body, due_at, expires_at".to_owned();
    let mut replaced = "version = excluded.version, body = excluded.body, due_at = excluded.due_at, \
                        expires_at = excluded.expires_at"
        .to_owned();
    for (position, column) in indexes().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(lists, ", ${}::text[]", position + 7);
        let _ = write!(columns, ", {column}");
        let _ = write!(values, ", {column}");
        let _ = write!(replaced, ", {column} = excluded.{column}");
    }
    format!(
        "INSERT INTO {} (space, {columns}) SELECT $1, {values} FROM unnest({lists}) AS given ({columns}) \
         ON CONFLICT (space, key) DO UPDATE SET {replaced}",
        table(kind)
    )
}

fn columns(kind: &'static Kind) -> String {
    let mut columns = "space, key, version, body, due_at, expires_at".to_owned();
    for index in kind.indexes {
        let _ = write!(columns, ", {}", column(index));
    }
    columns
}

fn objects(kind: &'static Kind) -> Vec<Object> {
    let (name, table) = (table_name(kind), table(kind));
    let mut create = format!(
        "CREATE TABLE IF NOT EXISTS {table} (space text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL, \
         version bigint NOT NULL, body bytea NOT NULL, due_at bigint, expires_at bigint"
    );
    for index in kind.indexes {
        let _ = write!(create, ", {} text COLLATE \"C\"", column(index));
    }
    let _ = write!(create, ", PRIMARY KEY (space, key)) WITH (fillfactor = {FILLED})");
    let index = |name: String, on: &str| Object {
        create: format!("CREATE INDEX IF NOT EXISTS {name} ON {table} {on}"),
        name,
    };
    let mut objects = vec![
        Object { name: name.clone(), create },
        index(format!("{name}_due"), "(space, due_at, key) WHERE due_at IS NOT NULL"),
        index(format!("{name}_expiry"), "(space, expires_at) WHERE expires_at IS NOT NULL"),
    ];
    for declared in kind.indexes {
        let column = column(declared);
        // Records written before the index was declared stay out of it until they are written again: what a body means
        // is not known here.
        let add = format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} text COLLATE \"C\"; ");
        let on = format!("(space, {column}, key) WHERE {column} IS NOT NULL");
        let made = index(format!("{name}_by_{declared}"), &on);
        objects.push(Object { create: add + &made.create, ..made });
    }
    objects
}

fn column(index: &str) -> String {
    format!("index_{index}")
}

fn is_snake_case(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(allowed)
}

/// What a reader wants of a row.
const ROW: &str = "key, version, body, due_at, expires_at";

/// Not expired.
const LIVE: &str = "(expires_at IS NULL OR expires_at > clock.now)";

/// Columns of every kind's table before its indexes.
pub(super) const FIXED_COLUMNS: usize = 6;

/// Percent of a page. What is left holds the next version of one of its records, so that a record whose indexes do not change
/// is replaced on its page: random pages of every index would cost three times the write-ahead log.
const FILLED: u32 = 85;

/// As the server is built everywhere.
const LONGEST_NAME: usize = 63;

#[cfg(test)]
mod tests {
    use bursar_core::ports::store::{Group, Scope};

    use super::*;

    static KIND: Kind = Kind {
        name: "login",
        scope: Scope::Sandbox,
        group: Group::Durable,
        indexes: &["who"],
        watched: false,
    };
    static OTHER: Kind =
        Kind { name: "login", scope: Scope::System, group: Group::Durable, indexes: &[], watched: false };
    static UNNAMEABLE: Kind =
        Kind { name: "a b", scope: Scope::System, group: Group::Durable, indexes: &[], watched: false };
    static LONG: Kind = Kind {
        name: "a_kind_whose_name_is_long_enough",
        scope: Scope::System,
        group: Group::Durable,
        indexes: &["an_index_whose_name_is_long_as_well"],
        watched: false,
    };

    #[test]
    fn kinds_that_cannot_be_told_apart_or_named_are_misuse() {
        assert!(Schema::new(&[&KIND, &KIND]).is_ok());
        for kinds in [&[&KIND, &OTHER][..], &[&UNNAMEABLE], &[&LONG]] {
            assert!(matches!(Schema::new(kinds), Err(StoreError::Misuse(_))));
        }
    }

    #[test]
    fn undeclared_kind_has_no_statements() {
        let schema = Schema::new(&[&KIND]).unwrap();
        assert!(schema.statements(&KIND).is_ok());
        assert!(matches!(schema.statements(&OTHER), Err(StoreError::Misuse(_))));
    }
}
