//! The pages on which people set another password: knowing the old one, or with a code.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::super::foreign::Foreign;
use super::super::form::Form;
use super::super::form_action::FormAction;
use super::super::look::Look;
use super::super::page::Page;

/// Another password: posts `ticket`, `current`, `new` and `again`.
#[derive(Clone, Copy, Debug)]
pub struct PasswordChange<'a> {
    /// Where it is posted.
    pub form: Form<'a>,
    /// For password managers.
    pub username: Foreign<'a>,
    /// A path of this server.
    pub back: &'a str,
    /// Why it is shown again.
    pub failed: Option<PasswordFailed>,
}

/// Why the password stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFailed {
    /// The current one is not right.
    Wrong,
    /// The new one was typed in two ways.
    Differ,
    /// Nobody should have the new one.
    Unfit,
    /// Too many tries; another one is heard after this time.
    TooMany(Duration),
    /// The server cannot check a password right now.
    Busy,
}

impl PasswordFailed {
    fn told(self, look: &Look) -> String {
        let texts = look.texts;
        match self {
            Self::Wrong => texts.password_wrong.to_owned(),
            Self::Differ => texts.passwords_differ.to_owned(),
            Self::Unfit => texts.password_unfit.to_owned(),
            Self::TooMany(wait) => texts.too_many(wait),
            Self::Busy => texts.sign_in_busy.to_owned(),
        }
    }

    fn on(self, page: Page) -> Page {
        match self {
            Self::Wrong | Self::Differ | Self::Unfit => page.with_status(StatusCode::BAD_REQUEST),
            Self::TooMany(wait) => {
                page.with_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(Some(wait.as_secs().max(1)))
            }
            Self::Busy => {
                page.with_status(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(Some(BUSY_SECONDS))
            }
        }
    }
}

impl PasswordChange<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let problem = self.failed.map(|failed| failed.told(look));
        let page = Page::new(look, &FormAction::Here, &ChangePage { look, view: self, problem });
        self.failed.map_or(page.clone(), |failed| failed.on(page)).without_opener()
    }
}

/// A password by a code: posts `ticket`, `username`, `code`, `new` and `again`.
#[derive(Clone, Copy, Debug)]
pub struct PasswordReset<'a> {
    /// Where it is posted.
    pub form: Form<'a>,
    /// What was typed before.
    pub username: Option<Foreign<'a>>,
    /// Why it is shown again.
    pub failed: Option<ResetFailed>,
}

/// Why a code brought no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetFailed {
    /// It is not good for this user, or not any more.
    NotGood,
    /// As when a password is changed.
    Password(PasswordFailed),
}

impl PasswordReset<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let problem = self.failed.map(|failed| match failed {
            ResetFailed::NotGood => look.texts.reset_not_good.to_owned(),
            ResetFailed::Password(failed) => failed.told(look),
        });
        let page = Page::new(look, &FormAction::Here, &ResetPage { look, view: self, problem });
        match self.failed {
            None => page,
            Some(ResetFailed::NotGood) => page.with_status(StatusCode::BAD_REQUEST),
            Some(ResetFailed::Password(failed)) => failed.on(page),
        }
        .without_opener()
    }
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct ChangePage<'a> {
    look: &'a Look,
    view: &'a PasswordChange<'a>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "account/reset.html")]
struct ResetPage<'a> {
    look: &'a Look,
    view: &'a PasswordReset<'a>,
    problem: Option<String>,
}

/// A password takes a fraction of a second to check: the queue is short by then.
const BUSY_SECONDS: u64 = 5;
