//! `Date` and `Retry-After`: no field makes a wait negative.

#![no_main]

use bursar_core::oauth::http_fields::{date_of, retry_after};
use bursar_core::ports::upstream::Body;
use bursar_fuzz::answers::NOW;
use http::header::{DATE, RETRY_AFTER};
use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let with = |name| http::Response::builder().header(name, value).body(Body::default());
    let (Ok(dated), Ok(limited)) = (with(DATE), with(RETRY_AFTER)) else { return };
    let wait = retry_after(&limited, NOW);
    assert!(wait.is_none_or(|wait| !wait.is_negative()));
    if let Some(date) = date_of(&dated) {
        assert_eq!(wait, Some(date.duration_since(NOW).max(SignedDuration::ZERO)));
    }
});
