use crate::pages::driver::Browser;
use crate::pages::place::{PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn the_back_button_after_consent_leads_to_a_page_that_says_what_helps() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Allow access?").await;
        let page = browser.execute("return document.querySelector('input[name=ticket]').value").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.back().await;
        // Nothing of it is kept, so the browser asks again, and is answered: the person has agreed.
        browser.open(&place.at("/account")).await;
        let send = format!(
            "const form = document.querySelector('form[action=\"/logout\"]'); form.action = '/consent';
            form.ticket.value = {page}; const field = document.createElement('input'); field.name = 'decision';
            field.value = 'allow'; form.append(field); form.submit()"
        );
        browser.execute(&send).await;
        browser.reads("This page is no longer good").await;
        browser.reads("begin again there").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_do_not_disturb_each_other() {
    let place = Place::start().await;
    let (one, other) = (place.client("One").await, place.client("Other").await);
    Browser::run(async |browser| {
        browser.open(&place.request(&one, "read")).await;
        browser.execute(&format!("window.open('{}')", place.request(&other, "read"))).await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Allow access?").await;
        browser.switch_to_newest_window().await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Other").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        assert!(browser.address().await.contains("code="));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cookies_the_page_says_so() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open(&place.at("/account")).await;
        browser.forgets().await;
        browser.sign_in(PASSWORD).await;
        browser.reads("This page is no longer good").await;
        browser.reads("let your browser keep cookies for this site").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_names_what_helps() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        let elsewhere = place.request(&client, "read").replace("callback", "elsewhere");
        browser.open(&elsewhere).await;
        browser.reads("This cannot go on").await;
        browser.reads("one of the addresses it has registered").await;
        browser.open(&place.request("nobody", "read")).await;
        browser.reads("What helps").await;
    })
    .await;
}
