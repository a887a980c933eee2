//! The table of states: what each is called, tagged, counted as, and exits with.

use bursar_core::lifecycle::shown::{ShownState, shown, worst_exit_code};

use crate::cli::screen::fixtures::{VIEWING, every_state};

#[test]
fn every_state_has_its_tag_bucket_and_exit_code() {
    let table = [
        (ShownState::Valid, "valid", "OK", "valid", 0),
        (ShownState::Expiring, "expiring", "WARN", "expiring", 9),
        (ShownState::Expired, "expired", "WARN", "expired", 9),
        (ShownState::Failing, "failing", "WARN", "expiring", 5),
        (ShownState::Uncertain, "uncertain", "WARN", "expiring", 5),
        (ShownState::LoginRequired, "login_required", "ERROR", "expired", 4),
        (ShownState::Revoked, "revoked", "ERROR", "expired", 4),
        (ShownState::Paused, "paused", "OK", "valid", 0),
    ];
    assert_eq!(every_state().len(), table.len());
    for (state, word, tag, bucket, exit) in table {
        let told = (state.as_str(), state.tag(), state.bucket().as_str(), state.exit_code());
        assert_eq!(told, (word, tag, bucket, exit));
    }
}

#[test]
fn the_accounts_of_these_tests_are_in_the_states_they_stand_for() {
    for (state, account) in every_state() {
        assert_eq!(shown(&account, VIEWING.warn, VIEWING.now), state, "{}", account.reference);
    }
}

#[test]
fn the_worst_account_decides_the_exit_code() {
    use ShownState::{Expired, Expiring, Failing, LoginRequired, Paused, Revoked, Uncertain, Valid};
    for (states, exit) in [
        (vec![], 0),
        (vec![Valid, Paused], 0),
        (vec![Valid, Expiring], 9),
        (vec![Expired, Uncertain, Valid], 5),
        (vec![Failing, Expiring], 5),
        (vec![Expired, Failing, LoginRequired], 4),
        (vec![Revoked, Expiring], 4),
    ] {
        assert_eq!(worst_exit_code(states.clone()), exit, "{states:?}");
    }
}
