use crate::pages::driver::{Browser, ENTER};
use crate::pages::place::{PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn the_back_button_after_consent_leads_to_a_page_that_says_what_helps() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Allow access?").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.back().await;
        // The browser has kept the page as it was left.
        browser.click("button[value=allow]").await;
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
        browser.switch_to_first_window().await;
        browser.reads("One").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        assert!(browser.address().await.contains("code="));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_the_one_signed_in_goes_on_as_somebody_else() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Allow access?").await;
        browser.click("form.person button").await;
        // The application is named on the page before, too.
        browser.reads("Password").await;
        browser.reads("Notebook").await;
        browser.sign_in(PASSWORD).await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        assert!(browser.address().await.contains("code="));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stays_signed_in_is_told_so_and_whoever_leaves_finds_back() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open_account(&place).await;
        browser.open(&place.at("/oauth/end_session")).await;
        browser.click("button[value=stay]").await;
        browser.reads("You are signed in").await;
        browser.sign_out().await;
        browser.click("main a").await;
        browser.reads("Password").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_without_a_page_lead_people_on_and_tell_programs() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open(&place.at("/")).await;
        browser.sign_in(PASSWORD).await;
        browser.arrives_at(&place.at("/account")).await;
        // Where forms are sent to, and where nothing is.
        for path in ["/consent", "/logout", "/oauth/token", "/nothing"] {
            browser.open(&place.at(path)).await;
            browser.reads("There is no page here").await;
            browser.click("main a").await;
            browser.arrives_at(&place.at("/account")).await;
        }
    })
    .await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, status) in [("/nothing", 404), ("/consent", 405)] {
        let answer = http.get(place.at(path)).header("accept", "*/*").send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.text().await.unwrap().contains("unknown_route"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_account_that_is_lost_is_begun_again_there() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open_account(&place).await;
        browser.open(&place.at("/account/password")).await;
        browser
            .execute("document.querySelector('form[action=\"/account/password\"]').ticket.value = 'old'")
            .await;
        for field in ["#current", "#new", "#again"] {
            browser.fill(field, PASSWORD).await;
        }
        browser.click("form[action='/account/password'] button.main").await;
        browser.reads("Open the page anew").await;
        browser.click("main a").await;
        browser.arrives_at(&place.at("/account")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_is_enough() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.reads("Password").await;
        browser.goes_to("username").await;
        browser.types("ada").await;
        browser.goes_to("password").await;
        browser.types(PASSWORD).await;
        browser.types(ENTER).await;
        browser.reads("Allow access?").await;
        browser.goes_to("allow").await;
        browser.types(ENTER).await;
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
