use serde_json::json;

use crate::pages::driver::Browser;
use crate::pages::place::{PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_used_renamed_and_removed() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        let authenticator = browser.plug_in().await;
        browser.open_account(&place).await;
        browser.add_passkey(&place, "Telephone").await;
        browser.reads("Telephone").await;
        assert_eq!(browser.passkeys(&authenticator).await.len(), 1);
        browser.open(&place.at("/account/passkeys/new")).await;
        browser.fill("#name", "Again").await;
        browser.click("form[data-passkey=create] button").await;
        browser.reads("This device has a passkey for you already.").await;

        browser.open(&place.at("/account")).await;
        browser.sign_out().await;
        // For an application, all the way to its code.
        browser.open(&place.request(&client, "read")).await;
        browser.click("form[data-passkey=get] button").await;
        browser.reads("Allow access?").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        assert!(browser.address().await.contains("code="));

        browser.open(&place.at("/account")).await;
        browser.click("summary").await;
        browser.fill("#name-1", "Key in the drawer").await;
        browser.click("form[action='/account/passkeys/rename'] button").await;
        browser.reads("Key in the drawer").await;
        browser.click("summary").await;
        browser.click("form[action='/account/passkeys/remove'] button").await;
        browser.reads("No passkeys yet.").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());

        browser.sign_out().await;
        browser.open(&place.at("/account")).await;
        browser.click("form[data-passkey=get] button").await;
        browser.reads("This passkey opens nothing here.").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_counter_went_back_is_refused_and_told() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        let authenticator = browser.plug_in().await;
        browser.open_account(&place).await;
        browser.add_passkey(&place, "Telephone").await;
        let copy = browser.passkeys(&authenticator).await.remove(0);
        browser.sign_out().await;
        for _ in 0..2 {
            browser.open(&place.at("/account")).await;
            browser.click("form[data-passkey=get] button").await;
            browser.reads("Your account").await;
            browser.sign_out().await;
        }
        let mut copy = copy;
        copy["signCount"] = json!(1);
        browser.replace_passkey(&authenticator, copy).await;
        browser.open(&place.at("/account")).await;
        browser.click("form[data-passkey=get] button").await;
        browser.reads("There seems to be a copy of this passkey").await;
        browser.sign_in(PASSWORD).await;
        browser.reads("It opens nothing any more: remove it.").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_is_told_and_signs_in_with_the_password() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.open(&place.at("/account")).await;
        for (error, told) in [
            ("NotAllowedError", "Nothing was done"),
            ("SecurityError", "do not work at this address"),
            ("UnknownError", "The passkey could not be used"),
        ] {
            let refuse =
                format!("navigator.credentials.get = () => Promise.reject(new DOMException('', '{error}'))");
            browser.execute(&refuse).await;
            browser.click("form[data-passkey=get] button").await;
            browser.reads(told).await;
        }
        browser.sign_in(PASSWORD).await;
        browser.reads("Your account").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_page_that_is_too_old_or_forged_adds_nothing() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        let _authenticator = browser.plug_in().await;
        browser.open_account(&place).await;
        browser.open(&place.at("/account/passkeys/new")).await;
        browser.fill("#name", "Forged").await;
        // Another challenge than the one the ticket was made for.
        let forge =
            "const form = document.querySelector('form'); const question = JSON.parse(form.dataset.question);
            question.challenge = 'A'.repeat(43); form.dataset.question = JSON.stringify(question)";
        browser.execute(forge).await;
        browser.click("form[data-passkey=create] button").await;
        browser.reads("The passkey could not be used.").await;
        browser.fill("#name", "Lost").await;
        browser.execute("document.querySelector('input[name=ticket]').value += 'x'").await;
        browser.click("form[data-passkey=create] button").await;
        browser.reads("This page is no longer good").await;
        browser.open(&place.at("/account")).await;
        browser.reads("No passkeys yet.").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_name_of_the_server_passkeys_say_why_and_the_password_works() {
    let place = Place::start().await;
    let at_address = |path: &str| place.at(path).replace("localhost", "127.0.0.1");
    Browser::run(async |browser| {
        let _authenticator = browser.plug_in().await;
        // Passkeys are of one host, and this is another.
        browser.open(&at_address("/account")).await;
        browser.click("form[data-passkey=get] button").await;
        browser.reads("Open the server by its own name").await;
        browser.sign_in(PASSWORD).await;
        browser.arrives_at(&at_address("/account")).await;
        browser.open(&at_address("/account/passkeys/new")).await;
        browser.fill("#name", "Telephone").await;
        browser.click("form[data-passkey=create] button").await;
        browser.reads("Open the server by its own name").await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_all_else_works() {
    let place = Place::start().await;
    Browser::run(async |browser| {
        browser.runs_scripts(false).await;
        browser.open(&place.at("/account")).await;
        browser.sign_in(PASSWORD).await;
        browser.runs_scripts(true).await;
        browser.reads("Your account").await;
        browser.runs_scripts(false).await;
        browser.open(&place.at("/account/passkeys/new")).await;
        browser.runs_scripts(true).await;
        browser.reads("Passkeys need a browser that knows them").await;
    })
    .await;
}
