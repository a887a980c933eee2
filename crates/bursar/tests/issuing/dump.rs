//! Whoever takes a copy of the whole store has nothing to use: no token, code, secret, password or private key, however it
//! is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::engine::records;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::signing::SigningKey;
use bursar_core::ports::store::{Page, Scope, Space};
use bursar_core::secret::Secret;
use serde_json::json;

use super::browser::{Browser, is_sign_in, ticket};
use super::client::{Answer, CHALLENGE, Form, Tokens, VERIFIER, basic};
use super::site::Backend;
use super::world::{MCP, OTHER, PASSWORD, Plan, World};
use crate::secrets::needles::Needles;

/// Every byte of a store: its files, its backup, and every record of every kind.
async fn everything(world: &World) -> Vec<(String, Vec<u8>)> {
    let store = &world.server.engine().ports().store;
    let mut all = Vec::new();
    let mut backup = Vec::new();
    store.backup(&mut backup).await.unwrap();
    all.push(("backup".to_owned(), backup));
    for (path, bytes) in world.site.files() {
        all.push((path.display().to_string(), bytes));
    }
    for kind in records::KINDS {
        let space = match kind.scope {
            Scope::System => Space::System,
            Scope::Sandbox => world.server.engine().space().clone(),
        };
        let records = store.list(&space, kind, Page::first(10_000)).await.unwrap().value;
        for record in records {
            all.push((format!("{} key", kind.name), record.key.clone().into_bytes()));
            all.push((format!("{} {}", kind.name, record.key), record.body));
        }
    }
    let events = format!("{:?}", world.events().await);
    all.push(("events".to_owned(), events.into_bytes()));
    all
}

/// Where which secrets are found.
async fn found(world: &World, needles: &Needles) -> Vec<String> {
    let all = everything(world).await;
    let found = all.iter().flat_map(|(place, bytes)| {
        needles.found_in(bytes).into_iter().map(move |name| format!("{name} in {place}"))
    });
    found.collect()
}

/// The beginning that private keys of an algorithm share (RFC 5208 §5), after the length, which differs.
fn beginning_of(private: &[u8]) -> &[u8] {
    let version = private.windows(2).position(|bytes| bytes == [2, 1]).unwrap();
    let algorithm = version + 3;
    let end = algorithm + 2 + usize::from(private[algorithm + 1]);
    // And two of the key itself, which say only that it is one.
    &private[version..end + 2]
}

fn tokens_of(needles: &mut Needles, answer: &Answer) -> Tokens {
    assert_eq!(answer.status, 200, "{answer:?}");
    for name in ["access_token", "refresh_token", "id_token"] {
        if let Some(token) = answer.json()[name].as_str() {
            needles.add(name, token);
        }
    }
    Tokens::of(answer)
}

/// One of everything there is, used and unused.
async fn tour(world: &World) -> Needles {
    let mut needles = Needles::default();
    needles.add("a password", PASSWORD);
    needles.add("a verifier", VERIFIER);
    needles.add("a client's secret", world.api.secret.as_ref().unwrap().expose());
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let (_, private) = SigningKey::generate(algorithm).unwrap();
        needles.add_bytes(&format!("a private key for {algorithm}"), beginning_of(&private));
    }
    logins(world, &mut needles).await;
    devices(world, &mut needles).await;
    strangers(world, &mut needles).await;
    needles
}

async fn logins(world: &World, needles: &mut Needles) {
    let formats = [
        TokenFormat::default(),
        TokenFormat::Jwt(Algorithm::EdDsa),
        TokenFormat::Jwt(Algorithm::Rs256),
        TokenFormat::Opaque,
    ];
    for format in formats {
        let changed = world.server.update_resource(MCP, &|resource| resource.format = format).await;
        assert!(changed.unwrap().is_some());
        let browser = Browser::of(world, "ada");
        let code = browser.agree(&world.request()).await.code();
        needles.add("a code", &code);
        needles.add("an unused code", &browser.agree(&world.request()).await.code());
        let mut tokens = tokens_of(needles, &world.token(&world.redeeming(&code)).await);
        for _ in 0..2 {
            tokens = tokens_of(needles, &world.refresh(&tokens.refresh).await);
        }
        assert!(world.is_active(&tokens.access).await);
        for (_, cookie) in browser.secrets() {
            needles.add("a cookie", &cookie);
        }
    }
    let own = world.request().with("scope", "openid profile offline_access").without("resource");
    tokens_of(needles, &world.token(&world.redeeming(&world.code_for(&own).await)).await);
    let form = Form::of(&[("grant_type", "client_credentials")]);
    let header = basic(&world.api);
    let answer = world.post("/oauth/token", &form, &[("authorization", &header)]).await;
    needles.add("a client's own token", &answer.member("access_token"));
    // Left alone at a page.
    let page = Browser::of(world, "ada").ask(&world.request().with("resource", OTHER)).await;
    needles.add("a ticket", &ticket(&page));
}

