//! Proofs of possession (RFC 9449): each for one request, by one key, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::rules::ProofNonces;
use serde_json::{Value, json};

use super::{on_every_store, planned};
use crate::issuing::client::{Answer, Tokens};
use crate::issuing::key::{Key, message, token_hash};
use crate::issuing::world::{Plan, World};

async fn send(world: &World, proof: &str) -> Answer {
    let code = world.code().await;
    world.post("/oauth/token", &world.redeeming(&code), &[("dpop", proof)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_69_a_proof_is_for_this_request_at_this_time_by_this_key_once() {
    on_every_store(async |world| {
        let key = Key::new();
        let url = world.named("/oauth/token");
        let now = world.now().as_second();
        let with = |name: &str, value: Value| {
            let mut claims = key.proof_claims("POST", &url, world.now());
            claims[name] = value;
            key.proof_of(&claims)
        };
        let used = key.proof("POST", &url, world.now());
        let answer = send(&world, &used).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut refused = vec![used];
        refused.extend([
            with("htm", json!("GET")),
            with("htm", json!("post")),
            with("htu", json!("https://evil.test/oauth/token")),
            with("htu", json!(world.named("/oauth/introspect"))),
            with("htu", json!(world.at("/oauth/token"))),
            with("htu", json!("token")),
            with("htu", Value::Null),
            with("iat", json!(now - 301)),
            with("iat", json!(now + 301)),
            with("iat", json!("now")),
            with("iat", Value::Null),
            with("jti", Value::Null),
            with("jti", json!("")),
            with("exp", json!(now - 600)),
            with("nbf", json!(now + 600)),
        ]);
        let claims = || key.proof_claims("POST", &url, world.now());
        let mut private = key.jwk();
        private["d"] = json!("AAAA");
        for header in [
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": private }),
            json!({ "typ": "JWT", "alg": "ES256", "jwk": key.jwk() }),
            json!({ "alg": "ES256", "jwk": key.jwk() }),
            json!({ "typ": "dpop+jwt", "alg": "ES256" }),
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": Key::new().jwk() }),
            json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": key.jwk() }),
            json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "k": "AAAA" } }),
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk(), "crit": ["x"], "x": 1 }),
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jku": "https://evil.test/" }),
        ] {
            refused.push(key.sign(&header, &claims()));
        }
        let unsigned = message(&json!({ "typ": "dpop+jwt", "alg": "none", "jwk": key.jwk() }), &claims());
        refused.extend([format!("{unsigned}."), format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([0; 64]))]);
        refused.push(format!(
            "{}, {}",
            key.proof("POST", &url, world.now()),
            key.proof("POST", &url, world.now())
        ));
        refused.push("x".to_owned());
        for proof in refused {
            let answer = send(&world, &proof).await;
            assert_eq!(answer.status, 400, "{proof}: {answer:?}");
            answer.assert_refused(400, "invalid_dpop_proof");
        }
        let (one, two) = (key.proof("POST", &url, world.now()), key.proof("POST", &url, world.now()));
        let form = world.redeeming(&world.code().await);
        let answer = world.post("/oauth/token", &form, &[("dpop", &one), ("dpop", &two)]).await;
        answer.assert_refused(400, "invalid_dpop_proof");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_69_a_client_without_nonce_is_told_the_one_to_use() {
    let plan = || Plan { rule: Some(|rules| rules.proof_nonces = ProofNonces::Required), ..Plan::default() };
    planned(&plan, async |world| {
        let key = Key::new();
        let url = world.named("/oauth/token");
        let code = world.code().await;
        let form = world.redeeming(&code);
        let proof = key.proof("POST", &url, world.now());
        let answer = world.post("/oauth/token", &form, &[("dpop", &proof)]).await;
        answer.assert_refused(400, "use_dpop_nonce");
        let nonce = answer.header("dpop-nonce").to_owned();
        assert!(!nonce.is_empty(), "{answer:?}");
        let with = |nonce: &str| {
            let mut claims = key.proof_claims("POST", &url, world.now());
            claims["nonce"] = nonce.into();
            key.proof_of(&claims)
        };
        for wrong in ["x", &format!("{nonce}x")] {
            let answer = world.post("/oauth/token", &form, &[("dpop", &with(wrong))]).await;
            answer.assert_refused(400, "use_dpop_nonce");
            assert_eq!(answer.header("dpop-nonce"), nonce);
        }
        let answer = world.post("/oauth/token", &form, &[("dpop", &with(""))]).await;
        answer.assert_refused(400, "invalid_dpop_proof");
        let answer = world.post("/oauth/token", &form, &[("dpop", &with(&nonce))]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let refresh = world.refreshing(&Tokens::of(&answer).refresh);
        world.pass(24 * 3600 - 1);
        let answer = world.post("/oauth/token", &refresh, &[("dpop", &with(&nonce))]).await;
        answer.assert_refused(400, "use_dpop_nonce");
        let fresh = answer.header("dpop-nonce").to_owned();
        assert_ne!(fresh, nonce);
        let answer = world.post("/oauth/token", &refresh, &[("dpop", &with(&fresh))]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_69_a_bound_token_opens_nothing_without_its_key() {
    on_every_store(async |world| {
        let (key, other) = (Key::new(), Key::new());
        let url = world.named("/oauth/userinfo");
        let request = world.request().with("scope", "openid").without("resource");
        let code = world.code_for(&request).await;
        let proof = key.proof("POST", &world.named("/oauth/token"), world.now());
        let answer = world.post("/oauth/token", &world.redeeming(&code), &[("dpop", &proof)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.member("access_token");
        let proof_by = |key: &Key, hash: &str| {
            let mut claims = key.proof_claims("GET", &url, world.now());
            claims["ath"] = hash.into();
            key.proof_of(&claims)
        };
        let ask = async |scheme: &str, proof: Option<String>| {
            let mut request = world.http.get(world.at("/oauth/userinfo"));
            request = request.header("authorization", format!("{scheme} {token}"));
            if let Some(proof) = proof {
                request = request.header("dpop", proof);
            }
            Answer::of(request).await
        };
        let hash = token_hash(&token);
        for (scheme, proof) in [
            ("Bearer", None),
            ("DPoP", None),
            ("Bearer", Some(proof_by(&key, &hash))),
            ("DPoP", Some(proof_by(&other, &hash))),
            ("DPoP", Some(proof_by(&key, &token_hash("x")))),
            ("DPoP", Some(key.proof("GET", &url, world.now()))),
        ] {
            let answer = ask(scheme, proof).await;
            assert_eq!(answer.status, 401, "{scheme}: {answer:?}");
            assert!(answer.headers.get_all("www-authenticate").iter().count() > 0, "{answer:?}");
        }
        let answer = ask("DPoP", Some(proof_by(&key, &hash))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.member("sub"), world.user.id);
    })
    .await;
}
