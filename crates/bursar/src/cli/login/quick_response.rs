//! An address as a QR code in half blocks, two squares a character, for a telephone's camera.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The picture, or nothing if it would not fit a terminal.
///
/// It is drawn light on dark, as most terminals are: cameras read both, but only with a margin in the colour of the
/// light squares.
pub(super) fn drawn(address: &str) -> Option<String> {
    // A screen has no dirt and no creases, so the lowest error correction gives the smallest picture.
    let code = QrCode::with_error_correction_level(address, EcLevel::L).ok()?;
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    let width = picture.lines().map(|line| line.chars().count()).max()?;
    (width <= WIDEST).then_some(picture)
}

/// What every terminal has.
const WIDEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_address_fits_and_an_endless_one_is_left_out() {
        let picture = drawn("https://provider.example/device?user_code=BCDF-GHJK").unwrap();
        let widths: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0] && *width <= 80), "{widths:?}");
        assert!(picture.chars().all(|character| matches!(character, ' ' | '▄' | '▀' | '█' | '\n')));
        assert_eq!(drawn(&format!("https://provider.example/{}", "x".repeat(2000))), None);
    }
}
