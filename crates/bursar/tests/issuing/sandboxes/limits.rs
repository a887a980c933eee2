//! Whoever is held back in one sandbox is held back there.

use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::{Browser, is_sign_in};
use crate::issuing::client::Answer;
use crate::issuing::world::{PASSWORD, World};

/// Where everything comes from.
const ADDRESS: &str = "198.51.100.7";

async fn tried(world: &World, password: &str) -> Answer {
    let browser = Browser::at(world, "ada", ADDRESS);
    let page = browser.ask(&world.request()).await;
    assert!(is_sign_in(&page), "{page:?}");
    browser.post_sign_in(&page, password).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_in_one_tenant_keeps_nobody_out_of_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        for number in 0..8 {
            tried(&one, &format!("guess {number}")).await;
        }
        assert_eq!(tried(&one, PASSWORD).await.status, 429);
        for world in [&main, &other] {
            assert_eq!(tried(world, PASSWORD).await.status, 303, "{}", world.issuer);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_flood_one_tenant_leave_room_in_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let registered = async |world: &World, number: u32| {
            let name = format!("Program {number}");
            let program = json!({ "redirect_uris": ["https://app.test/cb"], "client_name": name });
            world.register(&program, ADDRESS).await.status
        };
        let mut number = 0;
        while registered(&one, number).await == 201 {
            number += 1;
        }
        assert_eq!(registered(&one, number + 1).await, 429);
        for world in [&main, &other] {
            assert_eq!(registered(world, number).await, 201, "{}", world.issuer);
        }
    })
    .await;
}
