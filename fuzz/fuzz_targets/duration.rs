//! Durations: what is read is written so that it is read again.

#![no_main]

use bursar_core::provider::duration::{parse_duration, write_duration};
use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(duration) = parse_duration(text) else { return };
    assert!(!duration.is_negative() && duration <= SignedDuration::from_hours(36_500 * 24));
    assert_eq!(parse_duration(&write_duration(duration)), Ok(duration));
});
