//! Tokens of sessions: good as long as the session, for what it uses.

use bursar::gateway::Limits;
use bursar_core::engine::sessions::{NewSession, Purpose, Session};
use bursar_core::secret::Secret;

use super::house::House;
use super::upstream::Upstream;
use super::world::{client, route};

/// Opens a session of this process for the account `work` or for none, with this token.
async fn session(house: &House, token: &str, with_account: bool, routes: &[&str]) -> Session {
    let engine = &house.wired.engine;
    let (account, _) = engine.resolve("work", &|_| None).await.unwrap();
    let wish = NewSession {
        accounts: if with_account { vec![account.reference.clone()] } else { Vec::new() },
        owner: engine.ports().processes.own(),
        purpose: Purpose::Exec { program: "tool".to_owned() },
        until: None,
        token: Some(Secret::new(token).fingerprint()),
        routes: routes.iter().map(|route| (*route).to_owned()).collect(),
    };
    engine.open_session(wish).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sessions_token_opens_its_own_accounts_or_routes_while_it_lives() {
    let upstream = Upstream::agreeable().await;
    let config = [route("api", &upstream.url("")), route("other", &upstream.url(""))].concat();
    let house = House::with(&config, Limits::default()).await;
    let ask = async |route: &str, token: &str| {
        let url = format!("{}/gateway/{route}/x", house.url);
        client().get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    let own = session(&house, "token-of-the-account", true, &[]).await;
    session(&house, "token-of-a-route", true, &["api"]).await;
    session(&house, "token-of-nothing", false, &[]).await;
    for (route, token, status) in [
        ("api", "token-of-the-account", 200),
        ("other", "token-of-the-account", 200),
        ("api", "token-of-a-route", 200),
        ("other", "token-of-a-route", 403),
        ("api", "token-of-nothing", 403),
        ("api", "token-of-nobody", 401),
    ] {
        assert_eq!(ask(route, token).await, status, "{route} {token}");
    }
    assert!(house.wired.engine.end_session(&own.id).await.unwrap());
    let refused = async { while ask("api", "token-of-the-account").await != 401 {} };
    tokio::time::timeout(std::time::Duration::from_secs(1), refused).await.expect("refused at once");
}
