//! The page on which a passkey is added: posts `ticket`, `name` and what the browser brings.

use askama::Template;
use http::StatusCode;

use super::super::form_action::FormAction;
use super::super::look::Look;
use super::super::page::Page;
use super::super::passkey_form::{PasskeyForm, PasskeyOwner};

/// A new passkey.
#[derive(Clone, Copy, Debug)]
pub struct NewPasskey<'a> {
    /// What asks for it.
    pub passkey: PasskeyForm<'a>,
    /// Whom it is for.
    pub owner: PasskeyOwner<'a>,
    /// A path of this server.
    pub back: &'a str,
    /// Why it is shown again.
    pub failed: Option<PasskeyFailed>,
}

/// Why a passkey was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyFailed {
    /// It is there already.
    Known,
    /// There are too many.
    TooMany,
    /// What the browser brought does not count.
    Refused,
}

impl NewPasskey<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let problem = self.failed.map(|failed| match failed {
            PasskeyFailed::Known => texts.new_passkey_known,
            PasskeyFailed::TooMany => texts.new_passkey_too_many,
            PasskeyFailed::Refused => texts.passkey_failed,
        });
        let question = self.passkey.to_create(&look.brand.name, &self.owner);
        let template = NewPasskeyPage { look, view: self, problem, question };
        let page = Page::new(look, &FormAction::Here, &template).with_script();
        let page = if problem.is_some() { page.with_status(StatusCode::BAD_REQUEST) } else { page };
        page.without_opener()
    }
}

#[derive(Template)]
#[template(path = "account/new_passkey.html")]
struct NewPasskeyPage<'a> {
    look: &'a Look,
    view: &'a NewPasskey<'a>,
    problem: Option<&'static str>,
    question: String,
}
