//! Text as `PostgreSQL` can hold it.
//!
//! Its text has no zero byte; ours may. Two rare characters are written as two, so that order is kept and ordinary text
//! stays readable for whoever looks into the database.

use std::borrow::Cow;

/// Writes zero as (1, 1) and one as (1, 2).
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\u{0}', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\u{0}' => encoded.push_str("\u{1}\u{1}"),
            '\u{1}' => encoded.push_str("\u{1}\u{2}"),
            other => encoded.push(other),
        }
    }
    Cow::Owned(encoded)
}

/// Undoes [`encode`].
pub(super) fn decode(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    let mut decoded = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1}' => decoded.push(if characters.next() == Some('\u{1}') { '\u{0}' } else { '\u{1}' }),
            other => decoded.push(other),
        }
    }
    decoded
}

/// The first encoded key a page may hold: between a key and the key followed by the lowest byte lies nothing.
pub(super) fn first_key(after: Option<&str>) -> String {
    after.map_or_else(String::new, |after| format!("{}\u{1}", encode(after)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        let character = prop_oneof![Just('\u{0}'), Just('\u{1}'), Just('\u{2}'), Just('a'), any::<char>()];
        proptest::collection::vec(character, 0..6).prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn encoding_can_be_undone_keeps_the_order_and_leaves_no_zero(one in text(), other in text()) {
            prop_assert_eq!(&decode(encode(&one).into_owned()), &one);
            prop_assert!(!encode(&one).contains(char::from(0)));
            prop_assert_eq!(encode(&one).cmp(&encode(&other)), one.cmp(&other));
        }

        #[test]
        fn page_starts_right_after_its_key(after in text(), key in text()) {
            prop_assert_eq!(*encode(&key) >= *first_key(Some(&after)), key > after);
        }
    }
}
