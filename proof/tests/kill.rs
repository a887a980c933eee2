//! Kills bursar at every step of a refresh, under every policy, alone and with a second process waiting.

mod kill {
    use futures::{StreamExt as _, stream};
    use proof::kill::{
        Ending, Policy, Program, Refresher, Scenario, Step, expected, play, run, the_next_agent_recovers,
    };

    fn program() -> Program {
        Program { path: env!("CARGO_BIN_EXE_halting-bursar").into(), leading: Vec::new() }
    }

    /// Every scenario of `policy` ends as promised; all that do not are told together.
    async fn keeps_its_promises(policy: Policy) {
        keeps_the_promises_of(policy, Refresher::Command).await;
    }

    async fn keeps_the_promises_of(policy: Policy, refresher: Refresher) {
        let program = &program();
        let scenarios = [false, true]
            .into_iter()
            .filter(|sibling| !sibling || policy.allows_sibling())
            .flat_map(|sibling| Step::ALL.map(|step| Scenario { policy, step, sibling, refresher }));
        let faults: Vec<String> = stream::iter(scenarios)
            .map(async |scenario| match run(program, scenario).await {
                Ok(outcome) if outcome == expected(scenario) => None,
                Ok(outcome) => Some(format!("{scenario:?}: {outcome:?} instead of {:?}", expected(scenario))),
                Err(broken) => Some(format!("{scenario:?}: {broken}")),
            })
            .buffer_unordered(4)
            .filter_map(async |fault| fault)
            .collect()
            .await;
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_token_that_never_changes_survives_every_kill() {
        keeps_its_promises(Policy::NeverRotates).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn harmless_reuse_survives_every_kill() {
        keeps_its_promises(Policy::Harmless).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_grace_that_is_used_survives_every_kill() {
        keeps_its_promises(Policy::Grace).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_grace_that_is_missed_loses_only_lost_answers() {
        keeps_its_promises(Policy::GraceMissed).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn reuse_until_the_successor_is_used_survives_every_kill() {
        keeps_its_promises(Policy::UntilSuccessorUsed).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refused_reuse_loses_only_lost_answers() {
        keeps_its_promises(Policy::Reject).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn family_revocation_loses_only_lost_answers_and_never_a_live_token() {
        keeps_its_promises(Policy::RevokeFamily).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_undeclared_policy_is_taken_for_the_strictest() {
        keeps_its_promises(Policy::Undeclared).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_agent_killed_where_reuse_is_harmless_loses_nothing() {
        keeps_the_promises_of(Policy::Harmless, Refresher::Agent).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_agent_killed_where_reuse_ends_the_login_loses_only_lost_answers() {
        keeps_the_promises_of(Policy::RevokeFamily, Refresher::Agent).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_next_agent_recovers_from_every_kill() {
        for step in Step::ALL {
            if let Err(broken) = the_next_agent_recovers(&program(), step).await {
                panic!("{step:?}: {broken}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_interrupt_waits_for_the_answer_and_saves_it() {
        play(&program(), Ending::Interrupted).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_termination_waits_for_the_answer_and_saves_it() {
        play(&program(), Ending::Terminated).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stopped_refresher_keeps_its_turn_and_goes_on() {
        play(&program(), Ending::Stopped).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_that_hangs_takes_no_token_from_others() {
        play(&program(), Ending::CommitStuck).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dropped_caller_does_not_stop_its_refresh() {
        play(&program(), Ending::CallerDropped).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_later_than_its_lease_is_kept_as_a_spare() {
        play(&program(), Ending::LeaseOverslept).await.unwrap();
    }
}
