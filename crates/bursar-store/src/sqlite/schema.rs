//! From the declaration of a kind to its table, its indexes and every statement on it.
//!
//! Names come from declarations in code, never from input; every value is a parameter.

use std::collections::{BTreeMap, HashMap, HashSet};
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

/// Every statement on one kind's table. Rows are (key, version, body, `due_at`, `expires_at`).
#[derive(Debug)]
pub(super) struct Statements {
    /// Row of (space, key), live at ?3.
    pub(super) record: String,
    /// Version, times and indexes of (space, key), expired or not.
    pub(super) head: String,
    /// Rows of space from key ?2 on, live at ?3, at most ?4.
    pub(super) list: String,
    /// By index: rows of space whose value is ?5, otherwise as `list`.
    pub(super) find: HashMap<&'static str, String>,
    /// Rows of space by due time, live at ?2, at most ?3.
    pub(super) due: String,
    /// Creates or replaces; parameters in the order of the columns.
    pub(super) put: String,
    /// Replaces what changes of a row that exists; parameters as in `put`, as far as they are used.
    replace: [String; 4],
    /// Removes (space, key).
    pub(super) delete: String,
    /// Removes at most ?3 rows of space that expired by ?2.
    pub(super) expire: String,
    /// How many rows of space there are, and how many of them expired by ?2.
    pub(super) tally: String,
    /// All columns of all rows live at ?1, for a backup.
    pub(super) back_up: String,
}

/// Something a kind needs in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Its name in `sqlite_schema`.
    pub(super) name: String,
    /// How to make it.
    pub(super) create: String,
    /// The column that must be there first, as (table, column), unless the table itself is made.
    pub(super) column: Option<(String, String)>,
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

    /// Everything all kinds need in the file, tables before their indexes.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object> {
        self.kinds().flat_map(objects)
    }
}

/// The name of a kind's table.
pub(super) fn table(kind: &Kind) -> String {
    // The prefix keeps kinds apart from the store's own tables.
    format!("kind_{}", kind.name)
}

/// The first key a page may hold: with UTF-8 compared bytewise, nothing lies between a key and the same key followed
/// by a zero byte.
pub(super) fn first_key(after: Option<&str>) -> String {
    after.map_or_else(String::new, |after| format!("{after}\0"))
}

/// All columns of a kind's rows with a rowid from ?1 to ?2, after the rowid itself. Columns that the file lacks,
/// because an older build made it, are empty.
pub(super) fn salvage(kind: &'static Kind, present: &HashSet<String>) -> String {
    let columns = columns(kind);
    let columns = columns.split(", ").map(|column| if present.contains(column) { column } else { "NULL" });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!(
        "SELECT rowid, {columns} FROM {} NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid",
        table(kind)
    )
}

impl Statements {
    /// Replaces the body and version of a row, and its due time or what else is indexed where that changes.
    pub(super) fn replace(&self, due: bool, indexed: bool) -> &str {
        &self.replace[usize::from(due) + 2 * usize::from(indexed)]
    }

    fn new(kind: &'static Kind) -> Self {
        let table = table(kind);
        let live = |parameter: u8| format!("(expires_at IS NULL OR expires_at > ?{parameter})");
        let page = |index: &str| {
            format!("SELECT {ROW} FROM {table} {index} AND key >= ?2 AND {} ORDER BY key LIMIT ?4", live(3))
        };
        let find = |index: &&'static str| {
            let indexed =
                format!("INDEXED BY {} WHERE space = ?1 AND {} = ?5", index_name(kind, index), column(index));
            (*index, page(&indexed))
        };
        let columns = columns(kind);
        Self {
            record: format!("SELECT {ROW} FROM {table} WHERE space = ?1 AND key = ?2 AND {}", live(3)),
            head: head(kind),
            list: page("WHERE space = ?1"),
            find: kind.indexes.iter().map(find).collect(),
            due: format!(
                "SELECT {ROW} FROM {table} INDEXED BY {table}_due \
                 WHERE space = ?1 AND due_at IS NOT NULL AND {} ORDER BY due_at, key LIMIT ?3",
                live(2)
            ),
            put: put(kind),
            replace: [(false, false), (true, false), (false, true), (true, true)]
                .map(|(due, indexed)| replace(kind, due, indexed)),
            delete: format!("DELETE FROM {table} WHERE space = ?1 AND key = ?2"),
            expire: format!(
                "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} INDEXED BY {table}_expiry \
                 WHERE space = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)"
            ),
            tally: format!(
                "SELECT (SELECT count(*) FROM {table} WHERE space = ?1), (SELECT count(*) FROM {table} \
                 INDEXED BY {table}_expiry WHERE space = ?1 AND expires_at <= ?2)"
            ),
            back_up: format!("SELECT {columns} FROM {table} WHERE {} ORDER BY space, key", live(1)),
        }
    }
}

