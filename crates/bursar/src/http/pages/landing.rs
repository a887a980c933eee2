//! Where a browser comes back to a program on this computer that waits for a login.

use askama::Template;
use http::StatusCode;

use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// What became of it; the program tells the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The program goes on.
    Done,
    /// The server has said no.
    Failed,
    /// This is not the address that it waits at.
    Nothing,
}

impl Landing {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let (mark, headline, sentence, status) = match self {
            Self::Done => ("done", texts.landed, texts.landed_next, StatusCode::OK),
            Self::Failed => ("stopped", texts.login_failed, texts.login_failed_next, StatusCode::OK),
            Self::Nothing => ("stopped", texts.no_landing, texts.no_landing_next, StatusCode::NOT_FOUND),
        };
        let template = LandingPage { look, mark, headline, sentence };
        Page::new(look, &FormAction::Nowhere, &template).with_status(status)
    }
}

#[derive(Template)]
#[template(path = "end.html")]
struct LandingPage<'a> {
    look: &'a Look,
    mark: &'static str,
    headline: &'a str,
    sentence: &'a str,
}
