//! Takes tokens out of a stream of bytes. Pure.
//!
//! What was fed comes out unchanged but for [`STARS`] in the place of every token, also of one that arrives in pieces.
//! Only what may be the beginning of a token is kept back; see [`Mask::release`] for how long. Where tokens come from and
//! bytes go to is `relay`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bursar_core::secret::Secret;
use zeroize::Zeroizing;

/// The texts that must not come out, in every spelling.
///
/// Nothing is ever taken from it: a token that was replaced may still be printed.
pub(super) struct Tokens {
    /// The longest first, so that the rest of a longer one never comes out.
    spellings: Vec<Zeroizing<Vec<u8>>>,
    /// Whether some spelling begins with this byte.
    begins: [bool; 256],
}

impl Tokens {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { spellings: Vec::new(), begins: [false; 256] }
    }

    /// Adds a token as it is, as a form or URL spells it, and as the middle of any base64 text.
    pub(super) fn add(&mut self, token: &Secret) {
        let text = token.expose();
        if text.len() < SHORTEST {
            return;
        }
        self.add_spelling(text.as_bytes());
        let spelled: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        self.add_spelling(Zeroizing::new(spelled).as_bytes());
        for before in 0..3 {
            self.add_base64(text.as_bytes(), before);
        }
    }

    /// `before` bytes stand before the token in its group of three, as the user name does in `Basic` credentials. Only
    /// the letters that the token alone decides count.
    fn add_base64(&mut self, token: &[u8], before: usize) {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(token);
        let decided = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(alphabet.encode(&*bytes));
            self.add_spelling(encoded.get(decided.clone()).unwrap_or_default().as_bytes());
        }
    }

    fn add_spelling(&mut self, spelling: &[u8]) {
        let (Some(first), false) = (spelling.first(), self.spellings.iter().any(|known| **known == spelling))
        else {
            return;
        };
        self.begins[usize::from(*first)] = true;
        let place = self.spellings.partition_point(|known| known.len() >= spelling.len());
        self.spellings.insert(place, Zeroizing::new(spelling.to_vec()));
    }

    /// What `text` begins with, or may begin with if `more` is to come.
    fn look_at(&self, text: &[u8], more: bool) -> Found {
        if text.first().is_none_or(|first| !self.begins[usize::from(*first)]) {
            return Found::Nothing;
        }
        for spelling in &self.spellings {
            if text.starts_with(spelling) {
                return Found::Token(spelling.len());
            }
            if more && spelling.starts_with(text) {
                return Found::Beginning;
            }
        }
        Found::Nothing
    }
}

enum Found {
    Nothing,
    Beginning,
    Token(usize),
}

/// One stream on its way through.
#[derive(Default)]
pub(super) struct Mask {
    /// What may be the beginning of a token.
    held: Zeroizing<Vec<u8>>,
    /// So much of it has come out already.
    shown: usize,
}

impl Mask {
    /// Takes in `bytes` and puts what can go out at the end of `out`.
    pub(super) fn feed(&mut self, tokens: &Tokens, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        self.advance(tokens, true, out);
    }

    /// Whether a pause of the stream should end in [`Mask::release`].
    pub(super) fn is_waiting(&self) -> bool {
        self.shown < self.held.len() && self.held.len() <= HARMLESS
    }

    /// Lets out what is kept back, if it says nothing: a prompt whose last letter may begin a token must not wait for
    /// the answer to it. If it was a beginning after all, these letters stand before the [`STARS`].
    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        if self.is_waiting() {
            out.extend_from_slice(&self.held[self.shown..]);
            self.shown = self.held.len();
        }
    }

    /// The end of the stream. A token that was cut off by it does not come out either.
    pub(super) fn end(&mut self, tokens: &Tokens, out: &mut Vec<u8>) {
        let cut = matches!(tokens.look_at(&self.held, true), Found::Beginning) && self.held.len() >= SHORTEST;
        if cut {
            out.extend_from_slice(STARS);
        } else {
            self.advance(tokens, false, out);
        }
        self.held.clear();
        self.shown = 0;
    }

    fn advance(&mut self, tokens: &Tokens, more: bool, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut self.held);
        let (mut at, mut plain_from) = (0, self.shown);
        while at < text.len() {
            match tokens.look_at(&text[at..], more) {
                Found::Nothing => at += 1,
                Found::Beginning => break,
                Found::Token(length) => {
                    out.extend_from_slice(text.get(plain_from..at).unwrap_or_default());
                    out.extend_from_slice(STARS);
                    at += length;
                    plain_from = at;
                }
            }
        }
        out.extend_from_slice(text.get(plain_from..at).unwrap_or_default());
        self.shown = plain_from.saturating_sub(at);
        self.held.extend_from_slice(&text[at..]);
    }
}

/// Stands for a token, whatever its length.
const STARS: &[u8] = b"***";

/// Less is no secret, and would be found in ordinary words.
const SHORTEST: usize = 8;

