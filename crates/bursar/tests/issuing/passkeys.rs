//! Passkeys of servers that cannot have any.

use super::browser::Browser;
use super::world::{Plan, planned};

#[tokio::test(flavor = "multi_thread")]
async fn servers_known_by_an_address_say_that_passkeys_need_a_name() {
    for issuer in ["http://127.0.0.1:8790", "https://192.0.2.1"] {
        let plan = || Plan { issuer: Some(issuer), ..Plan::default() };
        planned(&plan, async |world| {
            let browser = Browser::of(&world, "ada");
            browser.ask_signed_in(&world.request()).await;
            let page = browser.get("/account/passkeys/new").await;
            assert_eq!(page.status, 404, "{page:?}");
            assert!(page.text.contains("Passkeys need a host name"), "{page:?}");
        })
        .await;
    }
}
