//! Which language a browser wants (RFC 9110 §12.5.4).

use super::texts::{ENGLISH, GERMAN, Texts};

/// A language the pages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// What nobody has asked for otherwise.
    #[default]
    English,
    /// Formal.
    German,
}

impl Language {
    /// The one of ours that a browser likes best, by its `Accept-Language`.
    pub fn preferred(accepted: &str) -> Self {
        let wishes = accepted.split(',').take(MOST_WISHES).filter_map(wish);
        // The first of equals wins, as written.
        let mut best: Option<(Self, u16)> = None;
        for (language, weight) in wishes {
            if weight > best.map_or(0, |(_, weight)| weight) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language).unwrap_or_default()
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

/// One of ours with its weight in thousandths.
fn wish(text: &str) -> Option<(Language, u16)> {
    let (range, parameter) = text.split_once(';').unwrap_or((text, ""));
    let weight = match parameter.trim().strip_prefix("q=") {
        None => 1000,
        Some(weight) => thousandths(weight)?,
    };
    let primary = range.trim().split('-').next()?;
    let language = match primary {
        "*" => Language::default(),
        _ if primary.eq_ignore_ascii_case("en") => Language::English,
        _ if primary.eq_ignore_ascii_case("de") => Language::German,
        _ => return None,
    };
    Some((language, weight))
}

/// RFC 9110 §12.4.2: at most three digits after the point.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, digits) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    if digits.len() > 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match whole {
        "1" => Some(1000),
        "0" => format!("{digits:0<3}").parse().ok(),
        _ => None,
    }
}

/// Browsers send a handful.
const MOST_WISHES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_of_ours_is_taken() {
        use Language::{English, German};
        for (accepted, expected) in [
            ("", English),
            ("de", German),
            ("DE-at", German),
            ("de-DE,de;q=0.9,en;q=0.8", German),
            ("en-GB,en;q=0.9,de;q=0.8", English),
            ("fr,de;q=0.5,en;q=0.4", German),
            ("fr", English),
            ("*,de;q=0.5", English),
            ("de;q=0", English),
            ("de;q=0.0009, en;q=0.001", English),
            ("de;q=7", English),
            ("de;q=x,;;,=,", English),
            ("en;q=0.5, de", German),
            ("den", English),
        ] {
            assert_eq!(Language::preferred(accepted), expected, "{accepted}");
        }
    }
}