async fn devices(world: &World, needles: &mut Needles) {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let device = world.add_client(json!({ "grant_types": [grant, "refresh_token"] })).await;
    let form = Form::of(&[("client_id", &device.id), ("scope", "read"), ("resource", MCP)]);
    let mut begin = async || {
        let answer = world.post("/oauth/device_authorization", &form, &[]).await;
        needles.add("a device code", &answer.member("device_code"));
        (answer.member("device_code"), answer.member("user_code"))
    };
    let (unused, _) = begin().await;
    let (code, user_code) = begin().await;
    assert_ne!(unused, code);
    let browser = Browser::of(world, "ada");
    let page = browser.get("/oauth/device").await;
    assert!(is_sign_in(&page), "{page:?}");
    browser.sign_in(&page).await;
    let page = browser.post("/oauth/device", &Form::of(&[("ticket", ""), ("user_code", &user_code)])).await;
    let decision = Form::of(&[("ticket", &ticket(&page)), ("decision", "allow")]);
    browser.post("/oauth/device/decision", &decision).await;
    let poll = Form::of(&[("grant_type", grant), ("client_id", &device.id), ("device_code", &code)]);
    tokens_of(needles, &world.token(&poll).await);
}

async fn strangers(world: &World, needles: &mut Needles) {
    let pushed = Form::of(&[
        ("response_type", "code"),
        ("client_id", &world.client.id),
        ("redirect_uri", super::world::CALLBACK),
        ("scope", "read"),
        ("resource", MCP),
        ("state", "a state nobody else may know"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let answer = world.post("/oauth/par", &pushed, &[]).await;
    needles.add("a pushed request", &answer.member("request_uri"));
    let document = json!({
        "redirect_uris": ["https://app.test/callback"], "token_endpoint_auth_method": "client_secret_post",
    });
    let answer = world.register(&document, "203.0.113.1").await;
    needles.add("a registered secret", &answer.member("client_secret"));
    needles.add("a registration token", &answer.member("registration_access_token"));
    let first = world.server.issue_first_code().await.unwrap().expect("nobody administers yet");
    needles.add("the first administrator's code", first.expose());
    let wrong = Secret::new("a password somebody mistyped");
    let page = Browser::of(world, "ada").ask(&world.request()).await;
    Browser::of(world, "ada").post_sign_in(&page, wrong.expose()).await;
    needles.add("a wrong password", wrong.expose());
}

pub(super) async fn nothing_is_found(backend: Backend) {
    let world = World::open(backend.clone(), Plan::default()).await;
    let needles = tour(&world).await;
    assert!(needles.count() > 300, "{}", needles.count());
    assert_eq!(found(&world, &needles).await, Vec::<String>::new());
    // The search looks where things are: what may be known is found, in every sort of place.
    let mut known = Needles::default();
    known.add("the client's id", &world.client.id);
    known.add("the user's name", "Ada Lovelace");
    let places = found(&world, &known).await.join("\n");
    for place in ["in backup", "in user ", "in grant ", "in family "] {
        assert!(places.contains(place), "nothing {place}: {places}");
    }
    let file = match backend {
        Backend::Memory => return,
        Backend::Sqlite => "bursar.db",
        Backend::Postgres(_) | Backend::Mixed(_) => "/database/data/",
        Backend::Redis(_) => "appendonly",
    };
    assert!(places.contains(file), "nothing in {file}: {places}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_memory_holds_nothing_to_use() {
    nothing_is_found(Backend::Memory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_sqlite_files_holds_nothing_to_use() {
    nothing_is_found(Backend::Sqlite).await;
}

/// What is searched for is found if it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_secret_is_found() {
    let world = World::open(Backend::Sqlite, Plan::default()).await;
    let tokens = world.log_in().await;
    let (_, private) = SigningKey::generate(Algorithm::Es256).unwrap();
    for planted in
        [tokens.refresh.clone().into_bytes(), STANDARD.encode(&private).into_bytes(), private.to_vec()]
    {
        let mut needles = Needles::default();
        needles.add("a refresh token", &tokens.refresh);
        needles.add_bytes("a private key", beginning_of(&private));
        assert_eq!(found(&world, &needles).await, Vec::<String>::new());
        let path = world.site.folder.path().join("planted");
        std::fs::write(&path, planted).unwrap();
        assert_ne!(found(&world, &needles).await, Vec::<String>::new());
        std::fs::remove_file(path).unwrap();
    }
    // In the store itself, where bodies are written as they are and backed up in another writing.
    let user = world.user.id.as_str();
    let token = tokens.refresh.clone();
    world.server.update_user(user, &move |user| user.name = Some(token.clone())).await.unwrap();
    let mut needles = Needles::default();
    needles.add("a refresh token", &tokens.refresh);
    let places = found(&world, &needles).await.join("\n");
    for place in ["in backup", "in user ", "bursar.db"] {
        assert!(places.contains(place), "nothing {place}: {places}");
    }
}
