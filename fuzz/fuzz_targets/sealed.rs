//! Sealed values and records that somebody changed in the store: either as they were, or refused.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::lifecycle::shown::{Warn, shown};
use bursar_fuzz::answers::NOW;
use bursar_fuzz::engine::{TOKEN, World};
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let mut account: Value = serde_json::from_slice(&WORLD.body).expect("the record as it was written");
    let genuine = account["sealed"].as_str().expect("a text").to_owned();
    let body = match choice % 3 {
        0 => rest.to_vec(),
        form => {
            account["sealed"] = if form == 1 {
                String::from_utf8_lossy(rest).into_owned().into()
            } else {
                let mut bytes = URL_SAFE_NO_PAD.decode(&genuine).expect("base64url");
                for change in rest.chunks_exact(2) {
                    let position = usize::from(change[0]) % bytes.len();
                    bytes[position] ^= change[1];
                }
                URL_SAFE_NO_PAD.encode(bytes).into()
            };
            serde_json::to_vec(&account).expect("JSON")
        }
    };
    let is_genuine =
        serde_json::from_slice::<Value>(&body).is_ok_and(|account| account["sealed"] == *genuine);
    WORLD.replace(body);
    match block_on(WORLD.engine.hand_out_unchecked(&WORLD.reference)) {
        Ok(handed) => assert!(is_genuine && handed.token.expose() == TOKEN),
        Err(error) => assert!(!format!("{error} {error:?}").contains(TOKEN)),
    }
    for account in block_on(WORLD.engine.overview()).into_iter().flat_map(|overview| overview.accounts) {
        shown(&account, Warn::default(), NOW);
    }
});