fn head(kind: &'static Kind) -> String {
    let mut wanted = "version, due_at, expires_at".to_owned();
    for index in kind.indexes {
        let _ = write!(wanted, ", {}", column(index));
    }
    format!("SELECT {wanted} FROM {} WHERE space = ?1 AND key = ?2", table(kind))
}

/// An index is written anew whenever one of its columns is set, be it to what it was.
fn replace(kind: &'static Kind, due: bool, indexed: bool) -> String {
    let mut replace = format!("UPDATE {} SET version = ?3, body = ?4", table(kind));
    if due {
        replace.push_str(", due_at = ?5");
    }
    if indexed {
        replace.push_str(", expires_at = ?6");
        for (position, index) in kind.indexes.iter().enumerate() {
            let _ = write!(replace, ", {} = ?{}", column(index), FIXED_COLUMNS + 1 + position);
        }
    }
    replace.push_str(" WHERE space = ?1 AND key = ?2");
    replace
}

fn put(kind: &'static Kind) -> String {
    let parameters =
        (1..=FIXED_COLUMNS + kind.indexes.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let mut put = format!(
        "INSERT INTO {} ({}) VALUES ({parameters}) ON CONFLICT (space, key) DO UPDATE SET version = excluded.version, \
         body = excluded.body, due_at = excluded.due_at, expires_at = excluded.expires_at",
        table(kind),
        columns(kind)
    );
    for index in kind.indexes {
        // Writing to a String cannot fail.
        let _ = write!(put, ", {0} = excluded.{0}", column(index));
    }
    put
}

fn columns(kind: &'static Kind) -> String {
    let mut columns = "space, key, version, body, due_at, expires_at".to_owned();
    for index in kind.indexes {
        let _ = write!(columns, ", {}", column(index));
    }
    columns
}

fn objects(kind: &'static Kind) -> Vec<Object> {
    let table = table(kind);
    let mut create = format!(
        "CREATE TABLE IF NOT EXISTS {table} (space TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, \
         body BLOB NOT NULL, due_at INTEGER, expires_at INTEGER"
    );
    for index in kind.indexes {
        let _ = write!(create, ", {} TEXT", column(index));
    }
    // With a rowid: bodies of about 1 KiB would leave a key tree without rowids four entries a page, and damage can be
    // stepped over by rowid.
    create.push_str(", PRIMARY KEY (space, key)) STRICT");
    let index = |name: String, on: &str| Object {
        create: format!("CREATE INDEX IF NOT EXISTS {name} ON {table} {on}"),
        name,
        column: None,
    };
    let mut objects = vec![
        Object { name: table.clone(), create, column: None },
        index(format!("{table}_due"), "(space, due_at, key) WHERE due_at IS NOT NULL"),
        index(format!("{table}_expiry"), "(space, expires_at) WHERE expires_at IS NOT NULL"),
    ];
    for declared in kind.indexes {
        let on = format!("(space, {}, key)", column(declared));
        let column = Some((table.clone(), column(declared)));
        objects.push(Object { column, ..index(index_name(kind, declared), &on) });
    }
    objects
}

fn column(index: &str) -> String {
    format!("index_{index}")
}

fn index_name(kind: &Kind, index: &str) -> String {
    format!("{}_by_{index}", table(kind))
}

fn is_snake_case(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(allowed)
}

/// What a reader wants of a row.
const ROW: &str = "key, version, body, due_at, expires_at";

/// Columns of every kind's table before its indexes.
pub(super) const FIXED_COLUMNS: usize = 6;

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

    #[test]
    fn every_statement_uses_its_index() {
        let schema = Schema::new(&[&KIND]).unwrap();
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for object in schema.objects() {
            connection.execute_batch(&object.create).unwrap();
        }
        let statements = schema.statements(&KIND).unwrap();
        let by_key = "sqlite_autoindex_kind_login_1";
        for (sql, index) in [
            (&statements.record, by_key),
            (&statements.head, by_key),
            (&statements.replace[0], by_key),
            (&statements.replace[3], by_key),
            (&statements.list, by_key),
            (&statements.delete, by_key),
            (&statements.find["who"], "kind_login_by_who"),
            (&statements.due, "kind_login_due"),
            (&statements.expire, "kind_login_expiry"),
        ] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![rusqlite::types::Null; statement.parameter_count()];
            let steps =
                statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
            let plan = steps.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ");
            assert!(plan.contains(index), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "sorts instead of reading in order: {sql}\n{plan}");
        }
    }

    #[test]
    fn kinds_that_cannot_be_told_apart_are_refused() {
        assert!(matches!(Schema::new(&[&KIND, &OTHER]), Err(StoreError::Misuse(_))));
        assert!(matches!(Schema::new(&[&UNNAMEABLE]), Err(StoreError::Misuse(_))));
        assert!(Schema::new(&[&KIND, &KIND]).is_ok());
    }
}
