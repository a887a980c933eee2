//! What a case is made of. Everything is chosen by small numbers, so that a failing case can be made shorter.

use proptest::prelude::*;

use super::faults::Fault;

/// One thing to do. Numbers choose among what there is when it begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Ask {
        client: usize,
        user: usize,
    },
    /// A code that nobody has tried yet, or `again` any.
    Redeem {
        login: usize,
        again: bool,
    },
    /// With the latest token, or one from before.
    Refresh {
        login: usize,
        back: usize,
        narrow: bool,
    },
    Look {
        login: usize,
        token: usize,
        introspects: bool,
    },
    GiveBack {
        login: usize,
    },
    GiveBackAccess {
        login: usize,
        token: usize,
    },
    Withdraw {
        login: usize,
    },
    RemoveClient {
        client: usize,
    },
    Disable {
        user: usize,
    },
    Enable {
        user: usize,
    },
    Tidy,
    Pass {
        seconds: u64,
    },
    SetBack {
        seconds: i64,
    },
    Crash {
        node: usize,
    },
    Restart,
    /// Everybody comes to an end first.
    Pause,
    Break(Fault),
}

/// A case: what is done, and the seed of the order in which everybody goes on.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) operations: Vec<Operation>,
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    (any::<u64>(), proptest::collection::vec(operation(), 20..120))
        .prop_map(|(seed, operations)| Case { seed, operations })
}

fn operation() -> impl Strategy<Value = Operation> {
    let login = 0_usize..6;
    let token = 0_usize..6;
    let back = prop_oneof![10 => Just(0_usize), 4 => Just(1), 1 => Just(2)];
    let narrow = prop::bool::weighted(0.1);
    let seconds = prop_oneof![6 => 0_u64..20, 2 => 50_u64..70, 1 => 500_u64..1_000, 1 => 80_000_u64..90_000];
    let fault = prop_oneof![Just(Fault::Unsent), Just(Fault::AnswerLost), Just(Fault::OutOfReach)];
    prop_oneof![
        8 => (0_usize..8, 0_usize..3).prop_map(|(client, user)| Operation::Ask { client, user }),
        8 => (login.clone(), prop::bool::weighted(0.15))
            .prop_map(|(login, again)| Operation::Redeem { login, again }),
        30 => (login.clone(), back, narrow)
            .prop_map(|(login, back, narrow)| Operation::Refresh { login, back, narrow }),
        12 => (login.clone(), token.clone(), any::<bool>())
            .prop_map(|(login, token, introspects)| Operation::Look { login, token, introspects }),
        1 => login.clone().prop_map(|login| Operation::GiveBack { login }),
        1 => (login.clone(), token).prop_map(|(login, token)| Operation::GiveBackAccess { login, token }),
        1 => login.prop_map(|login| Operation::Withdraw { login }),
        1 => (0_usize..8).prop_map(|client| Operation::RemoveClient { client }),
        1 => (0_usize..3).prop_map(|user| Operation::Disable { user }),
        2 => (0_usize..3).prop_map(|user| Operation::Enable { user }),
        1 => Just(Operation::Tidy),
        6 => seconds.prop_map(|seconds| Operation::Pass { seconds }),
        1 => (1_i64..30).prop_map(|seconds| Operation::SetBack { seconds }),
        1 => (0_usize..2).prop_map(|node| Operation::Crash { node }),
        1 => Just(Operation::Restart),
        1 => Just(Operation::Pause),
        3 => fault.prop_map(Operation::Break),
    ]
}
