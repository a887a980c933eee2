use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bursar::http::pages::brand::Brand;
use bursar::http::pages::{Look, Page};
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::pages::driver::Browser;
use crate::pages::every_page::{SCRIPT, every_page};
use crate::pages::gallery::{look, look_in};
use crate::pages::place::{PASSWORD, Place};

/// Ten pages in six looks, with axe-core in between.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_account_look_right_and_can_be_used_by_everybody() {
    let place = Place::start().await;
    let (client, stranger) = (place.client("Notebook").await, place.stranger("Weather Robot").await);
    Browser::run(async |browser| {
        let _authenticator = browser.plug_in().await;
        browser.open(&place.request(&client, "read write")).await;
        look(browser, "sign-in").await;
        browser.sign_in("wrong").await;
        look(browser, "sign-in-mismatch").await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Allow access?").await;
        look(browser, "consent").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.open(&place.request(&stranger, "read")).await;
        browser.reads("Not verified").await;
        look(browser, "consent-unverified").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.open(&place.at("/account/passkeys/new")).await;
        look(browser, "new-passkey").await;
        browser.add_passkey(&place, "Telephone").await;
        look(browser, "account").await;
        browser.open(&place.at("/account/password")).await;
        look(browser, "password").await;
        browser.speaks("de-DE,de").await;
        browser.open(&place.at("/account")).await;
        look(browser, "account-german").await;
        browser.open(&place.request(&client, "read write openid")).await;
        browser.reads("Zugriff erlauben?").await;
        look(browser, "consent-german").await;
        browser.speaks("en").await;
        browser.open(&place.at("/account")).await;
        browser.sign_out().await;
        look(browser, "signed-out").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_devices_and_troubles_look_right_and_can_be_used_by_everybody() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    place.run(&["client", "update", &client, "--grant", "device-code", "--grant", "refresh-token"]).await;
    Browser::run(async |browser| {
        browser.open_account(&place).await;
        browser.open(&place.at("/oauth/device")).await;
        look(browser, "device-code").await;
        browser.fill("#user_code", &user_code(&place, &client).await).await;
        browser.click("form button.main").await;
        browser.reads("Connect this device?").await;
        look(browser, "device-confirmation").await;
        browser.click("button[value=allow]").await;
        browser.reads("Device connected").await;
        look(browser, "device-allowed").await;
        browser.open(&place.at("/oauth/end_session")).await;
        browser.reads("Sign out?").await;
        look(browser, "sign-out").await;
        browser.open(&place.at("/reset")).await;
        look(browser, "reset").await;
        browser.open(&place.request("nobody", "read")).await;
        browser.reads("This cannot go on").await;
        look(browser, "problem").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_new_server_looks_right_and_can_be_used_by_everybody() {
    let place = Place::empty().await;
    Browser::run(async |browser| {
        browser.open(&place.at("/set-up")).await;
        look(browser, "set-up").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_there_is_looks_right_in_the_light() {
    every_page_looks_right_in("light", Look::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_there_is_looks_right_in_the_dark_and_in_colours_of_somebody_else() {
    let brand = Brand { name: "Acme".to_owned(), colour: "#8a2be2".parse().unwrap(), ..Brand::default() };
    every_page_looks_right_in("dark", Look::new(brand)).await;
}

async fn every_page_looks_right_in(scheme: &str, dress: Look) {
    let mut serving = JoinSet::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let pages = every_page(&dress, "Notebook of the Amalgamated Office Supply Company");
    let names: Vec<&str> = pages.iter().map(|(name, _)| *name).collect();
    let router = Router::new()
        .route(SCRIPT, get(|| async { ([(CONTENT_TYPE, "text/javascript")], "") }))
        .route("/pages/{name}", get(shown))
        .with_state(pages.clone());
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Browser::run(async |browser| {
        for name in &names {
            browser.open(&format!("{origin}/pages/{name}")).await;
            look_in(browser, scheme, &format!("every-{name}")).await;
        }
    })
    .await;
}

async fn shown(State(pages): State<Vec<(&'static str, Page)>>, Path(name): Path<String>) -> Response {
    let (_, page) = pages.into_iter().find(|(known, _)| *known == name).unwrap();
    page.into_response()
}

async fn user_code(place: &Place, client: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = http.post(place.at("/oauth/device_authorization"));
    let post = post.header("content-type", "application/x-www-form-urlencoded");
    let answer = post.body(format!("client_id={client}&scope=openid")).send().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["user_code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
