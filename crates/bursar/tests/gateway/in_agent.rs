//! The gateway inside the agent: there as long as the configuration has routes.

use serde_json::Value;

use super::upstream::Upstream;
use super::world::{add_token, client, route};
use crate::agent::running::{Agent, status};
use crate::support::Home;
use misbehaving_provider::{Behaviour, MisbehavingProvider};

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_goes_and_changes_with_the_configuration() {
    let (one, other) = (Upstream::agreeable().await, Upstream::agreeable().await);
    let home = Home::new();
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    assert_eq!(home.login(&provider, "work").await.code, 0);
    let config = |upstream: &Upstream| {
        format!("[gateway]\nlisten = \"127.0.0.1:0\"\n{}", route("api", &upstream.url("")))
    };
    home.write_config(&config(&one));
    let token = add_token(&home, &["tests"]).await;
    let agent = Agent::start(&home).await;
    let url = address(&home, Value::is_string).await;
    let url = url.as_str().unwrap().to_owned();
    let get = || client().get(format!("{url}/gateway/api/x")).bearer_auth(&token).send();
    assert_eq!(get().await.unwrap().status(), 200);
    assert_eq!(one.arrivals().len(), 1);
    let told =
        home.run(&["exec", "--socket", "work", "--", "sh", "-c", "printf %s \"$BURSAR_GATEWAY\""]).await;
    assert_eq!(told.stdout, format!("{url}/gateway"), "{told}");

    home.write_config(&config(&other));
    while other.arrivals().is_empty() {
        assert_eq!(get().await.unwrap().status(), 200, "{}", agent.log());
    }

    home.write_config("");
    address(&home, Value::is_null).await;
    assert!(get().await.is_err(), "it still listens");
}

/// What the agent says of its gateway, as soon as it says what is `wanted`.
async fn address(home: &Home, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let gateway = status(home).await["gateway"].clone();
        if wanted(&gateway) {
            return gateway;
        }
    }
}
