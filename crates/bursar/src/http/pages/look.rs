//! What all pages of a server share: brand, words and the stylesheet with its hash.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::brand::{Brand, Logo};
use super::language::Language;
use super::texts::Texts;

/// Made once for a server, lent to every view.
///
/// The stylesheet stands in each page and the policy names its hash: a page is whole with its one answer, also while the
/// server drains, and a stylesheet somebody smuggled in is refused. It costs some kilobytes on pages that are seen rarely.
#[derive(Clone)]
pub struct Look {
    pub(super) brand: Brand,
    pub(super) texts: &'static Texts,
    pub(super) style: String,
    style_source: String,
}

impl Look {
    /// The pages of `brand`.
    pub fn new(brand: Brand) -> Self {
        let colour = brand.colour;
        let style = format!(":root{{--accent:{};--on-accent:{}}}\n{STYLE}", colour.css(), colour.ink());
        let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
        Self { brand, texts: Language::default().texts(), style, style_source: format!("'sha256-{hash}'") }
    }

    /// The same pages in another language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> Self {
        Self { texts: language.texts(), ..self.clone() }
    }

    /// The stylesheet's source expression (CSP Level 3 §2.3.1).
    pub(super) fn style_source(&self) -> &str {
        &self.style_source
    }

    pub(super) fn logo(&self) -> Option<&str> {
        self.brand.logo.as_ref().map(Logo::as_str)
    }
}

impl Default for Look {
    fn default() -> Self {
        Self::new(Brand::default())
    }
}

impl fmt::Debug for Look {
    /// Without the stylesheet.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Look").field("brand", &self.brand).finish_non_exhaustive()
    }
}

const STYLE: &str = include_str!("../../../templates/style.css");
