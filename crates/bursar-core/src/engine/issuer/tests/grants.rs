//! Consents that were taken back are forgotten when nothing is left that was issued under them, and never before.

use futures::executor::block_on;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::stage::{Stage, assert_refused};
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::statistics::GrantCounts;
use crate::oauth::error::ErrorCode;
use crate::secret::Secret;

const DAY: u64 = 24 * 3600;

/// A stage on which logins last so many days, whether they are used or not.
fn lasting(stage: Stage, days: i64) -> Stage {
    stage.ruled(|rules| {
        let lifetimes = &mut rules.lifetimes;
        lifetimes.login = SignedDuration::from_hours(24 * days);
        lifetimes.refresh = lifetimes.login;
    })
}

/// The same with its person signed in again.
fn signed_in_again(stage: &Stage) -> Stage {
    let cookie = block_on(stage.server.begin_session(&stage.user, &["pwd"], &Source::default())).unwrap();
    Stage { cookie, ..stage.clone() }
}

fn withdraw(stage: &Stage) -> bool {
    block_on(stage.server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap()
}

/// How many withdrawn grants leave now.
fn gone(stage: &Stage) -> u64 {
    let tidied = block_on(stage.server.clean_up()).unwrap();
    tidied.expired.iter().find(|(kind, _)| *kind == "grant").map_or(0, |(_, count)| *count)
}

fn counts(stage: &Stage) -> (u64, u64) {
    let GrantCounts { standing, withdrawn } = block_on(stage.server.statistics()).unwrap().grants;
    (standing, withdrawn)
}

#[test]
fn a_withdrawn_grant_leaves_when_its_longest_login_is_over() {
    let long = lasting(Stage::new(), 300);
    let first = long.log_in();
    // What was issued keeps its end, whatever the rules have become.
    let stage = lasting(long, 90);
    assert!(withdraw(&stage));
    stage.pass(299 * DAY);
    assert_eq!((gone(&stage), counts(&stage)), (0, (0, 1)));
    assert_refused(stage.refresh(&first.refresh_token.unwrap()), &ErrorCode::InvalidGrant);
    stage.pass(3 * DAY);
    let would = block_on(stage.server.untidy()).unwrap().expired;
    assert!(would.contains(&("grant", 1)), "{would:?}");
    assert_eq!((gone(&stage), counts(&stage)), (1, (0, 0)));
    let again = signed_in_again(&stage);
    assert!(again.is_good(&again.log_in().access_token));
    assert_eq!(counts(&stage), (1, 0));
}

#[test]
fn a_consent_that_is_given_again_stays() {
    let stage = lasting(Stage::new(), 90);
    let first = stage.log_in();
    assert!(withdraw(&stage));
    stage.pass(DAY);
    let second = stage.log_in();
    stage.pass(400 * DAY);
    assert_eq!((gone(&stage), counts(&stage)), (0, (1, 0)));
    let third = signed_in_again(&stage).log_in();
    for (tokens, lives) in [(first, false), (second, false), (third, true)] {
        assert_eq!(stage.is_good(&tokens.access_token), lives);
        assert_eq!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok(), lives);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    LogIn,
    Ask,
    Withdraw,
    Pass(u64),
    Tidy,
    /// From now on logins last so many days.
    Rule(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::LogIn),
        1 => Just(Step::Ask),
        3 => Just(Step::Withdraw),
        2 => (1..=10 * 60_u64).prop_map(Step::Pass),
        3 => (1..=120_u64).prop_map(|days| Step::Pass(days * DAY)),
        2 => Just(Step::Tidy),
        1 => (1..=200_i64).prop_map(Step::Rule),
    ]
}

/// What was issued before the consent was taken back.
#[derive(Default)]
struct Dead {
    tokens: Vec<TokenAnswer>,
    codes: Vec<Secret>,
}

impl Dead {
    fn take(&mut self, living: &mut Self) {
        self.tokens.append(&mut living.tokens);
        self.codes.append(&mut living.codes);
    }

    fn assert_dead(&self, stage: &Stage) {
        for tokens in &self.tokens {
            assert!(!stage.is_good(&tokens.access_token));
            let refresh = tokens.refresh_token.as_ref().unwrap();
            assert_refused(stage.refresh(refresh), &ErrorCode::InvalidGrant);
        }
        for code in &self.codes {
            assert_refused(stage.redeem(code), &ErrorCode::InvalidGrant);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However consents come and go, are forgotten and made anew: what was issued in an earlier life of one stays dead, what is
    /// issued now is honoured, and in the end nothing is left.
    #[test]
    fn no_forgotten_consent_brings_back_what_it_had_ended(steps in prop::collection::vec(step(), 1..40)) {
        let mut stage = lasting(Stage::new(), 90);
        let (mut living, mut dead) = (Dead::default(), Dead::default());
        for step in steps {
            match step {
                Step::LogIn => {
                    let tokens = signed_in_again(&stage).log_in();
                    prop_assert!(stage.is_good(&tokens.access_token), "it has just been issued");
                    living.tokens.push(tokens);
                }
                Step::Ask => living.codes.push(signed_in_again(&stage).code()),
                Step::Withdraw => {
                    let stood = counts(&stage).0 == 1;
                    prop_assert_eq!(withdraw(&stage), stood);
                    dead.take(&mut living);
                }
                Step::Pass(seconds) => stage.pass(seconds),
                Step::Tidy => {
                    gone(&stage);
                }
                Step::Rule(days) => stage = lasting(stage, days),
            }
            dead.assert_dead(&stage);
        }
        withdraw(&stage);
        stage.pass(400 * DAY);
        gone(&stage);
        prop_assert_eq!(counts(&stage), (0, 0));
    }
}
