//! Whoever is refused gets a name for it, and whoever runs the server finds the whole reason under that name.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_core::engine::issuer::administration::refusals::NotedRefusal;
use bursar_core::oauth::error::ErrorCode;
use bursar_core::ports::upstream::{Request, Response, SendError, SendLimits, Upstream};
use bursar_core::secret::Secret;
use futures::future::BoxFuture;
use serde_json::json;

use super::browser::{Browser, is_consent};
use super::client::{Answer, Form, basic};
use super::key::Key;
use super::world::{CALLBACK, Known, Plan, World, on_every_store, planned};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_little_and_the_operator_everything() {
    on_every_store(async |world| {
        let secret = "hunter2-hunter2-hunter2";
        let form = Form::of(&[("grant_type", "client_credentials"), ("client_id", &world.api.id)]);
        let wrong = basic(&Known { secret: Some(Secret::new(secret)), ..world.api.clone() });
        let headers =
            [("authorization", wrong.as_str()), ("x-forwarded-for", "192.0.2.7"), ("user-agent", "probe/1")];
        let answer = world.post("/oauth/token", &form.without("client_id"), &headers).await;
        answer.assert_refused(401, "invalid_client");
        let members: BTreeSet<String> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["error", "error_description"].map(str::to_owned).into(), "RFC 6749 §5.2");
        let noted = world.noted(&answer).await;
        assert!(answer.member("error_description").ends_with(&format!("(reference: {})", noted.id)));
        assert_eq!(noted.endpoint, "/oauth/token");
        assert_eq!(noted.client.as_deref(), Some(world.api.id.as_str()));
        assert_eq!(
            (noted.address, noted.user_agent.as_deref()),
            (Some("192.0.2.7".parse().unwrap()), Some("probe/1"))
        );
        assert_eq!(noted.code, ErrorCode::InvalidClient);
        assert!(noted.advice().is_some() && noted.reason != noted.description, "{noted:?}");
        assert!(!format!("{noted:?}").contains("hunter2"), "{noted:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_names_its_refusals() {
    on_every_store(async |world| {
        let nobody = Form::of(&[("client_id", "nobody"), ("token", "x"), ("grant_type", "refresh_token")]);
        let mut answers = Vec::new();
        for path in [
            "/oauth/token",
            "/token",
            "/oauth/introspect",
            "/oauth/revoke",
            "/oauth/par",
            "/oauth/device_authorization",
        ] {
            answers.push((path, world.post(path, &nobody, &[]).await));
            answers.push((path, world.post(&format!("{path}?client_id=x"), &nobody, &[]).await));
        }
        for path in ["/oauth/authorize", "/authorize"] {
            answers.push((path, world.get(&format!("{path}?client_id=nobody")).await));
        }
        for path in ["/consent", "/login", "/oauth/device/decision", "/oauth/end_session/decision"] {
            answers.push((path, world.post(path, &nobody, &[]).await));
        }
        answers.push(("/oauth/continue", world.get("/oauth/continue?ticket=x").await));
        let logout = "/oauth/end_session?post_logout_redirect_uri=https%3A%2F%2Fevil.test%2F";
        answers.push(("/oauth/end_session", world.get(logout).await));
        for path in ["/oauth/register", "/register"] {
            answers.push((path, world.post(path, &nobody, &[]).await));
        }
        let unusable = json!({ "redirect_uris": ["x"] });
        answers.push(("/oauth/register", world.register(&unusable, "192.0.2.9").await));
        let bearer = |path: &str| world.http.get(world.at(path)).bearer_auth("nonsense");
        answers.push(("/oauth/userinfo", Answer::of(bearer("/oauth/userinfo")).await));
        answers.push(("/oauth/register/x", Answer::of(bearer("/oauth/register/x")).await));
        answers.push(("/v1/clients", Answer::of(bearer("/v1/clients")).await));
        let stale = Form::of(&[("session_token", "x")]);
        answers.push(("/v1/session/token", world.post("/v1/session/token", &stale, &[]).await));
        let mut names = BTreeSet::new();
        for (endpoint, answer) in &answers {
            assert!((400..500).contains(&answer.status), "{endpoint}: {answer:?}");
            let noted = world.noted(answer).await;
            assert_eq!(noted.endpoint, *endpoint);
            assert!(!noted.reason.is_empty(), "{endpoint}");
            assert!(names.insert(noted.id), "{endpoint}");
        }
        // Browsers let programs of other origins read the name.
        let exposed = answers[0].1.header("access-control-expose-headers");
        assert!(exposed.contains("bursar-correlation-id"), "{exposed}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_the_name_on_the_page_and_clients_get_it_with_the_browser() {
    on_every_store(async |world| {
        let request = world.request();
        let page =
            world.get(&format!("/oauth/authorize?{}", request.with("client_id", "nobody").encoded())).await;
        page.assert_page();
        let noted = world.noted(&page).await;
        assert!(page.text.contains(&format!("bursar explain {}", noted.id)), "{}", page.text);
        assert_eq!(noted.client.as_deref(), Some("nobody"));

        let wrong = world.request().with("code_challenge_method", "plain");
        let answer = world.get(&format!("/oauth/authorize?{}", wrong.encoded())).await;
        answer.assert_sent_back(CALLBACK, "invalid_request");
        let noted = world.noted(&answer).await;
        let description = answer.parameter("error_description").unwrap();
        assert!(description.ends_with(&format!("(reference: {})", noted.id)), "{description}");
        assert_eq!(
            (noted.endpoint.as_str(), noted.client.as_deref()),
            ("/oauth/authorize", Some(world.client.id.as_str()))
        );

        let browser = Browser::of(&world, "ada");
        let page = browser.ask_signed_in(&world.request()).await;
        assert!(is_consent(&page) && page.header(NAME).is_empty());
        let answer = browser.decide(&page, "deny").await;
        answer.assert_sent_back(CALLBACK, "access_denied");
        assert_eq!(world.noted(&answer).await.endpoint, "/consent");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_protocol_are_no_refusals() {
    on_every_store(async |world| {
        let members = json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] });
        let device = world.add_client(members).await;
        let begun =
            world.post("/oauth/device_authorization", &Form::of(&[("client_id", &device.id)]), &[]).await;
        let poll = Form::of(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &device.id),
            ("device_code", &begun.member("device_code")),
        ]);
        let waiting = world.token(&poll).await;
        waiting.assert_refused(400, "authorization_pending");
        let sooner = world.token(&poll).await;
        sooner.assert_refused(400, "slow_down");
        let unasked = [world.get("/oauth/userinfo").await, world.get("/v1/clients").await];
        let not_signed_in = world.post("/v1/session/token", &Form::default(), &[]).await;
        for answer in [waiting, sooner, not_signed_in].iter().chain(&unasked) {
            assert_eq!(answer.header(NAME), "", "{answer:?}");
            assert!(!answer.text.contains("reference"), "it leads nowhere: {answer:?}");
        }
        assert_eq!([unasked[0].status, unasked[1].status], [401, 401]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_has_a_name_too_and_is_told_once_the_store_can_be_written_again() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        world.fail_commits(true);
        let answer = world.refresh(&tokens.refresh).await;
        world.fail_commits(false);
        answer.assert_refused(503, "temporarily_unavailable");
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
        let noted = world.noted(&answer).await;
        assert_eq!(noted.code, ErrorCode::TemporarilyUnavailable);
        assert!(noted.reason.len() > noted.description.len(), "{noted:?}");
        assert_eq!(world.refresh(&tokens.refresh).await.status, 200, "nothing was lost");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_of_the_server_has_a_name_and_ends_one_request() {
    let plan = || Plan { upstream: Some(Arc::new(Broken)), ..Plan::default() };
    planned(&plan, async |world| {
        let request = world.request().with("client_id", "https://app.test/client");
        let answer = world.get(&format!("/oauth/authorize?{}", request.encoded())).await;
        assert_eq!((answer.status, answer.member("error").as_str()), (500, "server_error"), "{answer:?}");
        let noted = world.noted(&answer).await;
        assert_eq!((noted.endpoint.as_str(), &noted.code), ("/oauth/authorize", &ErrorCode::ServerError));
        assert!(!answer.text.contains("planned"), "{answer:?}");
        world.log_in().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stranger_pushes_nobody_elses_refusals_out() {
    on_every_store(async |world| {
        let wrong = Form::of(&[("grant_type", "refresh_token"), ("client_id", "nobody")]);
        let from =
            async |address: &str| world.post("/oauth/token", &wrong, &[("x-forwarded-for", address)]).await;
        let mut found = 0;
        for _ in 0..100 {
            let name = from("198.51.100.66").await.header(NAME).to_owned();
            found += usize::from(world.server.noted_refusal(&name).await.unwrap().is_some());
        }
        assert_eq!(found, 30);
        let other = from("203.0.113.5").await;
        assert_eq!(world.noted(&other).await.address, Some("203.0.113.5".parse().unwrap()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_in_the_log_of_events_a_second_later() {
    on_every_store(async |world| {
        let answer = world.post("/oauth/token", &Form::of(&[("client_id", "nobody")]), &[FORM]).await;
        let name = world.noted(&answer).await.id;
        let stored = async || world.events().await.iter().any(|event| event.event.subject == name);
        assert!(!stored().await, "nobody waits for the store");
        world.clock.sleepers_reach(1).await;
        world.pass(1);
        let written = async { while !stored().await {} };
        tokio::time::timeout(std::time::Duration::from_secs(20), written).await.unwrap();
        assert!(world.server.noted_refusal(&name).await.unwrap().is_some());
    })
    .await;
}

/// Administration by tokens that are bound to a key (RFC 9449).
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_of_an_administrator_opens_with_its_key_and_never_alone() {
    on_every_store(async |world| {
        let members = json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scope": "bursar:admin",
        });
        let (tool, key, other) = (world.add_client(members).await, Key::new(), Key::new());
        let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "bursar:admin")]);
        let proof = key.proof("POST", &world.named("/oauth/token"), world.now());
        let headers = [("authorization", &*basic(&tool)), ("dpop", &proof)];
        let answer = world.post("/oauth/token", &form, &headers).await;
        assert_eq!((answer.status, answer.member("token_type").as_str()), (200, "DPoP"), "{answer:?}");
        let token = answer.member("access_token");
        let proof_by = |key: &Key, method: &str, path: &str| {
            let mut claims = key.proof_claims(method, &world.named(path), world.now());
            claims["ath"] = super::key::token_hash(&token).into();
            key.proof_of(&claims)
        };
        let ask = async |scheme: &str, proof: Option<&str>| {
            let request = world.http.get(world.at("/v1/clients?limit=1"));
            let request = request.header("authorization", format!("{scheme} {token}"));
            Answer::of(proof.iter().fold(request, |request, proof| request.header("dpop", *proof))).await
        };
        let good = proof_by(&key, "GET", "/v1/clients");
        let answer = ask("DPoP", Some(&good)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for (scheme, proof) in [
            ("Bearer", None),
            ("DPoP", None),
            ("DPoP", Some(good)),
            ("Bearer", Some(proof_by(&key, "GET", "/v1/clients"))),
            ("DPoP", Some(proof_by(&other, "GET", "/v1/clients"))),
            ("DPoP", Some(proof_by(&key, "DELETE", "/v1/clients"))),
            ("DPoP", Some(proof_by(&key, "GET", "/v1/users"))),
            ("DPoP", Some(key.proof("GET", &world.named("/v1/clients"), world.now()))),
        ] {
            let answer = ask(scheme, proof.as_deref()).await;
            assert_eq!(answer.status, 401, "{scheme}: {answer:?}");
            let first = answer.header("www-authenticate");
            let expected = if scheme == "DPoP" || proof.is_some() { "DPoP error=" } else { "Bearer error=" };
            assert!(first.starts_with(expected), "{scheme}: {first}");
            world.noted(&answer).await;
        }
    })
    .await;
}

impl World {
    /// What is known of a refusal, by the name that came with it.
    pub(super) async fn noted(&self, answer: &Answer) -> NotedRefusal {
        let name = answer.header(NAME);
        assert_eq!(name.len(), 26, "{answer:?}");
        self.server.noted_refusal(name).await.unwrap().unwrap_or_else(|| panic!("{answer:?}"))
    }
}

/// Outgoing HTTP with a mistake in it.
#[derive(Debug)]
struct Broken;

impl Upstream for Broken {
    fn send(&self, _request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async { panic!("planned") })
    }
}

const NAME: &str = "bursar-correlation-id";
