//! Sandboxes over real connections: each a server of its own, of which nothing is good in another one.

mod crossing;
mod hosts;
mod ids;
mod life;
mod limits;
mod passkeys;
mod things;

use super::STORES;
use crate::issuing::client::Answer;
use crate::issuing::world::{Plan, World, on_each};

/// Runs a test on every store there is here.
async fn on_every_store(test: impl AsyncFn(World)) {
    on_each(STORES(), &Plan::default, test).await;
}

/// What an answer tells whoever asked, without what differs from answer to answer: names, tickets and tokens are longer
/// than any word.
fn told(answer: &Answer) -> (u16, String) {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let words = answer.text.split(|character| !is_word(character)).filter(|word| word.len() < 24);
    let challenge = answer.header("www-authenticate");
    (
        answer.status,
        format!("{} {challenge} {}", words.collect::<Vec<_>>().join(" "), answer.header("location")),
    )
}
