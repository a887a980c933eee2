//! Long lists, a page at a time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// What the page comes after, as the page before it has told.
    pub(super) after: Option<String>,
    /// At most so many; 100 unless told, and never more than 500.
    limit: Option<usize>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PageDocument<T> {
    /// Version of this document.
    schema: u32,
    /// What there is.
    items: Vec<T>,
    /// What the next page comes after; `null`: this is the last.
    next: Option<String>,
}

impl PageQuery {
    pub(super) fn limit(&self) -> usize {
        bounded(self.limit)
    }
}

/// The size of a page of which so much is wanted.
pub(super) fn bounded(limit: Option<usize>) -> usize {
    limit.unwrap_or(USUAL).clamp(1, MOST)
}

impl<T> PageDocument<T> {
    /// A page of `items`, of which at most `limit` were read; `key` is what a next page comes after.
    pub(super) fn of<R>(
        records: &[R],
        limit: usize,
        key: impl Fn(&R) -> String,
        item: impl Fn(&R) -> T,
    ) -> Self {
        let next = records.last().filter(|_| records.len() >= limit).map(key);
        Self { schema: 1, items: records.iter().map(item).collect(), next }
    }

    /// A page whose end is known.
    pub(super) fn until(items: Vec<T>, next: Option<String>) -> Self {
        Self { schema: 1, items, next }
    }
}

const USUAL: usize = 100;
const MOST: usize = 500;
