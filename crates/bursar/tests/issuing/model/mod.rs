//! Random things done by eight clients at once, against a model so simple that it is obviously right.
//!
//! `run` does them: who goes on next is chosen by a seed, at every access to the store, so a failing run fails again.
//! `promises` knows what must be, may be and must not be; `steps` does it; `faults` breaks commits, and rules of the store,
//! to see that the model notices; `world` has the processes, which crash.

mod faults;
mod log;
mod operations;
mod promises;
mod run;
mod schedule;
mod steps;
mod tally;
mod world;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::faults::{Broken, Fault};
use self::operations::{Case, Operation};
use self::tally::Tally;
use super::site::Backend;

/// Runs random cases, the same every time; the first that fails is made as short as it still fails.
fn random_cases(backend: &Backend, cases: u32, broken: Option<Broken>) -> Result<Tally, String> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: if broken.is_some() { 0 } else { 200 },
        ..Config::default()
    };
    let total = RefCell::new(Tally::default());
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result = TestRunner::new_with_rng(config, chance).run(&operations::cases(), |case| {
        let tally = run::run(backend, broken, &case).map_err(TestCaseError::fail)?;
        total.borrow_mut().add(&tally);
        Ok(())
    });
    result.map(|()| total.into_inner()).map_err(|error| error.to_string())
}

pub(super) fn holds(backend: &Backend, cases: u32) {
    let tally = random_cases(backend, cases, None).unwrap_or_else(|error| panic!("{error}"));
    report(&format!("{backend:?}, {cases} cases: {tally:?}"));
    tally.assert_lively(usize::try_from(cases).unwrap());
}

#[expect(
    clippy::print_stdout,
    reason = "how much has happened is what a reader of the test's output looks for"
)]
fn report(what: &str) {
    println!("{what}");
}

#[test]
fn grants_and_families_behave_like_the_model_in_memory() {
    holds(&Backend::Memory, 150);
}

#[test]
fn grants_and_families_behave_like_the_model_on_sqlite() {
    holds(&Backend::Sqlite, 40);
}

/// What happens, one after the other.
fn story(operations: &[Operation]) -> Tally {
    let case = Case { seed: 1, operations: operations.to_vec() };
    run::run(&Backend::Memory, None, &case).unwrap_or_else(|error| panic!("{error}"))
}

const ASK: Operation = Operation::Ask { client: 0, user: 0 };
const REDEEM: Operation = Operation::Redeem { login: 0, again: true };
const PAUSE: Operation = Operation::Pause;
/// The first one makes the keys.
const LOG_IN: [Operation; 4] = [ASK, PAUSE, REDEEM, PAUSE];

#[test]
fn a_commit_that_never_happened_leaves_a_code_to_its_client() {
    let failing = [ASK, PAUSE, Operation::Break(Fault::Unsent), REDEEM, PAUSE, REDEEM];
    let tally = story(&[&LOG_IN[..], &failing].concat());
    assert_eq!((tally.failed, tally.begun, tally.replayed), (1, 2, 0));
}

#[test]
fn a_commit_whose_answer_is_lost_is_asked_for_and_its_code_brings_tokens() {
    let losing = [ASK, PAUSE, Operation::Break(Fault::AnswerLost), REDEEM];
    let tally = story(&[&LOG_IN[..], &losing].concat());
    assert_eq!((tally.failed, tally.begun, tally.replayed), (0, 2, 0));
}

/// A store that breaks one of its promises makes a server that breaks ours, and the model notices.
#[test]
fn the_model_notices_a_store_that_breaks_a_promise() {
    for broken in [Broken::Expectations, Broken::Marks, Broken::Changes, Broken::Durability] {
        let found = random_cases(&Backend::Memory, 300, Some(broken));
        let Err(rule) = found else { panic!("{broken:?} went unnoticed") };
        report(&format!("{broken:?}: {}", rule.lines().next().unwrap_or_default()));
    }
}
