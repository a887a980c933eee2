//! What docker asks of its helper: servers are one printable line, and secrets stay hidden.

#![no_main]

use bursar::cli::credential::docker_words::{Stored, answer, read_server};
use bursar::cli::credential::hosts::Place;
use bursar_core::secret::Secret;
use bursar_fuzz::leaks::assert_hidden;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(server) = read_server(bytes) {
        assert!(!server.is_empty() && !server.contains(char::is_control));
        if let Some(place) = Place::of_server(&server) {
            let shown = place.to_string();
            assert!(!shown.contains(['/', '@', '?', '#', ' ']), "{shown}");
        }
        let line = answer(&server, "oauth2", &Secret::new("t0ken"));
        assert_eq!(line.matches('\n').count(), 1);
        let document: serde_json::Value = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!(document["ServerURL"], server);
    }
    if let Ok(stored) = Stored::read(bytes) {
        assert!(!stored.server.is_empty() && !stored.username.is_empty());
        let told = format!("{}{}", stored.server, stored.username);
        assert_hidden(stored.secret.expose(), &told, &format!("{stored:?}"));
    }
});
