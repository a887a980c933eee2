//! Whether a client is who it says: by secret or by key, one way at a time.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::on_every_store;
use crate::issuing::client::{Answer, Form, basic};
use crate::issuing::key::{Key, message};
use crate::issuing::world::{Known, MCP, World};

/// A request that says nothing but who asks.
fn asking() -> Form {
    Form::of(&[("grant_type", "client_credentials"), ("resource", MCP)])
}

async fn by_header(world: &World, header: &str) -> Answer {
    world.post("/oauth/token", &asking(), &[("authorization", header)]).await
}

async fn machine(world: &World) -> Known {
    world
        .add_client(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
        }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_40_a_secret_travels_in_one_strict_way() {
    on_every_store(async |world| {
        let client = machine(&world).await;
        let (id, secret) = (client.id.as_str(), client.secret.as_ref().unwrap().expose());
        let good = basic(&client);
        assert_eq!(by_header(&world, &good).await.status, 200);
        let in_body = asking().and("client_id", id).and("client_secret", secret);
        assert_eq!(world.token(&in_body).await.status, 200);
        // In the address.
        let query = Form::of(&[("client_id", id), ("client_secret", secret)]).encoded();
        let answer = world.post(&format!("/oauth/token?{query}"), &asking(), &[]).await;
        answer.assert_refused(400, "invalid_request");
        assert!(!answer.text.contains(secret));
        // Twice.
        let both = in_body.clone();
        let answer = world.post("/oauth/token", &both, &[("authorization", &good)]).await;
        answer.assert_refused(400, "invalid_request");
        let answer = world
            .post("/oauth/token", &asking(), &[("authorization", &good), ("authorization", &good)])
            .await;
        answer.assert_refused(400, "invalid_request");
        let answer = world
            .post("/oauth/token", &asking().and("client_id", &world.client.id), &[("authorization", &good)])
            .await;
        answer.assert_refused(400, "invalid_request");
        // Loosely written.
        let pair = format!("{id}:{secret}");
        for header in [
            format!("Basic {}", URL_SAFE_NO_PAD.encode(&pair)),
            format!("Basic {}\u{a0}", STANDARD.encode(&pair)),
            format!("Basic {} x", STANDARD.encode(&pair)),
            format!("Basic {}", STANDARD.encode(&pair).replacen('A', " A", 1) + " "),
            format!("Basic {}=", STANDARD.encode(&pair)),
            format!("Basic {}", STANDARD.encode(id)),
            format!("Basic {}", STANDARD.encode(format!("{id}:{secret}%"))),
            format!("Basic {}", STANDARD.encode(format!("{id}: {secret}"))),
            format!("Basic {}", STANDARD.encode(format!("{id}:{secret}\n"))),
            format!("Basic {}", STANDARD.encode(format!("{id}:"))),
            format!("Basic {}", STANDARD.encode([b'a', b':', 0xff])),
            "Basic".to_owned(),
            "Basic ".to_owned(),
            format!("Bearer {secret}"),
            format!("Digest {}", STANDARD.encode(&pair)),
        ] {
            if STANDARD
                .decode(header.trim_start_matches("Basic ").trim())
                .is_ok_and(|read| read == pair.as_bytes())
            {
                continue;
            }
            let mut request = world.http.post(world.at("/oauth/token")).body(asking().encoded());
            request = request.header("content-type", "application/x-www-form-urlencoded");
            let value = http::HeaderValue::from_bytes(header.as_bytes()).unwrap();
            let answer = Answer::of(request.header("authorization", value)).await;
            answer.assert_refused(401, "invalid_client");
            assert!(answer.header("www-authenticate").starts_with("Basic "), "{header}: {answer:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_41_who_registered_a_key_is_not_believed_by_a_secret() {
    on_every_store(async |world| {
        let (key, client) = keyed(&world).await;
        let form = asking().and("client_id", &client.id).and("client_secret", "anything");
        world.token(&form).await.assert_refused(401, "invalid_client");
        world.token(&asking().and("client_id", &client.id)).await.assert_refused(401, "invalid_client");
        let header = format!("Basic {}", STANDARD.encode(format!("{}:anything", client.id)));
        by_header(&world, &header).await.assert_refused(401, "invalid_client");
        // And the other way round.
        let secretive = machine(&world).await;
        let claims = assertion(&world, &key, &secretive.id);
        let answer = assert_by(&world, &key.sign(&header_of("ES256"), &claims)).await;
        answer.assert_refused(401, "invalid_client");
    })
    .await;
}

async fn keyed(world: &World) -> (Key, Known) {
    keyed_for(world, None).await
}

/// A client whose assertions are signed with this algorithm alone.
async fn keyed_for(world: &World, algorithm: Option<&str>) -> (Key, Known) {
    let key = Key::new();
    let client = world
        .add_client(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.jwk()] }, "token_endpoint_auth_signing_alg": algorithm,
        }))
        .await;
    (key, client)
}

fn header_of(algorithm: &str) -> Value {
    json!({ "alg": algorithm, "typ": "JWT" })
}

fn assertion(world: &World, key: &Key, client: &str) -> Value {
    let now = world.now().as_second();
    json!({
        "iss": client, "sub": client, "aud": world.issuer, "iat": now, "exp": now + 60, "jti": key.name(),
    })
}

async fn assert_by(world: &World, assertion: &str) -> Answer {
    let form = asking()
        .and("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .and("client_assertion", assertion);
    world.token(&form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_42_an_assertion_is_believed_when_everything_about_it_is_right() {
    on_every_store(async |world| {
        let (key, client) = keyed(&world).await;
        let (other_key, other) = keyed(&world).await;
        let fresh = || assertion(&world, &key, &client.id);
        let with = |name: &str, value: Value| {
            let mut claims = fresh();
            claims[name] = value;
            claims
        };
        let without = |name: &str| {
            let mut claims = fresh();
            claims.as_object_mut().unwrap().remove(name);
            claims
        };
        let es256 = header_of("ES256");
        for audience in [world.issuer.clone(), world.named("/oauth/token")] {
            let answer = assert_by(&world, &key.sign(&es256, &with("aud", audience.into()))).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let used = key.sign(&es256, &fresh());
        assert_eq!(assert_by(&world, &used).await.status, 200);
        let now = world.now();
        let at = |seconds: i64| json!((now + SignedDuration::from_secs(seconds)).as_second());
        let mut refused = vec![used];
        for claims in [
            with("aud", json!("https://evil.test")),
            with("aud", json!(format!("{}/", world.issuer))),
            with("aud", json!([world.issuer, "https://evil.test"])),
            with("aud", json!(MCP)),
            without("aud"),
            with("exp", at(-120)),
            with("exp", at(86_400)),
            with("exp", json!("soon")),
            with("exp", json!(1e300)),
            without("exp"),
            with("iat", at(3600)),
            with("nbf", at(3600)),
            without("jti"),
            with("jti", json!("")),
            with("jti", json!(7)),
            with("iss", json!("somebody")),
            without("iss"),
        ] {
            refused.push(key.sign(&es256, &claims));
        }
        let rest = message(&header_of("none"), &fresh());
        refused.extend([format!("{rest}."), rest]);
        // The public key as if it were a shared secret.
        for algorithm in ["HS256", "RS256", "EdDSA", "ES384", "es256", ""] {
            refused.push(key.sign(&header_of(algorithm), &fresh()));
        }
        for (name, value) in [
            ("kid", json!("../../etc/passwd")),
            ("kid", json!("' or 1=1")),
            ("crit", json!(["b64"])),
            ("typ", json!("at+jwt")),
            ("typ", json!("dpop+jwt")),
        ] {
            let mut header = es256.clone();
            header[name] = value;
            refused.push(key.sign(&header, &fresh()));
        }
        // Keys that it brings itself.
        for (name, value) in [
            ("jwk", other_key.jwk()),
            ("jku", json!("https://evil.test/keys")),
            ("x5u", json!("https://evil.test/certificate")),
            ("x5c", json!(["AAAA"])),
        ] {
            let mut header = es256.clone();
            header[name] = value;
            refused.push(other_key.sign(&header, &fresh()));
        }
        refused.push(other_key.sign(&es256, &fresh()));
        // What was registered counts, whatever else its keys could sign.
        let (own, client_of_one) = keyed_for(&world, Some("ES256")).await;
        let answer = assert_by(&world, &own.sign(&es256, &assertion(&world, &own, &client_of_one.id))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let (own, client_of_another) = keyed_for(&world, Some("EdDSA")).await;
        refused.push(own.sign(&es256, &assertion(&world, &own, &client_of_another.id)));
        refused.push(key.sign(&es256, &assertion(&world, &key, &other.id)));
        refused.extend(["", "x", "a.b.c", "....", "eyJ9.e30."].map(str::to_owned));
        for assertion in refused {
            let answer = assert_by(&world, &assertion).await;
            assert_eq!(answer.status, 401, "{assertion}: {answer:?}");
            answer.assert_refused(401, "invalid_client");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_43_a_client_proves_itself_just_as_it_has_promised() {
    on_every_store(async |world| {
        let code = world.code().await;
        let form = world.redeeming(&code).and("client_secret", "anything");
        world.token(&form).await.assert_refused(401, "invalid_client");
        let header = format!("Basic {}", STANDARD.encode(format!("{}:", world.client.id)));
        let form = world.redeeming(&code).without("client_id");
        let answer = world.post("/oauth/token", &form, &[("authorization", &header)]).await;
        answer.assert_refused(401, "invalid_client");
        let confidential =
            world.add_client(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
        let code = world.code_for(&world.request_of(&confidential)).await;
        for form in [
            world.redeeming(&code).with("client_id", &confidential.id),
            world.redeeming(&code).with("client_id", &confidential.id).and("client_secret", ""),
        ] {
            world.token(&form).await.assert_refused(401, "invalid_client");
        }
        let form = world.redeeming(&code).without("client_id");
        let answer = world.post("/oauth/token", &form, &[("authorization", &basic(&confidential))]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_44_every_byte_of_a_secret_counts() {
    on_every_store(async |world| {
        let client = machine(&world).await;
        let secret = client.secret.as_ref().unwrap().expose().to_owned();
        let last = if secret.ends_with('A') { "B" } else { "A" };
        for wrong in [
            secret[..secret.len() - 1].to_owned(),
            format!("{secret}x"),
            format!("{secret}\0"),
            format!("{secret}{}", "x".repeat(100)),
            format!("{}{last}", &secret[..secret.len() - 1]),
            secret.to_uppercase(),
            "x".repeat(10_000),
        ] {
            let form = asking().and("client_id", &client.id).and("client_secret", &wrong);
            world.token(&form).await.assert_refused(401, "invalid_client");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_45_the_old_secret_works_until_the_overlap_is_over() {
    on_every_store(async |world| {
        let client = machine(&world).await;
        let overlap = SignedDuration::from_mins(10);
        let renewed = world.server.renew_client_secret(&client.id, overlap).await.unwrap().unwrap();
        let new = Known { id: client.id.clone(), secret: renewed.secret };
        let works = async |client: &Known| by_header(&world, &basic(client)).await.status;
        assert_eq!((works(&client).await, works(&new).await), (200, 200));
        world.pass(599);
        assert_eq!((works(&client).await, works(&new).await), (200, 200));
        world.pass(1);
        assert_eq!((works(&client).await, works(&new).await), (401, 200));
        let renewed = world.server.renew_client_secret(&client.id, SignedDuration::ZERO).await;
        let newest = Known { id: client.id, secret: renewed.unwrap().unwrap().secret };
        assert_eq!((works(&new).await, works(&newest).await), (401, 200));
    })
    .await;
}
