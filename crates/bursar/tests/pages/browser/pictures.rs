use crate::pages::driver::Browser;
use crate::pages::gallery::look;
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

async fn user_code(place: &Place, client: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = http.post(place.at("/oauth/device_authorization"));
    let post = post.header("content-type", "application/x-www-form-urlencoded");
    let answer = post.body(format!("client_id={client}&scope=openid")).send().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["user_code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
