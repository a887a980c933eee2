//! What must come out of a scenario: the promise, as one small table.

use super::outcome::{Fate, Given, Outcome, When};
use super::scenario::Scenario;
use super::step::Leaves;

/// The outcome that `scenario` must have.
pub fn expected(scenario: Scenario) -> Outcome {
    let Scenario { policy, step, sibling, .. } = scenario;
    let called = usize::from(step.has_called());
    let again = called + 1;
    let (fate, calls, reuse_detected, given) = match (step.leaves(), policy) {
        // Nobody can know that the token was not spent, so the strict policies wait until nothing is at stake.
        (Leaves::OpenJournal, policy) if policy.is_dangerous() => {
            (Fate::Kept(When::AfterAccessToken), again, false, Given::OldToken)
        }
        (Leaves::Nothing | Leaves::OpenJournal, _) => {
            (Fate::Kept(When::AtOnce), again, false, Given::NewToken)
        }
        (Leaves::LostAnswer, policy) if policy.forgives() => {
            (Fate::Kept(When::AtOnce), again, false, Given::NewToken)
        }
        // The provider leaves no way. That costs one call, not a storm, and never the access token at hand.
        (Leaves::LostAnswer, _) => {
            (Fate::LoginRequired("lost_answer".to_owned()), again, true, Given::OldToken)
        }
        (Leaves::NewTokens, _) => (Fate::Kept(When::AtOnce), called, false, Given::NewToken),
    };
    Outcome { fate, calls, reuse_detected, sibling: sibling.then_some(given) }
}
