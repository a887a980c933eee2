//! Every way in which the provider can misbehave has a row.

use std::collections::BTreeSet;

use misbehaving_provider::Fault;

use super::row::Strike;
use super::{answers, connections, refusals, statuses};

#[test]
fn every_fault_of_the_provider_has_a_row() {
    let covered: BTreeSet<&str> = [statuses::rows(), answers::rows(), connections::rows(), refusals::rows()]
        .iter()
        .flatten()
        .filter_map(|row| match &row.strike {
            Strike::Fault(fault) | Strike::Patience(fault, _) => Some(kind(fault)),
            Strike::Stopped | Strike::NoSuchName | Strike::PlainPort => None,
        })
        .collect();
    assert_eq!(covered, BTreeSet::from(KINDS));
}

/// Does not compile when the provider learns a new fault.
fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Status { .. } => "status",
        Fault::OauthError { .. } => "oauth error",
        Fault::HtmlOk => "html",
        Fault::Redirect(_) => "redirect",
        Fault::CloseBeforeAnswer => "close",
        Fault::HugeBody(_) => "huge",
        Fault::RotatedButLost => "lost",
        Fault::TruncatedJson => "truncated",
        Fault::Slow(_) => "slow",
        Fault::Dribble(_) => "dribble",
        Fault::CutAfter(_) => "cut",
        Fault::WrongContentType => "content type",
        Fault::Processed(_) => "processed",
    }
}

const KINDS: [&str; 13] = [
    "status",
    "oauth error",
    "html",
    "redirect",
    "close",
    "huge",
    "lost",
    "truncated",
    "slow",
    "dribble",
    "cut",
    "content type",
    "processed",
];
