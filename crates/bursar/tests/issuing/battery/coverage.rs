//! Whether every line of the checklist has its test.

use std::collections::BTreeSet;

/// Those on upstream providers, token exchange, assertions of other servers and upstream tokens belong to parts that this
/// server does not have yet; those on several tenants too, where a line is about nothing else.
const ELSEWHERE: [u32; 6] = [64, 65, 66, 67, 68, 72];
const LAST: u32 = 72;

const SOURCES: [&str; 12] = [
    include_str!("authorization.rs"),
    include_str!("client_authentication.rs"),
    include_str!("code.rs"),
    include_str!("consent.rs"),
    include_str!("device.rs"),
    include_str!("metadata.rs"),
    include_str!("metadata_documents.rs"),
    include_str!("proofs.rs"),
    include_str!("rebinding.rs"),
    include_str!("refresh.rs"),
    include_str!("registration.rs"),
    include_str!("tokens.rs"),
];

#[test]
fn every_line_has_a_test() {
    let covered: BTreeSet<u32> = SOURCES
        .iter()
        .flat_map(|source| source.split("fn line_").skip(1))
        .filter_map(|rest| rest.get(..2)?.parse().ok())
        .collect();
    let wanted: BTreeSet<u32> = (1..=LAST).filter(|line| !ELSEWHERE.contains(line)).collect();
    let missing: Vec<&u32> = wanted.difference(&covered).collect();
    report(covered.len());
    assert!(missing.is_empty(), "without a test: {missing:?}");
    assert!(covered.is_subset(&wanted), "{covered:?}");
}

#[expect(clippy::print_stdout, reason = "the number is what a reader of the test's output looks for")]
fn report(lines: usize) {
    println!("battery: {lines} lines");
}
