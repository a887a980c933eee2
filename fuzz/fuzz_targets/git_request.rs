//! What git asks of its helper: whatever is read stays on its line when it is written again.

#![no_main]

use bursar::cli::credential::git_attributes::{Answer, Form, Request};
use bursar::cli::credential::hosts::Place;
use bursar_core::secret::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = Request::read(bytes) else { return };
    let one_line = |text: &str| !text.contains(['\n', '\r', '\0']);
    let parts =
        [Some(&request.protocol), Some(&request.host), request.path.as_ref(), request.username.as_ref()];
    assert!(parts.into_iter().flatten().chain(&request.challenges).all(|text| one_line(text)));
    assert!(request.tried().is_none_or(|token| one_line(token.expose())));
    assert!(!format!("{request:?}").contains("Secret(\""));
    if let Some(place) = Place::new(&request.protocol, &request.host) {
        let shown = place.to_string();
        assert!(!shown.contains(['/', '@', '?', '#', ' ']), "{shown}");
        let loopback = ["localhost", "127.", "[::1]"].iter().any(|name| place.host().starts_with(name));
        assert!(request.protocol == "https" || loopback, "{shown}");
        // A rule that names another host never fits.
        assert!(!place.is_one_of(["a.place.nobody.asks.for"]) || place.host() == "a.place.nobody.asks.for");
    }
    let token = Secret::new("t0ken");
    let username = request.username.as_deref().unwrap_or("oauth2");
    let answer = Answer { token: &token, form: Form::Basic { username }, expires_at: None };
    let text = answer.text().expect("what was one line stays one");
    let again = Request::read(text.as_bytes());
    if text.len() < 60_000 {
        let again = again.expect("an answer is read like a request");
        assert_eq!((again.username.as_deref(), again.tried()), (Some(username), Some(&token)));
    }
});
