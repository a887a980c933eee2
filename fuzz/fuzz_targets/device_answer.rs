//! Device authorization answers: what a person is shown is printable, and the page is an encrypted one.

#![no_main]

use bursar_core::oauth::device::{DeviceAnswer, Poll, read_device_answer};
use bursar_fuzz::answers::{NOW, answer};
use bursar_fuzz::leaks::assert_hidden;
use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(response) = answer(input) else { return };
    let read = read_device_answer(&response, NOW);
    let DeviceAnswer::Begun(begun) = &read else { return };
    assert!(response.status().is_success());
    let printable = |text: &str| !text.is_empty() && text.chars().all(|character| !character.is_control());
    assert!(printable(&begun.user_code));
    for page in
        [Some(&begun.verification_uri), begun.verification_uri_complete.as_ref()].into_iter().flatten()
    {
        let scheme = page.split("://").next().unwrap_or_default().to_ascii_lowercase();
        assert!(printable(page) && ["https", "http"].contains(&scheme.as_str()), "{page}");
    }
    let lifetime = begun.expires_at.duration_since(NOW);
    assert!(lifetime > SignedDuration::ZERO && lifetime <= SignedDuration::from_hours(24 * 366));
    assert!(!begun.interval.is_zero());
    assert!(Poll::new(begun).first_wait() >= begun.interval);
    let told = String::from_utf8_lossy(response.body().expose());
    if told.contains(begun.device_code.expose()) {
        assert_hidden(begun.device_code.expose(), &told, &format!("{read:?}"));
    }
});
