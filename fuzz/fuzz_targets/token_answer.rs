//! Token answers in every dialect: no token is lost in a debug output, no end is out of reach.

#![no_main]

use bursar_core::oauth::device::{DeviceAuthorization, Poll, PollAnswer};
use bursar_core::oauth::token::{TokenAnswer, read_token_answer};
use bursar_core::secret::Secret;
use bursar_fuzz::answers::{NOW, answer, provider};
use bursar_fuzz::leaks::assert_hidden;
use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, i32, &[u8])| {
    let (choice, skew, rest) = input;
    let Some(response) = answer(rest) else { return };
    let provider = provider(choice);
    let read = read_token_answer(provider, &response, NOW, SignedDuration::from_secs(skew.into()));
    let shown = format!("{read:?}");
    match &read {
        TokenAnswer::Issued(tokens) => {
            let told = String::from_utf8_lossy(response.body().expose());
            assert!(response.status().is_success());
            assert!(!tokens.access_token.is_empty());
            for secret in
                [Some(&tokens.access_token), tokens.refresh_token.as_ref(), tokens.id_token.as_ref()]
            {
                let Some(secret) = secret else { continue };
                assert!(!secret.is_empty());
                // An escaped secret stands in the answer in another form, and so may a second copy of it.
                if told.contains(secret.expose()) {
                    assert_hidden(secret.expose(), &told, &shown);
                }
            }
            for end in [tokens.access_expires_at, tokens.refresh_expires_at].into_iter().flatten() {
                assert!(
                    end >= NOW && end.duration_since(NOW) <= SignedDuration::from_hours(10 * 365 * 24 + 24)
                );
            }
        }
        TokenAnswer::Refused(error) => {
            assert!(error.to_string().chars().all(|character| !character.is_control()));
        }
        TokenAnswer::Unreadable(reason) => assert!(!reason.is_empty()),
    }
    let mut poll = Poll::new(&DeviceAuthorization {
        device_code: Secret::new("device"),
        user_code: "USER".to_owned(),
        verification_uri: "https://as.example/device".to_owned(),
        verification_uri_complete: None,
        expires_at: NOW + SignedDuration::from_mins(10),
        interval: std::time::Duration::from_secs(5),
    });
    poll.next(provider, PollAnswer::Answer(read), NOW);
});
