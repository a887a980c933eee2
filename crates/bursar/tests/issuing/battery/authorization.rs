//! The authorization endpoint: what is redirected where, and what is not.

use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::{Browser, is_consent, is_sign_in, query_of};
use crate::issuing::client::{Answer, CHALLENGE, Form, VERIFIER, claims};
use crate::issuing::world::{CALLBACK, MCP, OTHER, World};

async fn ask(world: &World, request: &Form) -> Answer {
    Browser::of(world, "ada").ask(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_01_a_redirect_uri_that_differs_at_all_is_shown_and_never_redirected_to() {
    on_every_store(async |world| {
        let exact = world.request().with("redirect_uri", "https://app.test/callback");
        assert!(is_sign_in(&ask(&world, &exact).await));
        for other in [
            "https://app.test/callbacl",
            "https://app.test/Callback",
            "https://APP.test/callback",
            "HTTPS://app.test/callback",
            "https://app.test/callback/",
            "https://app.test/callback?",
            "https://app.test/callback?x=1",
            "https://app.test/callback#",
            "https://app.test/callback#x",
            "https://user@app.test/callback",
            "https://app.test:443/callback",
            "https://app.test./callback",
            "https://app.test/%63allback",
            "https://app.test/x/../callback",
            "https://app.test/%2e%2e/callback",
            "https://app.test/./callback",
            "https://app.test//callback",
            "https://app.test\\@evil.test/callback",
            "https://app.test/callback\u{0}",
            " https://app.test/callback",
            "https://app.test/callback ",
            "https://app.test.evil.test/callback",
            "https://sub.app.test/callback",
            "//app.test/callback",
            "/callback",
            "",
        ] {
            let request = exact.clone().with("redirect_uri", other);
            let answer = ask(&world, &request).await;
            answer.assert_page();
            assert!(!answer.text.contains("name=\"ticket\""), "{other}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_02_a_loopback_address_may_have_any_port_and_nothing_else() {
    on_every_store(async |world| {
        for uri in [
            "http://127.0.0.1:1/callback",
            "http://127.0.0.1:65535/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:40000/callback",
            "http://localhost:40000/callback",
        ] {
            let answer = Browser::of(&world, "ada").agree(&world.request().with("redirect_uri", uri)).await;
            assert!(answer.header("location").starts_with(&format!("{uri}?")), "{uri}: {answer:?}");
            answer.code();
        }
        for uri in [
            "http://127.0.0.1:5000/other",
            "http://127.0.0.1:5000/callback/",
            "http://127.0.0.1:5000/callback?x",
            "http://127.0.0.1.evil.test:5000/callback",
            "http://127.0.0.1:5000@evil.test/callback",
            "http://127.0.0.2:5000/callback",
            "http://127.1:5000/callback",
            "http://2130706433:5000/callback",
            "http://0x7f000001:5000/callback",
            "http://0.0.0.0:5000/callback",
            "http://localhost.evil.test:5000/callback",
            "http://LOCALHOST:5000/callback",
            "http://[::ffff:127.0.0.1]:5000/callback",
            "http://[::2]:5000/callback",
            "https://127.0.0.1:5000/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:+80/callback",
            "https://app.test:8443/callback",
        ] {
            ask(&world, &world.request().with("redirect_uri", uri)).await.assert_page();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_03_plain_http_elsewhere_is_refused_when_registered_and_when_used() {
    on_every_store(async |world| {
        for uri in ["http://app.test/callback", "http://10.0.0.1/callback", "http://localhost.test/callback"]
        {
            let document = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
            let answer = world.register(&document, "203.0.113.1").await;
            answer.assert_refused(400, "invalid_redirect_uri");
            ask(&world, &world.request().with("redirect_uri", uri)).await.assert_page();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_04_addresses_that_run_or_read_something_cannot_be_registered() {
    on_every_store(async |world| {
        let uris = [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "blob:https://app.test/x",
            "view-source:https://app.test/",
        ];
        for uri in uris {
            let document = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
            let answer = world.register(&document, "203.0.113.1").await;
            answer.assert_refused(400, "invalid_redirect_uri");
            for member in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"] {
                let mut document = json!({ "redirect_uris": [CALLBACK] });
                document[member] = uri.into();
                let answer = world.register(&document, "203.0.113.1").await;
                assert_eq!(answer.status, 400, "{member} {uri}: {answer:?}");
                assert_eq!(answer.member("error"), "invalid_client_metadata", "{member} {uri}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_05_nobody_goes_without_a_code_challenge() {
    on_every_store(async |world| {
        let confidential =
            world.add_client(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
        for client in [&world.client, &confidential] {
            for request in [
                world.request_of(client).without("code_challenge"),
                world.request_of(client).without("code_challenge").without("code_challenge_method"),
                world.request_of(client).with("code_challenge", ""),
            ] {
                ask(&world, &request).await.assert_sent_back(CALLBACK, "invalid_request");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_06_a_challenge_that_is_the_verifier_protects_nothing() {
    on_every_store(async |world| {
        for request in [
            world.request().with("code_challenge_method", "plain").with("code_challenge", VERIFIER),
            world.request().without("code_challenge_method"),
            world.request().with("code_challenge_method", "s256"),
            world.request().with("code_challenge_method", "S512"),
            world.request().with("code_challenge_method", ""),
        ] {
            ask(&world, &request).await.assert_sent_back(CALLBACK, "invalid_request");
        }
        let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_07_a_challenge_that_is_no_digest_is_refused() {
    on_every_store(async |world| {
        for challenge in [
            &CHALLENGE[..42],
            &format!("{CHALLENGE}A"),
            &format!("{CHALLENGE}="),
            &"A".repeat(129),
            &format!("{}+", &CHALLENGE[..42]),
            &format!("{}/", &CHALLENGE[..42]),
            &format!("{} ", &CHALLENGE[..42]),
            &format!("{}\u{e9}", &CHALLENGE[..42]),
        ] {
            let request = world.request().with("code_challenge", challenge);
            ask(&world, &request).await.assert_sent_back(CALLBACK, "invalid_request");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_08_a_client_nobody_knows_gets_a_page_and_is_refused_at_the_token_endpoint() {
    on_every_store(async |world| {
        for id in ["nobody", "cli_0", "dcr_AAAA", "dcr_", "../admin", "' or 1=1 --", "\u{e9}", ""] {
            ask(&world, &world.request().with("client_id", id)).await.assert_page();
            let form = world.redeeming("bac_none").with("client_id", id);
            let answer = world.token(&form).await;
            answer.assert_refused(401, "invalid_client");
        }
        ask(&world, &world.request().without("client_id")).await.assert_page();
        let answer = ask(&world, &world.request().with("client_id", "nobody")).await;
        assert!(answer.text.contains("client"), "the page says what is wrong: {}", answer.text);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_09_every_parameter_counts_once_but_for_resource() {
    on_every_store(async |world| {
        for name in [
            "client_id",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "unheard_of",
        ] {
            for value in ["other", "none"] {
                let twice = world.request().with(name, "none").and(name, value);
                let answer = ask(&world, &twice).await;
                assert!(answer.parameter("code").is_none() && !is_sign_in(&answer), "{name}: {answer:?}");
                answer.assert_page();
            }
            // The same value twice is no better.
            if let Some((_, value)) = url::form_urlencoded::parse(world.request().encoded().as_bytes())
                .find(|(known, _)| known == name)
            {
                ask(&world, &world.request().and(name, &value)).await.assert_page();
            }
        }
        for name in ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"] {
            let form = world.redeeming("bac_none").and(name, "other");
            world.token(&form).await.assert_refused(400, "invalid_request");
        }
        assert!(is_sign_in(&ask(&world, &world.request().and("resource", OTHER)).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_10_no_token_ever_travels_in_an_address() {
    on_every_store(async |world| {
        for kind in [
            "token",
            "id_token",
            "id_token token",
            "code token",
            "code id_token",
            "none",
            "CODE",
            "code code",
            "unheard_of",
        ] {
            let answer = ask(&world, &world.request().with("response_type", kind)).await;
            answer.assert_sent_back(CALLBACK, "unsupported_response_type");
            assert!(!answer.header("location").contains('#'));
            assert!(answer.parameter("access_token").is_none() && answer.parameter("id_token").is_none());
        }
        for mode in ["fragment", "form_post", "unheard_of"] {
            let answer = ask(&world, &world.request().with("response_mode", mode)).await;
            answer.assert_sent_back(CALLBACK, "invalid_request");
            assert!(!answer.header("location").contains('#'));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_11_state_comes_back_as_it_was_once_and_only_if_there_was_one() {
    on_every_store(async |world| {
        let states = [
            "a",
            "a b+c&d=e%20f/?#;,'\"<>\\",
            "\u{e9}\u{1f600}\u{202e}\u{0}\u{7f}",
            "%00%ff",
            "iss=x&code=y",
            " leading and trailing ",
            &"x".repeat(4000),
        ];
        for state in states {
            let browser = Browser::of(&world, "ada");
            let refused = browser.ask(&world.request().with("state", state).with("prompt", "none")).await;
            let granted = browser.agree(&world.request().with("state", state)).await;
            for answer in [refused, granted] {
                let query = query_of(&answer);
                let pairs = url::form_urlencoded::parse(query.as_bytes());
                let found: Vec<_> =
                    pairs.filter(|(name, _)| name == "state").map(|(_, value)| value).collect();
                assert_eq!(found, [state]);
            }
        }
        let answer = Browser::of(&world, "ada").agree(&world.request().without("state")).await;
        answer.code();
        assert!(!query_of(&answer).contains("state"));
        // What cannot come back byte for byte does not come back otherwise.
        let query = format!("{}&state=%ff%fe", world.request().without("state").encoded());
        let answer = Browser::of(&world, "ada").get(&format!("/oauth/authorize?{query}&prompt=none")).await;
        assert!(
            answer.header("location").is_empty() || query_of(&answer).contains("state=%FF%FE"),
            "{answer:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_12_every_redirect_says_who_answers() {
    on_every_store(async |world| {
        let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
        let issuer = metadata["issuer"].as_str().unwrap();
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        let browser = Browser::of(&world, "ada");
        let page = browser.ask_signed_in(&world.request()).await;
        for answer in [
            browser.ask(&world.request().with("response_type", "token")).await,
            browser.ask(&world.request().with("prompt", "none")).await,
            browser.decide(&page, "deny").await,
            browser.agree(&world.request()).await,
        ] {
            assert_eq!(answer.parameter("iss").as_deref(), Some(issuer), "{answer:?}");
            assert_eq!(query_of(&answer).matches("iss=").count(), 1);
        }
        let denied = browser.ask_signed_in(&world.request().with("prompt", "consent")).await;
        browser.decide(&denied, "deny").await.assert_sent_back(CALLBACK, "access_denied");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_13_prompt_and_max_age_are_honoured() {
    on_every_store(async |world| {
        let browser = Browser::of(&world, "ada");
        let silent = world.request().with("prompt", "none");
        browser.ask(&silent).await.assert_sent_back(CALLBACK, "login_required");
        let page = browser.ask_signed_in(&world.request()).await;
        browser.ask(&silent).await.assert_sent_back(CALLBACK, "consent_required");
        browser.decide(&page, "allow").await.code();
        browser.ask(&silent).await.code();
        assert!(is_consent(&browser.ask(&world.request().with("prompt", "consent")).await));
        // Nobody asks in the instant of a sign-in.
        world.pass(1);
        for prompt in ["login", "select_account", "login consent"] {
            let page = browser.ask(&world.request().with("prompt", prompt)).await;
            assert!(is_sign_in(&page), "{prompt}: {page:?}");
        }
        browser.ask(&world.request().with("max_age", "60")).await.code();
        world.pass(61);
        assert!(is_sign_in(&browser.ask(&world.request().with("max_age", "60")).await));
        browser.ask(&silent.clone().with("max_age", "60")).await.assert_sent_back(CALLBACK, "login_required");
        assert!(is_sign_in(&browser.ask(&world.request().with("max_age", "0")).await));
        // Who has just signed in for it is not asked for ever.
        let page = browser.ask(&world.request().with("max_age", "0")).await;
        world.pass(2);
        browser.sign_in(&page).await.code();
        for faulty in ["none login", "unheard_of"] {
            let answer = browser.ask(&world.request().with("prompt", faulty)).await;
            answer.assert_sent_back(CALLBACK, "invalid_request");
        }
        for faulty in ["-1", "1.5", "99999999999999999999", "x"] {
            let answer = browser.ask(&world.request().with("max_age", faulty)).await;
            answer.assert_sent_back(CALLBACK, "invalid_request");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_14_no_redirect_lets_a_browser_post_a_password_on() {
    on_every_store(async |world| {
        let browser = Browser::of(&world, "ada");
        let page = browser.ask(&world.request()).await;
        let answer = browser.post_sign_in(&page, crate::issuing::world::PASSWORD).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let page = browser.get(answer.header("location")).await;
        assert_eq!(browser.decide(&page, "allow").await.status, 303);
        let answer = browser.ask(&world.request()).await;
        assert!([302, 303].contains(&answer.status));
        let answer = browser.post("/oauth/authorize", &world.request()).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_17_scope_is_narrowed_and_the_client_is_told() {
    on_every_store(async |world| {
        let asked = world.request().with("scope", "read nonsense offline_access admin");
        let code = world.code_for(&asked).await;
        let tokens = world.tokens(&world.redeeming(&code)).await;
        let granted: Vec<&str> = tokens.scope.split(' ').collect();
        assert!(granted.contains(&"read"), "{granted:?}");
        assert!(!granted.contains(&"nonsense") && !granted.contains(&"admin"), "{granted:?}");
        let none = world.request().with("scope", "nonsense");
        ask(&world, &none).await.assert_sent_back(CALLBACK, "invalid_scope");
        for malformed in ["read\u{0}", "r\"ead", "read\\", "\u{e9}"] {
            let answer = ask(&world, &world.request().with("scope", malformed)).await;
            answer.assert_sent_back(CALLBACK, "invalid_scope");
        }
        let narrow = world.add_client(json!({ "allowed_scope": "read" })).await;
        let code = world.code_for(&world.request_of(&narrow)).await;
        let tokens = world.tokens(&world.redeeming(&code).with("client_id", &narrow.id)).await;
        assert_eq!(tokens.scope, "read");
        assert_eq!(claims(&tokens.access)["scope"], "read");
        // The sign-in scopes alone, and with what keeps a client going.
        let openid = world.request().with("scope", "openid offline_access").without("resource");
        let code = world.code_for(&openid).await;
        assert_eq!(world.token(&world.redeeming(&code)).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_18_resources_are_known_and_absolute_and_none_is_dropped() {
    on_every_store(async |world| {
        for resource in [
            "mcp",
            "/mcp",
            "//mcp.test/mcp",
            "https://mcp.test/mcp#x",
            "https://mcp.test/mcp#",
            "https://unknown.test/",
            "https://mcp.test/mcp2",
            "https://mcp.test/MCP",
            "urn:x",
            "http://mcp.test/mcp",
            "https://user@mcp.test/mcp",
        ] {
            let answer = ask(&world, &world.request().with("resource", resource)).await;
            answer.assert_sent_back(CALLBACK, "invalid_target");
            let answer = ask(&world, &world.request().and("resource", resource)).await;
            answer.assert_sent_back(CALLBACK, "invalid_target");
        }
        let code = world.code_for(&world.request().and("resource", OTHER)).await;
        let tokens = world.tokens(&world.redeeming(&code)).await;
        let claims = claims(&tokens.access);
        let mut audience: Vec<&str> =
            claims["aud"].as_array().unwrap().iter().filter_map(|aud| aud.as_str()).collect();
        audience.sort_unstable();
        assert_eq!(audience, [MCP, OTHER]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_19_nothing_is_redirected_before_the_address_is_believed() {
    on_every_store(async |world| {
        let evil = "https://evil.test/";
        let good = world.request();
        for request in [
            good.clone().with("client_id", "nobody").with("redirect_uri", evil),
            good.clone().with("redirect_uri", evil),
            good.clone().with("redirect_uri", evil).with("response_type", "token"),
            good.clone().with("redirect_uri", evil).with("prompt", "none"),
            good.clone().with("redirect_uri", evil).with("scope", "nonsense"),
            good.clone().with("redirect_uri", evil).with("resource", "x"),
            good.clone().with("redirect_uri", evil).with("request", "eyJ"),
            good.clone().with("redirect_uri", evil).with("request_uri", "https://evil.test/request"),
            good.clone().without("client_id").with("redirect_uri", evil),
            good.clone().with("redirect_uri", evil).and("redirect_uri", CALLBACK),
            good.clone().and("redirect_uri", evil),
            good.clone().with("state", &"x".repeat(9000)),
            Form::of(&[("redirect_uri", evil)]),
            Form::default(),
        ] {
            let answer = ask(&world, &request).await;
            answer.assert_page();
            assert!(!answer.text.contains("href=\"https://evil.test"), "{answer:?}");
        }
        // Where the client has several addresses, it has to say which.
        ask(&world, &good.without("redirect_uri")).await.assert_page();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_20_programs_in_browsers_may_read_what_is_for_programs_and_nothing_else() {
    on_every_store(async |world| {
        let allowed = "access-control-allow-origin";
        for path in
            ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth/jwks"]
        {
            assert_eq!(world.get(path).await.header(allowed), "*", "{path}");
        }
        for path in
            ["/oauth/token", "/oauth/register", "/oauth/revoke", "/token", "/register", "/oauth/userinfo"]
        {
            let answer = world.post(path, &Form::default(), &[("origin", "https://page.test")]).await;
            assert_eq!(answer.header(allowed), "*", "{path}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            let preflight = world.http.request(http::Method::OPTIONS, world.at(path));
            let preflight = preflight
                .header("origin", "https://page.test")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,content-type,dpop");
            let answer = Answer::of(preflight).await;
            assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
            assert_eq!(answer.header(allowed), "*", "{path}: {answer:?}");
            for name in ["authorization", "content-type", "dpop"] {
                assert!(answer.header("access-control-allow-headers").contains(name), "{path} {name}");
            }
        }
        let browser = Browser::of(&world, "ada");
        let page = browser.ask_signed_in(&world.request()).await;
        for answer in [
            ask(&world, &world.request()).await,
            ask(&world, &world.request().with("prompt", "none")).await,
            world.get("/authorize").await,
            browser.decide(&page, "allow").await,
            world.post("/login", &Form::default(), &[("origin", "https://page.test")]).await,
        ] {
            assert_eq!(answer.header(allowed), "", "{answer:?}");
        }
    })
    .await;
}
