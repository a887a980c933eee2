//! Sessions that begin and end at the same moment, and others that begin while their account is being removed.

use std::collections::HashSet;

use futures::future::join_all;

use super::world::{World, accounts, die, idle, name, open, told};

const MANY: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_begin_and_end_at_once() {
    let world = World::with(1).await;
    let engines: Vec<_> = (0..4).map(|_| world.engine()).collect();
    let account = accounts(&engines[0]).await.remove(0);
    let process = idle();
    let owner = name(&engines[0], &process);
    let of = |number: usize| &engines[number % engines.len()];
    let opened = join_all((0..MANY).map(|number| open(of(number), &account, owner.clone()))).await;
    let ids: HashSet<&str> = opened.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids.len(), MANY);
    assert_eq!(world.counted().await, [64]);
    // Two try to end each; one of them does.
    let ends = (0..2 * MANY).map(|number| of(number / 2 + number % 2).end_session(&opened[number / 2].id));
    let ended = join_all(ends).await.into_iter().filter(|ended| *ended.as_ref().unwrap()).count();
    assert_eq!(ended, MANY);
    assert_eq!(world.counted().await, [0]);
    let told = told(&engines[0], &account).await;
    let count = |name: &str| told.iter().filter(|told| *told == name).count();
    assert_eq!((count("session.started"), count("session.ended")), (MANY, MANY));
}

/// Two removers go through the accounts in their order while sessions are opened in the opposite one. Wherever they
/// meet, a session that began before the removal has kept its account.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_loses_its_account_to_cleaning_up() {
    const ACCOUNTS: usize = 12;
    let world = World::with(ACCOUNTS).await;
    let engine = world.engine();
    let accounts = accounts(&engine).await;
    die(&engine).await;
    let process = idle();
    let owner = name(&engine, &process);
    let clean_up = || world.home.run(&["cleanup"]);
    let use_all = async {
        for account in accounts.iter().rev() {
            // As long as the removers have something to do: one of them is somewhere in the middle then.
            while engine.overview().await.unwrap().accounts.len() == ACCOUNTS {
                tokio::task::yield_now().await;
            }
            open(&engine, account, owner.clone()).await;
        }
    };
    let (first, second, ()) = tokio::join!(clean_up(), clean_up(), use_all);
    for ended in [first, second] {
        assert_eq!(ended.code, 0, "{ended}");
    }
    let left: Vec<String> = super::world::accounts(&engine).await.iter().map(ToString::to_string).collect();
    for account in &accounts {
        let told = told(&engine, account).await;
        let started = told.iter().position(|name| name == "session.started").unwrap();
        match told.iter().position(|name| name == "account.logged_out") {
            Some(gone) => assert!(gone < started, "{account} was removed under a session: {told:?}"),
            None => assert!(left.contains(&account.to_string()), "{account}: {told:?}"),
        }
    }
    // At least the first remover's first account went before anybody used it.
    assert!(left.len() < ACCOUNTS);
}
