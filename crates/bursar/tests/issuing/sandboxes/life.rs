//! From its making to the last of its records.

use bursar_core::engine::issuer::rules::Quotas;
use bursar_core::engine::sandboxes::{NewSandbox, SandboxError, SandboxName, SandboxSettings, Sandboxes};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{on_every_store, told};
use crate::issuing::browser::Browser;
use crate::issuing::client::{Answer, claims};
use crate::issuing::world::World;

fn wish(name: &str) -> NewSandbox {
    NewSandbox {
        name: SandboxName::parse(name).unwrap(),
        host: None,
        lifetime: None,
        settings: SandboxSettings::default(),
    }
}

fn sandboxes(main: &World) -> Sandboxes {
    Sandboxes::new(main.server.engine().clone())
}

/// Nothing is there, and nothing tells that something ever was.
async fn assert_gone(main: &World, name: &str) {
    let unknown = "neverwas";
    for path in [
        "/s/NAME",
        "/s/NAME/oauth/jwks",
        "/s/NAME/oauth/authorize",
        "/s/NAME/v1/users",
        "/.well-known/oauth-authorization-server/s/NAME",
        "/.well-known/openid-configuration/s/NAME",
        "/s/NAME/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/s/NAME/mcp",
    ] {
        let gone = main.get(&path.replace("NAME", name)).await;
        assert_eq!(gone.status, 404, "{path}: {gone:?}");
        assert_eq!(told(&gone), told(&main.get(&path.replace("NAME", unknown)).await), "{path}");
    }
    let post =
        async |name: &str| main.post(&format!("/s/{name}/oauth/token"), &main.refreshing("x"), &[]).await;
    assert_eq!(told(&post(name).await), told(&post(unknown).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_a_whole_server_of_its_own() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        assert_eq!(one.issuer, format!("{}/s/one", main.issuer));
        // Three forms, one document; and every address in it is beneath the sandbox.
        let places = [
            "/.well-known/oauth-authorization-server/s/one",
            "/.well-known/openid-configuration/s/one",
            "/s/one/.well-known/openid-configuration",
        ];
        let mut documents = Vec::new();
        for place in places {
            documents.push(main.get(place).await.json());
        }
        assert!(documents.windows(2).all(|pair| pair[0] == pair[1]));
        for (name, value) in documents[0].as_object().unwrap() {
            let is_address = name == "issuer" || name.ends_with("_endpoint") || name == "jwks_uri";
            assert!(!is_address || value.as_str().unwrap().starts_with(&one.issuer), "{name}: {value}");
        }
        let mut keys: Vec<Value> = Vec::new();
        for world in [&main, &one, &other] {
            let set = world.get("/oauth/jwks").await.json();
            keys.extend(set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()));
        }
        let distinct: std::collections::BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), keys.len(), "no key is published twice");
        let tokens = one.log_in().await;
        assert_eq!(claims(&tokens.access)["iss"], one.issuer.as_str());
        assert!(one.is_active(&tokens.access).await);
        assert_eq!(one.refresh(&tokens.refresh).await.status, 200);
        // The same name is another person elsewhere.
        assert!(other.server.set_user_disabled(&other.user.id, true).await.unwrap());
        assert!(one.is_active(&tokens.access).await);
        Browser::of(&one, "ada").agree(&one.request()).await.code();
        assert_gone(&main, "two").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_end_a_sandbox_is_silent_at_once_and_then_goes_record_by_record() {
    on_every_store(async |main| {
        let brief = NewSandbox { lifetime: Some(SignedDuration::from_hours(1)), ..wish("brief") };
        let brief = main.sandbox_like(brief).await;
        let stays = main.sandbox("stays").await;
        let kept = stays.log_in().await;
        let tokens = brief.log_in().await;
        let more = (0..300)
            .map(async |number| brief.add_client(json!({ "client_name": format!("Client {number}") })).await);
        futures::future::join_all(more).await;
        main.pass(3_599);
        assert_eq!(brief.get("/oauth/jwks").await.status, 200);
        main.pass(1);
        assert_gone(&main, "brief").await;
        assert_eq!(brief.refresh(&tokens.refresh).await.status, 404);
        // Its records are there until somebody clears up, however often they begin.
        let space = brief.server.engine().space().as_str().to_owned();
        assert!(main.dump().await.contains(&space));
        let first = sandboxes(&main).clear_up().await.unwrap();
        assert!(first.ended == 1 && first.records > 300 && first.spaces == 0, "{first:?}");
        // The key went with the record that it was in.
        let again = sandboxes(&main).clear_up().await.unwrap();
        assert_eq!((again.ended, again.records), (0, 0));
        // Whoever had not heard of the end writes something more.
        brief.server.add_user(crate::issuing::world::person("late"), None).await.unwrap();
        main.pass(700);
        assert_eq!(sandboxes(&main).clear_up().await.unwrap().spaces, 0, "something was found");
        main.pass(700);
        let last = sandboxes(&main).clear_up().await.unwrap();
        assert_eq!((last.records, last.spaces), (0, 1));
        let mut backup = Vec::new();
        main.server.engine().ports().store.backup(&mut backup).await.unwrap();
        let backup = String::from_utf8(backup).unwrap();
        let own: Vec<&str> = backup.lines().filter(|line| line.contains(&space)).collect();
        // That there was one is told by the log of the installation.
        assert!(own.iter().all(|line| line.contains("sandbox.")), "{own:?}");
        assert_eq!(stays.refresh(&kept.refresh).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_used_again_knows_nothing_of_who_had_it() {
    on_every_store(async |main| {
        let first = main.sandbox("again").await;
        let (tokens, code) = (first.log_in().await, first.code().await);
        let keys = first.get("/oauth/jwks").await.text;
        let exists = sandboxes(&main).add(wish("again")).await;
        assert!(matches!(exists, Err(SandboxError::Exists { .. })));
        assert!(sandboxes(&main).remove("again").await.unwrap());
        assert!(!sandboxes(&main).remove("again").await.unwrap());
        assert_gone(&main, "again").await;
        let second = main.sandbox("again").await;
        assert_eq!(second.issuer, first.issuer);
        assert_ne!(second.get("/oauth/jwks").await.text, keys);
        assert!(!second.is_active(&tokens.access).await);
        second.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        second.token(&second.redeeming(&code)).await.assert_refused(400, "invalid_grant");
        // An old client is a stranger, whatever secret it has.
        assert_eq!(second.introspect(&first.api, &tokens.access).await.status, 401);
        // Emptied it is the same once more.
        let tokens = second.log_in().await;
        let third = sandboxes(&main).reset("again").await.unwrap().unwrap();
        assert_eq!(second.refresh(&tokens.refresh).await.status, 401, "not even its client is there");
        let third = main.world_of(&third).await;
        assert!(!third.is_active(&tokens.access).await);
        third.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        let tokens = third.log_in().await;
        sandboxes(&main).clear_up().await.unwrap();
        assert!(third.is_active(&tokens.access).await, "only what was before is cleared away");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_answers_for_the_same_sandboxes_and_hears_of_their_end() {
    on_every_store(async |mut main| {
        let node = main.second_node();
        let one = main.sandbox("one").await;
        let tokens = one.log_in().await;
        let metadata = format!("{node}/.well-known/oauth-authorization-server/s/one");
        let seen = Answer::of(main.http.get(&metadata)).await.json();
        assert_eq!(seen["issuer"], one.issuer.as_str());
        let refreshed =
            main.post_at(&format!("{node}/s/one/oauth/token"), &one.refreshing(&tokens.refresh), &[]).await;
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        assert!(sandboxes(&main).remove("one").await.unwrap());
        // Servers of databases tell in their own time, which is a moment.
        while Answer::of(main.http.get(&metadata)).await.status != 404 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_and_lifetimes_are_those_that_were_said() {
    on_every_store(async |main| {
        let settings = SandboxSettings {
            // As many as the world brings with it.
            quotas: Quotas { clients: Some(2), users: Some(1), grants: Some(0), ..Quotas::default() },
            access_token: Some(SignedDuration::from_secs(5)),
            refresh_token: None,
            open_registration: Some(false),
        };
        let small = main.sandbox_like(NewSandbox { settings, ..wish("small") }).await;
        let added = small.server.add_user(crate::issuing::world::person("eve"), None).await;
        assert!(added.unwrap_err().to_string().contains("1 users"));
        let program = json!({ "redirect_uris": ["https://a.test/cb"], "token_endpoint_auth_method": "none" });
        small.register(&program, "203.0.113.1").await.assert_refused(403, "access_denied");
        assert!(!small.server.rules().metadata_documents && main.server.rules().metadata_documents);
        let browser = Browser::of(&small, "ada");
        let refused = browser.agree(&small.request()).await;
        refused.assert_sent_back(crate::issuing::world::CALLBACK, "access_denied");
        // A client that was removed makes room for another one.
        assert!(small.server.remove_client(&small.client.id).await.unwrap());
        let own = small.add_client(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
        }));
        let own = own.await;
        let form = crate::issuing::client::Form::of(&[
            ("grant_type", "client_credentials"),
            ("resource", crate::issuing::world::MCP),
        ]);
        let basic = crate::issuing::client::basic(&own);
        let token =
            small.post("/oauth/token", &form, &[("authorization", &basic)]).await.member("access_token");
        let lives = claims(&token)["exp"].as_i64().unwrap() - claims(&token)["iat"].as_i64().unwrap();
        assert_eq!(lives, 5);
        assert_eq!(small.register(&program, "203.0.113.1").await.status, 403);
        assert_eq!(main.register(&program, "203.0.113.1").await.status, 201, "elsewhere they may");
    })
    .await;
}
