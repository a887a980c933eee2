//! `--expect IDENTITY`: who an account must be at its provider, whatever chose it. Pure.

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::Identity;
use bursar_core::lifecycle::reference::AccountReference;
use std::sync::Arc;

use crate::exit::{Exit, Failure};

/// Refuses tokens of anybody who is not expected; nothing expected: everybody is.
pub(super) fn expect_all(handed: &[Arc<HandOut>], expected: &[String]) -> Result<(), Failure> {
    handed.iter().try_for_each(|handed| expect(&handed.reference, handed.identity.as_ref(), expected))
}

/// Refuses an account whose identity is none of `expected`: neither its label, in any case, nor its subject.
pub(super) fn expect(
    reference: &AccountReference,
    identity: Option<&Identity>,
    expected: &[String],
) -> Result<(), Failure> {
    let is_expected = |identity: &Identity| {
        expected.iter().any(|expected| {
            identity.label.to_lowercase() == expected.to_lowercase() || identity.subject == *expected
        })
    };
    if expected.is_empty() || identity.is_some_and(is_expected) {
        return Ok(());
    }
    let expected = expected.join(" or ");
    let message = match identity {
        Some(identity) => format!("{reference} is {}, not {expected}", identity.label),
        None => format!("nobody knows who {reference} is, so it is not taken for {expected}"),
    };
    Err(Failure::new(Exit::Denied, message).hint(format!(
        "see why it was chosen with `bursar which {}`, or name another account",
        reference.provider
    )))
}

#[cfg(test)]
mod tests {
    use bursar_core::lifecycle::reference::Nickname;
    use bursar_core::provider::ProviderId;

    use super::*;

    #[test]
    fn only_the_label_in_any_case_and_the_subject_are_the_identity() {
        let reference = AccountReference {
            provider: ProviderId::parse("google").unwrap(),
            nickname: Nickname::parse("work").unwrap(),
        };
        let ada = Identity { subject: "Sub-1".to_owned(), label: "Ada@Corp.example".to_owned() };
        let check = |identity: Option<&Identity>, expected: &[&str]| {
            let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            expect(&reference, identity, &expected)
        };
        for good in [&["ada@corp.example"][..], &["ADA@CORP.EXAMPLE"], &["Sub-1"], &["bob", "Sub-1"], &[]] {
            assert!(check(Some(&ada), good).is_ok(), "{good:?}");
        }
        for bad in [&["ada"][..], &["sub-1"], &["work"], &["google:work"], &[""], &["ada@corp.example "]] {
            let refused = check(Some(&ada), bad).unwrap_err();
            assert_eq!(refused.exit, Exit::Denied, "{bad:?}");
            assert!(refused.message.contains("Ada@Corp.example") && refused.message.contains(bad[0]));
        }
        assert_eq!(check(None, &["ada@corp.example"]).unwrap_err().exit, Exit::Denied);
        assert!(check(None, &[]).is_ok());
    }
}
