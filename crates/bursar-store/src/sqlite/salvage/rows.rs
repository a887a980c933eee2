//! Reads every readable row of a table whose tree has holes.

use bursar_core::ports::store::StoreError;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// Rows that have numbers.
#[derive(Debug)]
pub(super) struct Numbered {
    /// Selects the last number.
    pub(super) last: String,
    /// Selects the rows numbered from ?1 to ?2, the number first, in ascending order.
    pub(super) rows: String,
    /// What `rows` means by ?3, and `last` by ?1; `None`: nothing.
    pub(super) of: Option<String>,
}

/// What became of a table's rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rescued {
    /// Rows that were read and made no sense.
    pub(super) garbled: u64,
    /// Places where a row may have been.
    pub(super) unreadable: u64,
    /// The row after which the search was ended.
    pub(super) given_up_after: Option<i64>,
}

/// Hands every readable row to `take`, which tells whether it made sense.
///
/// From both ends up to the first hole; what lies between is halved and tried again.
pub(super) fn rescue(
    source: &Connection,
    numbered: &Numbered,
    mut take: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
) -> Result<Rescued, StoreError> {
    let of = numbered.of.clone().map(Value::Text);
    let last = source.query_one(&numbered.last, params_from_iter(&of), |row| row.get::<_, Option<i64>>(0));
    let last = last.map_or(BEYOND_EVERY_ROW, Option::unwrap_or_default);
    let mut search = Search {
        source,
        up: numbered.rows.clone(),
        down: format!("{} DESC", numbered.rows),
        of,
        take: &mut take,
        tries: TRIES,
        rescued: Rescued::default(),
    };
    // What has been looked for last is at the end, so that low rows come first.
    let mut open = vec![(1, last)];
    while let Some((from, to)) = open.pop() {
        if search.tries == 0 {
            search.rescued.given_up_after = Some(from - 1);
            break;
        }
        let Some((from, to)) = search.shrink(from, to)? else { continue };
        if from == to {
            search.rescued.unreadable += 1;
        } else {
            let middle = from + (to - from) / 2;
            open.extend([(middle + 1, to), (from, middle)]);
        }
    }
    Ok(search.rescued)
}

struct Search<'a> {
    source: &'a Connection,
    up: String,
    down: String,
    of: Option<Value>,
    take: &'a mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    tries: u32,
    rescued: Rescued,
}

impl Search<'_> {
    /// Reads a range from both ends, and returns what is left of it in the middle.
    fn shrink(&mut self, from: i64, to: i64) -> Result<Option<(i64, i64)>, StoreError> {
        self.tries -= 1;
        let from = match self.scan(Direction::Up, from, to)? {
            Scan::Complete => return Ok(None),
            Scan::Broken(last) => last.map_or(from, |last| last + 1),
        };
        let to = match self.scan(Direction::Down, from, to)? {
            Scan::Complete => return Ok(None),
            Scan::Broken(last) => last.map_or(to, |last| last - 1),
        };
        Ok((from <= to).then_some((from, to)))
    }

    fn scan(&mut self, direction: Direction, from: i64, to: i64) -> Result<Scan, StoreError> {
        let sql = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        let mut last = None;
        // Every error of SQLite means here what we came for: this place cannot be read.
        let Ok(mut statement) = self.source.prepare_cached(sql) else { return Ok(Scan::Broken(None)) };
        let range = [from, to].map(Value::Integer);
        let Ok(mut rows) = statement.query(params_from_iter(range.iter().chain(&self.of))) else {
            return Ok(Scan::Broken(None));
        };
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(Scan::Complete),
                Err(_) => return Ok(Scan::Broken(last)),
            };
            let Ok(rowid) = row.get::<_, i64>(0) else { return Ok(Scan::Broken(last)) };
            // A damaged page may tell of rows in the wrong order, even without end.
            let onwards =
                last.is_none_or(|last| if direction == Direction::Up { rowid > last } else { rowid < last });
            if !onwards || rowid < from || rowid > to {
                return Ok(Scan::Broken(last));
            }
            last = Some(rowid);
            if !(self.take)(row)? {
                self.rescued.garbled += 1;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

enum Scan {
    /// The range was read to its end.
    Complete,
    /// It was read up to this row.
    Broken(Option<i64>),
}

/// Where the search ends if the right edge of the tree, which knows the last row, is unreadable.
const BEYOND_EVERY_ROW: i64 = 1 << 40;

/// Each try costs microseconds; a second or so a table is worth it, hours are not.
const TRIES: u32 = 100_000;
