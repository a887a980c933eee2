//! Whether a secret can be read in a text.

/// Panics if `shown` repeats `secret`, which must be found in nothing but itself: a sender who writes a secret into two
/// places has given it away before us. `told` is everything the sender wrote. Short secrets are found by chance.
pub fn assert_hidden(secret: &str, told: &str, shown: &str) {
    if secret.len() >= SHORTEST && told.matches(secret).count() <= 1 {
        assert!(!shown.contains(secret), "a secret is shown: {shown}");
    }
}

/// Nothing we say about an input has so long a word in common with it by chance.
const SHORTEST: usize = 12;
