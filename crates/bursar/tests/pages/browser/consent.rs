use serde_json::json;

use crate::pages::driver::Browser;
use crate::pages::place::{PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_as_one_with_what_it_wants_in_words() {
    let place = Place::start().await;
    let client = place.stranger("Official <b>Bank</b>").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read write")).await;
        browser.sign_in(PASSWORD).await;
        for told in [
            "Official <b>Bank</b>",
            "Not verified",
            "calls itself by this name",
            "Notes",
            "https://notes.example.com/mcp",
            "Read your notes",
            "Change your notes and delete them",
            "127.0.0.1:",
            "This is a program on your computer.",
        ] {
            browser.reads(told).await;
        }
        let tools = "return [...document.querySelectorAll('.tools')].map(tools => tools.textContent.trim())";
        let tools = browser.execute(tools).await;
        assert_eq!(tools, json!(["Tools: move_note search_notes", "Tools: move_note"]));
        // Its picture is nobody's to load.
        assert_eq!(browser.execute("return document.images.length").await, 0);
        browser.click("button[value=deny]").await;
        browser.reads("Client").await;
        assert!(browser.address().await.contains("error=access_denied"));
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_two_resources_is_told_in_the_words_of_both() {
    const MAIL: &str = "https://mail.example.com/mcp";
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    place.run(&["resource", "add", MAIL, "--scope", "read=Read your mail", "--tool", "inbox=read"]).await;
    Browser::run(async |browser| {
        browser.open(&format!("{}&resource={MAIL}", place.request(&client, "read"))).await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Read your notes").await;
        browser.reads("Read your mail").await;
        browser.reads("inbox").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_was_allowed_is_asked_for_again() {
    let place = Place::start().await;
    let client = place.client("Notebook").await;
    Browser::run(async |browser| {
        browser.open(&place.request(&client, "read")).await;
        browser.sign_in(PASSWORD).await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        browser.open(&place.request(&client, "read")).await;
        browser.reads("Client").await;
        browser.open(&place.request(&client, "read write")).await;
        browser.reads("Now it asks for more.").await;
        browser.click("button[value=allow]").await;
        browser.reads("Client").await;
        // And when its answers would go elsewhere.
        place
            .run(&[
                "client",
                "update",
                &client,
                "--redirect",
                &place.callback,
                "--redirect",
                "https://new.test/cb",
            ])
            .await;
        // What another process has changed is known within a second.
        browser
            .finds(&place.request(&client, "read"), "its name, its addresses or its keys are others")
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_speak_the_language_of_the_browser() {
    let place = Place::start().await;
    let client = place.client("Notizbuch").await;
    Browser::run(async |browser| {
        browser.speaks("de-DE,de").await;
        browser.open(&place.request(&client, "read")).await;
        browser.reads("Benutzername").await;
        browser.sign_in(PASSWORD).await;
        browser.reads("Zugriff erlauben?").await;
        assert_eq!(browser.execute("return document.documentElement.lang").await, "de");
        browser.open(&place.at("/account")).await;
        browser.reads("Ihr Konto").await;
    })
    .await;
}
