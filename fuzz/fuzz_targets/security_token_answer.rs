//! Answers of AWS's token service: keys are whole, refusals are printable, and nothing gives a secret away.

#![no_main]

use bursar::cli::credential::security_token::{ExchangeError, process_answer, read};
use bursar_fuzz::answers::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(response) = answer(input) else { return };
    match read(&response) {
        Ok(keys) => {
            assert!(response.status().is_success());
            let line = process_answer(&keys);
            assert_eq!(line.matches('\n').count(), 1);
            let document: serde_json::Value = serde_json::from_str(&line).expect("one line of JSON");
            assert_eq!(document["Version"], 1);
            assert_eq!(document["AccessKeyId"], keys.access_key_id);
            assert!(format!("{keys:?}").contains("secret_access_key: Secret(…)"));
        }
        Err(error @ ExchangeError::Refused { .. }) => {
            assert!(!response.status().is_success());
            assert!(!error.to_string().contains(char::is_control));
        }
        Err(ExchangeError::Unreadable { status }) => assert_eq!(status, response.status().as_u16()),
    }
});
