//! How a server looks like its owner's: a name, a picture, a colour.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the owner of a server may change about its pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Who the person deals with; in every title.
    pub name: String,
    /// A picture beside the name.
    pub logo: Option<Logo>,
    /// The colour of the main button.
    pub colour: Colour,
}

impl Default for Brand {
    fn default() -> Self {
        Self { name: "bursar".to_owned(), logo: None, colour: Colour { red: 0x1f, green: 0x5f, blue: 0x5b } }
    }
}

/// An opaque colour, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// As CSS writes it.
    pub(super) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    /// What can be read on it: black or white, whichever stands out more (WCAG 2.2, contrast ratio).
    pub(super) fn ink(self) -> &'static str {
        let luminance = 0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue);
        let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        if on_white >= on_black { "#ffffff" } else { "#000000" }
    }
}

impl FromStr for Colour {
    type Err = BrandError;

    fn from_str(text: &str) -> Result<Self, BrandError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(BrandError::Colour)?;
        let part = |range| {
            let digits: &str = digits.get(range).ok_or(BrandError::Colour)?;
            // `from_str_radix` takes a sign.
            if digits.starts_with('+') {
                return Err(BrandError::Colour);
            }
            u8::from_str_radix(digits, 16).map_err(|_| BrandError::Colour)
        };
        Ok(Self { red: part(0..2)?, green: part(2..4)?, blue: part(4..6)? })
    }
}

/// A picture that travels inside the page, so that no page loads anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(String);

impl Logo {
    /// The `data:` URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Logo {
    /// The picture in a file, whose kind it tells by its first bytes.
    ///
    /// # Errors
    /// It is of no kind that can stand in a page, or too large.
    pub fn of_picture(bytes: &[u8]) -> Result<Self, BrandError> {
        let kind = kind_of(bytes).ok_or(BrandError::Picture)?;
        format!("data:{kind};base64,{}", STANDARD.encode(bytes)).parse()
    }
}

impl FromStr for Logo {
    type Err = BrandError;

    fn from_str(text: &str) -> Result<Self, BrandError> {
        let data = KINDS.iter().find_map(|kind| text.strip_prefix("data:")?.strip_prefix(kind));
        let data = data.and_then(|rest| rest.strip_prefix(";base64,")).ok_or(BrandError::Logo)?;
        if text.len() > LARGEST_LOGO {
            return Err(BrandError::LogoSize);
        }
        STANDARD.decode(data).map_err(|_| BrandError::Logo)?;
        Ok(Self(text.to_owned()))
    }
}

/// Why a brand cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrandError {
    /// Names, functions and transparency would need judging before they are put into a stylesheet.
    #[error("the colour is not of the form #rrggbb")]
    Colour,
    /// It is no picture that can stand in a page.
    #[error("the logo is not a base64 data URI of a PNG, JPEG, WebP or SVG picture")]
    Logo,
    /// The file holds something else.
    #[error("it is no PNG, JPEG, WebP or SVG picture")]
    Picture,
    /// It is too large.
    #[error("the logo is larger than {LARGEST_LOGO} bytes as a data URI, which are 24 kB of a file")]
    LogoSize,
}

fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    let is_svg = || {
        let text = std::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{feff}').trim_start();
        text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg"))
    };
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ if is_svg() => Some("image/svg+xml"),
        _ => None,
    }
}

fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// An SVG in an `img` element runs no script and loads nothing.
const KINDS: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/svg+xml"];
/// Every page carries it: half of what a person on a slow network waits for should still be text.
const LARGEST_LOGO: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_colours_reach_the_stylesheet() {
        assert_eq!("#0aF1b2".parse::<Colour>().unwrap().css(), "#0af1b2");
        for wrong in
            ["", "#fff", "red", "0af1b2", "#0af1b2;", "#+1+1+1", "#é1234", "#00000g", "#0000000", "};*{}"]
        {
            assert_eq!(wrong.parse::<Colour>(), Err(BrandError::Colour), "{wrong}");
        }
    }

    #[test]
    fn button_text_can_be_read_on_every_colour() {
        for (colour, ink) in
            [("#ffffff", "#000000"), ("#000000", "#ffffff"), ("#ffe600", "#000000"), ("#1f5f5b", "#ffffff")]
        {
            assert_eq!(colour.parse::<Colour>().unwrap().ink(), ink, "{colour}");
        }
    }

    #[test]
    fn logo_is_a_picture_inside_the_page() {
        assert!("data:image/png;base64,iVBORw0KGgo=".parse::<Logo>().is_ok());
        for wrong in [
            "https://example.com/logo.png",
            "data:text/html;base64,PGI+",
            "data:image/png,abc",
            "data:image/png;base64,\"onerror=",
            "data:image/svg+xml;charset=utf-8;base64,PGI+",
            "",
        ] {
            assert_eq!(wrong.parse::<Logo>(), Err(BrandError::Logo), "{wrong}");
        }
        let large = format!("data:image/png;base64,{}", "A".repeat(LARGEST_LOGO));
        assert_eq!(large.parse::<Logo>(), Err(BrandError::LogoSize));
    }
    #[test]
    fn a_file_is_known_by_its_first_bytes_whatever_its_name() {
        for (bytes, start) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "data:image/png;base64,iVBOR"),
            (b"\xff\xd8\xff\xe0", "data:image/jpeg;base64,/9j/"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "data:image/webp;base64,UklGR"),
            (b"\n<svg xmlns='http://www.w3.org/2000/svg'/>", "data:image/svg+xml;base64,Cjxzd"),
            (b"<?xml version='1.0'?><svg/>", "data:image/svg+xml;base64,PD94b"),
        ] {
            let logo = Logo::of_picture(bytes).unwrap();
            assert!(logo.as_str().starts_with(start), "{}", logo.as_str());
        }
        for bytes in [&b""[..], b"GIF89a", b"<html><svg/></html>", b"\xff<svg/>", b"%PDF-1.7"] {
            assert_eq!(Logo::of_picture(bytes), Err(BrandError::Picture), "{bytes:?}");
        }
        let large = [b"<svg>".as_slice(), &vec![b' '; 25_000]].concat();
        assert_eq!(Logo::of_picture(&large), Err(BrandError::LogoSize));
    }
}
