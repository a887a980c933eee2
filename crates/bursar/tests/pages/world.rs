//! A server that shows a consent page, and a client that gets the decision.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use bursar::http::pages::{self, Client, Consent, Look, Origin, Person, Resource, Scope};
use bursar_core::engine::issuer::records::grant::AgreedBefore;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

pub(super) struct World {
    server: u16,
    client: u16,
    client_of_ipv6: u16,
    /// Ends them all when dropped.
    _serving: JoinSet<()>,
}

impl World {
    pub(super) async fn start() -> Self {
        let mut serving = JoinSet::new();
        let mut serve = |listener: TcpListener, router: Router| {
            let port = listener.local_addr().unwrap().port();
            serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
            port
        };
        let server = Router::new().route("/consent", get(show).post(decide)).with_state(Look::default());
        let callback = Router::new().route("/callback", get(|| async { Html(CALLBACK) }));
        Self {
            server: serve(listener((Ipv4Addr::LOCALHOST, 0)).await, server),
            client: serve(listener((Ipv4Addr::LOCALHOST, 0)).await, callback.clone()),
            client_of_ipv6: serve(TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap(), callback),
            _serving: serving,
        }
    }

    /// The client's redirect URI at this host.
    pub(super) fn client(&self, host: &str) -> String {
        let port = if host == "[::1]" { self.client_of_ipv6 } else { self.client };
        format!("http://{host}:{port}/callback")
    }

    /// A consent page for an answer to `shown`, whose decision is sent to `sent`.
    pub(super) fn consent(&self, shown: &str, sent: &str) -> String {
        let mut url = Url::parse(&format!("http://127.0.0.1:{}/consent", self.server)).unwrap();
        url.query_pairs_mut().append_pair("shown", shown).append_pair("sent", sent);
        url.into()
    }
}

async fn listener(address: (Ipv4Addr, u16)) -> TcpListener {
    TcpListener::bind(address).await.unwrap()
}

#[derive(Deserialize)]
struct Ways {
    shown: Url,
    sent: String,
}

#[derive(Deserialize)]
struct Decision {
    ticket: String,
    decision: String,
}

async fn show(State(look): State<Look>, Query(ways): Query<Ways>) -> impl IntoResponse {
    let long = "Averylongname<b>\u{202e}".repeat(40);
    let form = pages::Form { action: "/logout", ticket: "ticket" };
    let scopes =
        [Scope { name: long.as_str().into(), description: None, tools: vec![long.as_str().into(); 40] }];
    Consent {
        form: pages::Form { action: "/consent", ticket: &ways.sent },
        client: Client { name: Some(long.as_str().into()), origin: Origin::Unverified },
        redirect_uri: &ways.shown,
        resources: &[Resource { name: None, address: long.as_str().into() }],
        scopes: &scopes,
        offline: true,
        before: &AgreedBefore::Nothing,
        person: Person { name: long.as_str().into(), leave: form },
    }
    .page(&look)
}

async fn decide(Form(decision): Form<Decision>) -> Redirect {
    Redirect::to(&format!("{}?decision={}", decision.ticket, decision.decision))
}

/// With an icon, or browsers ask for one and complain that there is none.
const CALLBACK: &str = "<!doctype html><link rel=icon href=data:,><h1>Client</h1>";
