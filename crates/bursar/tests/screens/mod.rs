//! `status`, `list`, `check`, `cleanup` and `rebuild`, as real processes on a store of their own.

mod check;
mod cleanup;
mod list;
mod rebuild;
mod status;
mod stored;