/// So few letters of a token give nothing away: they are what all tokens of a provider begin with.
const HARMLESS: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(texts: &[&str]) -> Tokens {
        let mut tokens = Tokens::new();
        for text in texts {
            tokens.add(&Secret::new(*text));
        }
        tokens
    }

    /// What comes out, as one text and in the pieces it came in.
    fn masked(tokens: &Tokens, pieces: &[&[u8]]) -> (String, Vec<String>) {
        let (mut mask, mut parts) = (Mask::default(), Vec::new());
        let mut part = |step: &mut dyn FnMut(&mut Vec<u8>)| {
            let mut out = Vec::new();
            step(&mut out);
            parts.push(String::from_utf8_lossy(&out).into_owned());
        };
        for piece in pieces {
            part(&mut |out| mask.feed(tokens, piece, out));
        }
        part(&mut |out| mask.end(tokens, out));
        (parts.concat(), parts)
    }

    #[test]
    fn a_token_becomes_stars_wherever_it_stands() {
        let tokens = tokens(&["gho_0123456789", "eyJhbGciOi.payload.sig"]);
        for (text, expected) in [
            ("", ""),
            ("nothing here", "nothing here"),
            ("gho_0123456789", "***"),
            ("a gho_0123456789gho_0123456789 b", "a ****** b"),
            ("gho_gho_0123456789\n", "gho_***\n"),
            ("gho_012345678", "***"),
            ("gho_01 and gho_0", "gho_01 and gho_0"),
            ("gho_0123456788 eyJhbGciOi.payload.sig", "gho_0123456788 ***"),
        ] {
            assert_eq!(masked(&tokens, &[text.as_bytes()]).0, expected);
        }
    }

    #[test]
    fn a_token_in_pieces_is_kept_back_and_nothing_else() {
        let tokens = tokens(&["gho_0123456789"]);
        let (_, parts) = masked(&tokens, &[b"see gho_01", b"2345", b"6789, all", b" of it g", b"one"]);
        assert_eq!(parts, ["see ", "", "***, all", " of it ", "gone", ""]);
    }

    #[test]
    fn a_prompt_does_not_wait_for_its_last_letter() {
        let tokens = tokens(&["gho_0123456789"]);
        let (mut mask, mut out) = (Mask::default(), Vec::new());
        mask.feed(&tokens, b"thing", &mut out);
        assert_eq!((out.as_slice(), mask.is_waiting()), (b"thin".as_slice(), true));
        mask.release(&mut out);
        assert_eq!((out.as_slice(), mask.is_waiting()), (b"thing".as_slice(), false));
        mask.feed(&tokens, b"s\ng", &mut out);
        mask.release(&mut out);
        mask.feed(&tokens, b"ho_0123456789\n", &mut out);
        assert_eq!(out, b"things\ng***\n");
        mask.feed(&tokens, b"gho_", &mut out);
        assert!(!mask.is_waiting(), "four letters stay until it is known what they are");
        mask.end(&tokens, &mut out);
        assert_eq!(out, b"things\ng***\ngho_");
    }

    #[test]
    fn a_token_is_found_in_forms_and_in_base64() {
        let token = "ya29.a0/secret+token~1";
        let tokens = tokens(&[token]);
        let (form, _) = masked(&tokens, &[b"access_token=ya29.a0%2Fsecret%2Btoken%7E1&x"]);
        assert_eq!(form, "access_token=***&x");
        for before in ["", "x", "me", "user:", "x-access-token:"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{token}\n"));
            let (text, _) = masked(&tokens, &[b"Basic ", encoded.as_bytes(), b"=="]);
            assert!(text.contains("***"), "{before}: {text}");
            // The middle of the token, as nobody but the token spells it.
            let left = text.replace("***", "");
            assert!(left.len() < "Basic ==".len() + before.len() * 2 + 5, "{before}: {left}");
        }
    }

    #[test]
    fn one_token_inside_another_lets_no_rest_out() {
        let tokens = tokens(&["token-12", "token-1234"]);
        assert_eq!(masked(&tokens, &[b"token-1", b"234."]).0, "***.");
        assert_eq!(masked(&tokens, &[b"token-12"]).0, "***");
        assert_eq!(masked(&tokens, &[b"token-1235"]).0, "***35");
    }

    #[test]
    fn what_is_too_short_is_no_token() {
        assert_eq!(masked(&tokens(&["", "is"]), &[b"this is it"]).0, "this is it");
    }

    #[test]
    fn a_new_token_is_taken_out_from_the_next_byte_on() {
        let mut tokens = tokens(&["first-token"]);
        let (mut mask, mut out) = (Mask::default(), Vec::new());
        mask.feed(&tokens, b"first-token second-", &mut out);
        tokens.add(&Secret::new("third-token"));
        mask.feed(&tokens, b"token third-tok", &mut out);
        mask.feed(&tokens, b"en\n", &mut out);
        assert_eq!(out, b"*** second-token ***\n");
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(text in "[ab]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..8)) {
            let tokens = tokens(&["abababaa", "babaabab", "aaaaaaaab"]);
            let (whole, _) = masked(&tokens, &[text.as_bytes()]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let mut from = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|to| &text.as_bytes()[std::mem::replace(&mut from, *to)..*to]).collect();
            prop_assert_eq!(masked(&tokens, &pieces).0, whole);
        }

        #[test]
        fn bytes_without_a_token_come_out_as_they_went_in(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let tokens = tokens(&["gho_0123456789"]);
            let (mut mask, mut out) = (Mask::default(), Vec::new());
            for piece in bytes.chunks(7) {
                mask.feed(&tokens, piece, &mut out);
            }
            mask.end(&tokens, &mut out);
            prop_assert_eq!(out, bytes);
        }
    }
}
