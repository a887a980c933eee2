//! One of everything that a server gives away, and what somebody may try with it elsewhere.

use serde_json::json;

use crate::issuing::browser::{Browser, ticket};
use crate::issuing::client::{Answer, Form, basic};
use crate::issuing::world::{Known, MCP, World};

/// What somebody has got at one server.
#[derive(Clone)]
pub(super) struct Things {
    pub(super) code: String,
    pub(super) access: String,
    pub(super) refresh: String,
    /// For the server itself.
    own_access: String,
    id_token: String,
    pub(super) pushed: String,
    pub(super) device_code: String,
    user_code: String,
    registered: Known,
    registration_token: String,
    pub(super) client: Known,
    api: Known,
    player: Known,
    admin_token: String,
    pub(super) user: String,
    pub(super) grant: String,
    pub(super) key: String,
    pub(super) refusal: String,
    /// What the browser of somebody who is signed in sends.
    cookie: String,
    sign_in_ticket: String,
    consent_ticket: String,
    device_ticket: String,
    sign_out_ticket: String,
    /// For a new password.
    reset_code: String,
}

impl Things {
    /// One of everything.
    pub(super) async fn of(world: &World) -> Self {
        let tokens = world.log_in().await;
        let openid = world.request().with("scope", "openid profile").without("resource");
        let browser = Browser::of(world, "ada");
        let signed_in = world.token(&world.redeeming(&browser.agree(&openid).await.code())).await;
        let player = player(world).await;
        let device = world.post("/oauth/device_authorization", &asking_for(&player), &[]).await;
        let program = json!({
            "redirect_uris": ["https://brought.test/cb"], "client_name": "Brought",
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let registered = world.register(&program, "203.0.113.4").await;
        let admin_token = admin_token(world).await;
        let (_, session) = browser
            .secrets_by_name()
            .into_iter()
            .find(|(name, _)| name.contains("session"))
            .expect("the browser is signed in");
        let other = world.add_client(json!({ "client_name": "Not agreed to" })).await;
        let consent = browser.ask(&world.request_of(&other)).await;
        let sign_in = Browser::of(world, "ada").ask(&world.request()).await;
        let typed = Form::of(&[("ticket", ""), ("user_code", &device.member("user_code"))]);
        let typed = browser.post("/oauth/device", &typed).await;
        let grants = listed(world, &admin_token, "/v1/grants").await;
        let keys = listed(world, &admin_token, "/v1/keys").await;
        let nothing = world.refresh("brt_none").await;
        Self {
            code: world.code().await,
            access: tokens.access,
            refresh: tokens.refresh,
            own_access: signed_in.member("access_token"),
            id_token: signed_in.member("id_token"),
            pushed: pushed(world).await,
            device_code: device.member("device_code"),
            user_code: device.member("user_code"),
            registered: Known { id: registered.member("client_id"), secret: None },
            registration_token: registered.member("registration_access_token"),
            client: world.client.clone(),
            api: world.api.clone(),
            player,
            admin_token,
            user: world.user.id.clone(),
            grant: grants["items"][0]["id"].as_str().unwrap().to_owned(),
            key: keys[0]["id"].as_str().unwrap().to_owned(),
            refusal: nothing.header("bursar-correlation-id").to_owned(),
            cookie: session,
            sign_in_ticket: ticket(&sign_in),
            consent_ticket: ticket(&consent),
            device_ticket: ticket(&typed),
            sign_out_ticket: ticket(&browser.get("/oauth/end_session").await),
            reset_code: world
                .server
                .issue_reset_code(&world.user.id)
                .await
                .unwrap()
                .unwrap()
                .expose()
                .to_owned(),
        }
    }

    /// The same, each a little different: what nobody has ever got.
    pub(super) fn nonsense(&self) -> Self {
        let of = |text: &String| mangled(text);
        let known = |known: &Known| Known { id: mangled(&known.id), secret: known.secret.clone() };
        Self {
            code: of(&self.code),
            access: of(&self.access),
            refresh: of(&self.refresh),
            own_access: of(&self.own_access),
            id_token: of(&self.id_token),
            pushed: of(&self.pushed),
            device_code: of(&self.device_code),
            user_code: of(&self.user_code),
            registered: known(&self.registered),
            registration_token: of(&self.registration_token),
            client: known(&self.client),
            api: known(&self.api),
            player: known(&self.player),
            admin_token: of(&self.admin_token),
            user: of(&self.user),
            grant: of(&self.grant),
            key: of(&self.key),
            refusal: of(&self.refusal),
            cookie: of(&self.cookie),
            sign_in_ticket: of(&self.sign_in_ticket),
            consent_ticket: of(&self.consent_ticket),
            device_ticket: of(&self.device_ticket),
            sign_out_ticket: of(&self.sign_out_ticket),
            reset_code: of(&self.reset_code),
        }
    }
}

/// What is tried at `here` with `things` of elsewhere, by somebody who has `own` things here: each with a name.
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) async fn attempts(here: &World, own: &Things, things: &Things) -> Vec<(&'static str, Answer)> {
    let token = async |form: Form| here.token(&form).await;
    let by = |client: &Known| basic(client);
    let bearing = async |path: &str, token: &str| {
        let request = here.http.get(here.at(path)).header("authorization", format!("Bearer {token}"));
        Answer::of(request).await
    };
    let sent = async |method: http::Method, path: String, token: &str| {
        let request = here.http.request(method, here.at(&path));
        Answer::of(request.header("authorization", format!("Bearer {token}"))).await
    };
    let with_cookie = async |request: reqwest::RequestBuilder| {
        let name = match here.base.strip_prefix("/s/") {
            Some(sandbox) => format!("bursar_session_{sandbox}"),
            None => "bursar_session".to_owned(),
        };
        Answer::of(request.header("cookie", format!("{name}={}", things.cookie))).await
    };
    let form = |pairs: &[(&str, &str)]| Form::of(pairs);
    let person = Browser::of(here, "ada");
    let at_codes = person.get("/oauth/device").await;
    person.sign_in(&at_codes).await;
    let (get, put, delete) = (http::Method::GET, http::Method::PUT, http::Method::DELETE);
    let authorize = format!("/oauth/authorize?{}", here.request().encoded());
    let typed = form(&[("ticket", ""), ("user_code", &things.user_code)]);
    let mut typed = person.post("/oauth/device", &typed).await;
    // The page repeats what was typed.
    typed.text = typed.text.replace(&things.user_code, "");
    vec![
        ("a code by a client of here", token(here.redeeming(&things.code)).await),
        (
            "a code by its client",
            token(here.redeeming(&things.code).with("client_id", &things.client.id)).await,
        ),
        ("a refresh token by a client of here", here.refresh(&things.refresh).await),
        (
            "a refresh token by its client",
            token(here.refreshing(&things.refresh).with("client_id", &things.client.id)).await,
        ),
        ("a device code by a client of here", token(polling(&own.player, &things.device_code)).await),
        ("a device code by its client", token(polling(&things.player, &things.device_code)).await),
        ("an access token is asked about", here.introspect(&here.api, &things.access).await),
        ("a refresh token is asked about", here.introspect(&here.api, &things.refresh).await),
        ("a client asks", here.introspect(&things.api, &own.access).await),
        (
            "a client in its own name",
            here.post(
                "/oauth/token",
                &form(&[("grant_type", "client_credentials"), ("resource", MCP)]),
                &[("authorization", &by(&things.api))],
            )
            .await,
        ),
        (
            "a client pushes",
            here.post(
                "/oauth/par",
                &here.request_of(&things.api).without("client_id"),
                &[("authorization", &by(&things.api))],
            )
            .await,
        ),
        (
            "a client revokes",
            here.post(
                "/oauth/revoke",
                &form(&[("token", &own.refresh)]),
                &[("authorization", &by(&things.api))],
            )
            .await,
        ),
        (
            "a token is revoked",
            here.post(
                "/oauth/revoke",
                &form(&[("token", &things.refresh), ("client_id", &here.client.id)]),
                &[],
            )
            .await,
        ),
        ("a device asks", here.post("/oauth/device_authorization", &asking_for(&things.player), &[]).await),
        ("the user behind a token", bearing("/oauth/userinfo", &things.own_access).await),
        ("a client id", person.ask(&here.request_of(&things.client)).await),
        (
            "a pushed request",
            person.ask(&form(&[("client_id", &here.client.id), ("request_uri", &things.pushed)])).await,
        ),
        ("a user code", typed),
        ("a session", with_cookie(here.http.get(here.at(&authorize))).await),
        (
            "a session for a token",
            with_cookie(
                here.http
                    .post(here.at("/v1/session/token"))
                    .header("content-type", "application/x-www-form-urlencoded"),
            )
            .await,
        ),
        (
            "a refresh token for a session token",
            here.post("/v1/session/token", &form(&[("refresh_token", &things.refresh)]), &[]).await,
        ),
        (
            "an access token for a session token",
            here.post("/v1/session/token", &form(&[("session_token", &things.own_access)]), &[]).await,
        ),
        (
            "a sign-in page",
            Browser::of(here, "ada")
                .post(
                    "/login",
                    &form(&[
                        ("ticket", &things.sign_in_ticket),
                        ("username", "ada"),
                        ("password", crate::issuing::world::PASSWORD),
                    ]),
                )
                .await,
        ),
        (
            "a consent page",
            person
                .post("/consent", &form(&[("ticket", &things.consent_ticket), ("decision", "allow")]))
                .await,
        ),
        (
            "a decision about a device",
            person
                .post(
                    "/oauth/device/decision",
                    &form(&[("ticket", &things.device_ticket), ("decision", "allow")]),
                )
                .await,
        ),
        (
            "a decision to sign out",
            person
                .post(
                    "/oauth/end_session/decision",
                    &form(&[("ticket", &things.sign_out_ticket), ("decision", "sign_out")]),
                )
                .await,
        ),
        ("a code for a new password", with_code(here, &things.reset_code).await),
        (
            "an ID token at the end of a session",
            Answer::of(here.http.get(here.at(&format!(
                "/oauth/end_session?{}",
                form(&[
                    ("id_token_hint", &things.id_token),
                    ("post_logout_redirect_uri", "https://app.test/"),
                ])
                .encoded()
            ))))
            .await,
        ),
        (
            "a registration is read",
            sent(
                get.clone(),
                format!("/oauth/register/{}", things.registered.id),
                &things.registration_token,
            )
            .await,
        ),
        (
            "a registration is changed",
            sent(put, format!("/oauth/register/{}", things.registered.id), &things.registration_token).await,
        ),
        (
            "a registration is given up",
            sent(
                delete.clone(),
                format!("/oauth/register/{}", things.registered.id),
                &things.registration_token,
            )
            .await,
        ),
        (
            "a registration token for a client of here",
            sent(get.clone(), format!("/oauth/register/{}", own.registered.id), &things.registration_token)
                .await,
        ),
        ("an administrator looks", bearing("/v1/users", &things.admin_token).await),
        (
            "an administrator removes",
            sent(delete.clone(), format!("/v1/users/{}", here.user.id), &things.admin_token).await,
        ),
        (
            "a client's id for an administrator",
            bearing(&format!("/v1/clients/{}", things.client.id), &own.admin_token).await,
        ),
        (
            "a user's id for an administrator",
            bearing(&format!("/v1/users/{}", things.user), &own.admin_token).await,
        ),
        (
            "a grant's id for an administrator",
            sent(delete.clone(), format!("/v1/grants/{}", encoded(&things.grant)), &own.admin_token).await,
        ),
        (
            "a key's id for an administrator",
            sent(delete.clone(), format!("/v1/keys/{}", encoded(&things.key)), &own.admin_token).await,
        ),
        (
            "a refusal's name for an administrator",
            sent(get, format!("/v1/refusals/{}", things.refusal), &own.admin_token).await,
        ),
        (
            "a client is removed",
            sent(delete, format!("/v1/clients/{}", things.client.id), &own.admin_token).await,
        ),
    ]
}

/// Somebody has a code and wants a new password.
async fn with_code(here: &World, code: &str) -> Answer {
    let browser = Browser::of(here, "ada");
    let page = browser.get("/reset").await;
    let (ticket, new) = (ticket(&page), "a horse of my own");
    let form = [("ticket", &*ticket), ("username", "ada"), ("code", code), ("new", new), ("again", new)];
    browser.post("/reset", &Form::of(&form)).await
}

/// A token that may change the server, of a client of its own.
pub(super) async fn admin_token(world: &World) -> String {
    let admin = administrator(world).await;
    world
        .post("/oauth/token", &as_administrator(), &[("authorization", &basic(&admin))])
        .await
        .member("access_token")
}

async fn administrator(world: &World) -> Known {
    world
        .add_client(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scope": "bursar:admin",
        }))
        .await
}

