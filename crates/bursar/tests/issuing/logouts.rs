//! Applications hear over real connections that somebody was signed out, each from its own tenant, and nobody else is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::rules::Teller;
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::browser::{Browser, is_sign_in};
use super::client::{Form, claims, jose_header};
use super::world::{Known, PASSWORD, Plan, World, beside, on_every_store, planned};

/// An application's own server, which hears of ends of sessions.
struct Listener {
    address: String,
    heard: mpsc::UnboundedReceiver<(HeaderMap, String)>,
}

impl Listener {
    async fn open() -> Self {
        async fn hear(
            State(told): State<mpsc::UnboundedSender<(HeaderMap, String)>>,
            headers: HeaderMap,
            body: Bytes,
        ) -> StatusCode {
            told.send((headers, String::from_utf8_lossy(&body).into_owned())).unwrap();
            StatusCode::OK
        }
        let bound = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/backchannel", bound.local_addr().unwrap());
        let (told, heard) = mpsc::unbounded_channel();
        let router = Router::new().route("/backchannel", post(hear)).with_state(told);
        beside(async move { axum::serve(bound, router).await.unwrap() });
        Self { address, heard }
    }

    /// The next logout token.
    async fn next(&mut self) -> String {
        let (headers, body) = tokio::time::timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap();
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(headers.get("authorization"), None);
        assert_eq!(headers.get("cookie"), None);
        body.strip_prefix("logout_token=").unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    fn is_quiet(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

/// Signs a person in at a client, and gives the claims of the ID token.
async fn sign_in(browser: &Browser<'_>, world: &World, client: &Known) -> Value {
    let request = world.request_of(client).with("scope", "openid").without("resource");
    let code = browser.agree(&request).await.code();
    let answer = world.token(&world.redeeming(&code).with("client_id", &client.id)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    claims(&answer.member("id_token"))
}

async fn registered(world: &World, address: &str) -> Known {
    let said = json!({
        "client_name": "Stranger", "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none", "backchannel_logout_uri": address,
        "backchannel_logout_session_required": true,
    });
    let answer = world.http.post(world.at("/oauth/register")).body(said.to_string());
    let answer = super::client::Answer::of(answer.header("content-type", "application/json")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let echoed = Url::parse(&answer.member("backchannel_logout_uri")).unwrap();
    assert_eq!(echoed, Url::parse(address).unwrap());
    assert_eq!(answer.json()["backchannel_logout_session_required"], json!(true));
    Known { id: answer.member("client_id"), secret: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tenant_tells_its_own_clients_who_was_signed_out() {
    on_every_store(async |main| {
        let metadata = main.get("/.well-known/openid-configuration").await.json();
        assert_eq!(metadata["backchannel_logout_supported"], json!(true));
        assert_eq!(metadata["backchannel_logout_session_supported"], json!(true));
        let mut listener = Listener::open().await;
        let tenant = main.sandbox("dev").await;
        let mut told = Vec::new();
        for world in [&main, &tenant] {
            let own = world.add_client(json!({ "backchannel_logout_uri": listener.address })).await;
            let stranger = registered(world, &listener.address).await;
            let browser = Browser::of(world, "ada");
            let signed_in = [
                sign_in(&browser, world, &own).await,
                sign_in(&browser, world, &stranger).await,
                sign_in(&browser, world, &world.client).await,
            ];
            assert!(listener.is_quiet());
            let left = browser.post("/logout", &Form::of(&[])).await;
            assert_eq!(left.status, 200, "{left:?}");
            let mut tokens = [listener.next().await, listener.next().await];
            tokens.sort_by_key(|token| claims(token)["aud"] != signed_in[0]["aud"]);
            for (token, id_token) in tokens.iter().zip(&signed_in) {
                assert_eq!(jose_header(token)["typ"], "logout+jwt");
                let said = claims(token);
                assert_eq!(said["iss"], json!(world.issuer));
                for claim in ["aud", "sub", "sid"] {
                    assert_eq!(said[claim], id_token[claim], "{claim}");
                }
                assert_eq!(said.get("nonce"), None);
            }
            told.extend(tokens.iter().map(|token| claims(token)["jti"].to_string()));
            world.server.tell_of_logouts().await.unwrap();
            assert!(listener.is_quiet(), "each once");
        }
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_addresses_of_the_inside_are_never_called() {
    let plan = || Plan { issuer: Some("https://as.test"), ..Plan::default() };
    planned(&plan, async |world| {
        let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = trap.local_addr().unwrap().port();
        let caught = Arc::new(AtomicUsize::new(0));
        let counter = caught.clone();
        beside(async move {
            while trap.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let browser = Browser::of(&world, "ada");
        let mut clients = Vec::new();
        for origin in [
            "http://127.0.0.1",
            "http://localhost",
            "https://127.0.0.1",
            "https://localhost",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://0.0.0.0",
            "https://10.0.0.1",
            "https://172.16.0.1",
            "https://192.168.0.1",
            "https://169.254.169.254",
            "https://100.64.0.1",
            "https://[fd00::1]",
        ] {
            let client = registered(&world, &format!("{origin}:{port}/latest/meta-data")).await;
            sign_in(&browser, &world, &client).await;
            clients.push(client.id);
        }
        browser.post("/logout", &Form::of(&[])).await;
        world.server.tell_of_logouts().await.unwrap();
        let wanted = clients.len();
        let given_up = async || {
            let events = world.events().await;
            events.into_iter().filter(|event| event.event.name == "logout.given_up").count()
        };
        let all = async {
            while given_up().await < wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap();
        assert_eq!(given_up().await, wanted, "none is tried again");
        assert!(!world.was_reported("logout.told").await);
        assert_eq!(caught.load(Ordering::SeqCst), 0, "called");
    })
    .await;
}

/// A server that tells when it is called to, and a client of it that listens.
async fn listening(world: &World) -> (Listener, Known) {
    let listener = Listener::open().await;
    let client = world.add_client(json!({ "backchannel_logout_uri": listener.address })).await;
    (listener, client)
}

fn telling_when_called() -> Plan {
    Plan { rule: Some(|rules| rules.tells_of_logouts = Teller::TheServer), ..Plan::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_while_a_user_is_signed_out_everywhere_forgets_no_client() {
    planned(&telling_when_called, async |world| {
        let (mut listener, client) = listening(&world).await;
        for change in [Change::Disabled, Change::Removed, Change::Given, Change::Taken, Change::Reset] {
            for commits in 0.. {
                assert!(commits < 20, "{change:?} has no end");
                let user = world.add_user(&format!("{change:?}{commits}")).await;
                let session = sign_in(&Browser::of(&world, &user.username), &world, &client).await;
                world.pass(1);
                let counts = async || {
                    let sessions = world.server.sessions(&user.id).await.unwrap();
                    sessions.iter().any(|known| session["sid"] == known.id.as_str())
                };
                let made = change.begin(&world, &user).await;
                world.fail_commits_after(commits);
                let is_made = made.await;
                world.fail_commits_after(u64::MAX);
                let is_over = !counts().await;
                assert!(is_over || !is_made, "{change:?} after {commits} commits");
                world.pass(30);
                world.server.tell_of_logouts().await.unwrap();
                if is_over {
                    assert_eq!(claims(&listener.next().await)["sid"], session["sid"]);
                }
                assert!(listener.is_quiet(), "{change:?} after {commits} commits");
                assert_eq!(counts().await, !is_over, "{change:?} after {commits} commits");
                if is_made {
                    break;
                }
            }
        }
    })
    .await;
}

/// What ends all sessions of a user.
#[derive(Clone, Copy, Debug)]
enum Change {
    Disabled,
    Removed,
    Given,
    Taken,
    Reset,
}

impl Change {
    /// All that comes before it, and then whether it could be made.
    async fn begin<'a>(self, world: &'a World, user: &'a User) -> BoxFuture<'a, bool> {
        let (server, new, source) = (&world.server, Secret::new("another horse"), Source::default());
        match self {
            Self::Disabled => server.set_user_disabled(&user.id, true).map(|made| made.is_ok()).boxed(),
            Self::Removed => server.remove_user(&user.id).map(|made| made.is_ok()).boxed(),
            Self::Given => server.set_password(&user.id, Some(new)).map(|made| made.is_ok()).boxed(),
            Self::Taken => {
                let cookie = server.begin_session(user, &["pwd"], &source).await.unwrap();
                let signed_in = server.session_of(&cookie).await.unwrap().unwrap();
                let source = Source { session: Some(cookie), ..source };
                let taken = async move {
                    let current = Secret::new(PASSWORD);
                    server.change_password(&signed_in, current, new, &source).await.is_ok()
                };
                taken.boxed()
            }
            Self::Reset => {
                let code = server.issue_reset_code(&user.id).await.unwrap().unwrap();
                let reset = async move {
                    server.reset_password(&user.username, code.expose(), new, &source).await.is_ok()
                };
                reset.boxed()
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_browser_is_taken_over_by_whoever_signs_in_there() {
    planned(&telling_when_called, async |world| {
        let (mut listener, client) = listening(&world).await;
        let request = world.request_of(&client).with("scope", "openid").without("resource");
        let browser = Browser::of(&world, "ada");
        let first = sign_in(&browser, &world, &client).await;
        let before = browser.moved_to(&world);
        // The same user once more: for the application it is the session it knows.
        world.pass(1);
        let code = browser.agree(&request.clone().with("prompt", "login")).await.code();
        let answer = world.token(&world.redeeming(&code).with("client_id", &client.id)).await;
        let second = claims(&answer.member("id_token"));
        assert_eq!(second["sid"], first["sid"]);
        assert!(second["auth_time"].as_i64() > first["auth_time"].as_i64());
        assert!(is_sign_in(&before.ask(&request).await), "the old cookie");
        world.server.tell_of_logouts().await.unwrap();
        assert!(listener.is_quiet());
        // Somebody else: that session is over.
        world.pass(1);
        let bob = world.add_user("bob").await;
        let lent = browser.lent_to("bob");
        let code = lent.agree(&request.clone().with("prompt", "login")).await.code();
        let answer = world.token(&world.redeeming(&code).with("client_id", &client.id)).await;
        let third = claims(&answer.member("id_token"));
        assert_eq!(third["sub"], json!(bob.id));
        assert_ne!(third["sid"], first["sid"]);
        assert!(is_sign_in(&browser.ask(&request).await), "the old cookie");
        world.server.tell_of_logouts().await.unwrap();
        let told = claims(&listener.next().await);
        assert_eq!((&told["sid"], &told["sub"]), (&first["sid"], &first["sub"]));
        assert!(listener.is_quiet());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_in_one_tenant_keeps_no_other_from_being_looked_after() {
    planned(&telling_when_called, async |main| {
        let broken = main.sandbox("broken").await;
        let sound = main.sandbox("sound").await;
        let mut listeners = Vec::new();
        for world in [&broken, &sound] {
            let (listener, client) = listening(world).await;
            let browser = Browser::of(world, "ada");
            sign_in(&browser, world, &client).await;
            assert_eq!(browser.post("/logout", &Form::of(&[])).await.status, 200);
            listeners.push(listener);
        }
        let [unheard, heard] = &mut listeners[..] else { panic!("two") };
        broken.break_down();
        main.sandboxes.tell_of_logouts().await;
        heard.next().await;
        assert!(unheard.is_quiet());
        // Each is gone through in turn, those that are not used too.
        for all in [false, true] {
            main.pass(30 * 24 * 3600);
            assert!(!sound.server.untidy().await.unwrap().expired.is_empty(), "there is something to do");
            if all {
                main.sandboxes.look_after_all().await.unwrap();
                main.sandboxes.tell_of_logouts_in_all().await.unwrap();
            } else {
                main.sandboxes.look_after().await.unwrap();
            }
            assert_eq!(sound.server.untidy().await.unwrap().expired, []);
            sound.code().await;
        }
    })
    .await;
}

/// Far more than a call on this machine takes, however busy it is.
const PATIENCE: Duration = Duration::from_mins(1);
