//! Passwords that are guessed: whoever tries is held back, and whoever knows theirs is not.

use super::on_every_store;
use crate::issuing::browser::{Browser, is_sign_in};
use crate::issuing::client::Answer;
use crate::issuing::world::{PASSWORD, World};

/// What a browser that was never here gets for a password, from this address.
async fn tried(world: &World, password: &str, address: &str) -> Answer {
    let browser = Browser::at(world, "ada", address);
    let page = browser.ask(&world.request()).await;
    assert!(is_sign_in(&page), "{page:?}");
    browser.post_sign_in(&page, password).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_password_ends_where_the_guesser_is_and_nowhere_else() {
    on_every_store(async |world| {
        let mut statuses = Vec::new();
        for number in 0..12 {
            let neighbour = format!("198.51.100.{number}");
            statuses.push(tried(&world, &format!("guess {number}"), &neighbour).await.status);
        }
        assert!(statuses[..5].iter().all(|status| *status == 400), "{statuses:?}");
        assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");
        let right = tried(&world, PASSWORD, "198.51.100.77").await;
        assert_eq!(right.status, 429, "the right one is not heard either");
        assert!(!right.header("retry-after").is_empty(), "{right:?}");
        assert_eq!(tried(&world, PASSWORD, "203.0.113.5").await.status, 303, "its user is elsewhere");
        world.pass(15 * 60 + 1);
        assert_eq!(tried(&world, PASSWORD, "198.51.100.77").await.status, 303);
    })
    .await;
}