fn as_administrator() -> Form {
    Form::of(&[("grant_type", "client_credentials"), ("scope", "bursar:admin")])
}

async fn player(world: &World) -> Known {
    let grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"];
    world.add_client(json!({ "grant_types": grants, "client_name": "Player" })).await
}

fn asking_for(player: &Known) -> Form {
    Form::of(&[("client_id", &player.id), ("scope", "read"), ("resource", MCP)])
}

fn polling(player: &Known, code: &str) -> Form {
    Form::of(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", &player.id),
        ("device_code", code),
    ])
}

async fn pushed(world: &World) -> String {
    world.post("/oauth/par", &world.request(), &[]).await.member("request_uri")
}

async fn listed(world: &World, token: &str, path: &str) -> serde_json::Value {
    let request = world.http.get(world.at(path)).header("authorization", format!("Bearer {token}"));
    Answer::of(request).await.json()
}

fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// Two letters near the end change their places with others: the form stays.
fn mangled(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = 0;
    for byte in bytes.iter_mut().rev().skip(3) {
        let other = match *byte {
            b'a'..=b'u' | b'A'..=b'U' | b'0'..=b'8' => *byte + 1,
            _ => continue,
        };
        *byte = other;
        changed += 1;
        if changed == 2 {
            break;
        }
    }
    assert_eq!(changed, 2, "{text}");
    String::from_utf8(bytes).unwrap()
}
