//! The page that makes the first administrator of a new server.

use askama::Template;
use http::StatusCode;

use super::foreign::Foreign;
use super::form::Form;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// The first administrator: posts `ticket`, `code`, `username`, `new` and `again`.
#[derive(Clone, Copy, Debug)]
pub struct SetUp<'a> {
    /// Where it is posted.
    pub form: Form<'a>,
    /// What was typed before.
    pub username: Option<Foreign<'a>>,
    /// Why it is shown again.
    pub failed: Option<SetUpFailed>,
}

/// Why there is no administrator yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUpFailed {
    /// The code is not good, or not any more.
    NotGood,
    /// The password was typed in two ways.
    Differ,
    /// Nobody should have the password.
    Password,
    /// The name cannot be one.
    Name,
    /// The name is somebody's.
    Taken,
    /// The server cannot do it right now.
    Busy,
}

impl SetUp<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let problem = self.failed.map(|failed| match failed {
            SetUpFailed::NotGood => texts.set_up_not_good,
            SetUpFailed::Differ => texts.passwords_differ,
            SetUpFailed::Password => texts.password_unfit,
            SetUpFailed::Name => texts.set_up_name_unfit,
            SetUpFailed::Taken => texts.set_up_taken,
            SetUpFailed::Busy => texts.unavailable,
        });
        let page = Page::new(look, &FormAction::Here, &SetUpPage { look, view: self, problem });
        match self.failed {
            None => page,
            Some(SetUpFailed::Busy) => {
                page.with_status(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(Some(1))
            }
            Some(_) => page.with_status(StatusCode::BAD_REQUEST),
        }
        .without_opener()
    }
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage<'a> {
    look: &'a Look,
    view: &'a SetUp<'a>,
    problem: Option<&'static str>,
}

/// Something has come to its end, or is not for here: what, why, and what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification<'a> {
    /// The password is set; the path leads to the sign-in.
    PasswordSet {
        /// A path of this server.
        sign_in: &'a str,
    },
    /// A server is set up on its own machine.
    SetUpElsewhere,
    /// There is an administrator.
    SetUpDone {
        /// A path of this server.
        sign_in: &'a str,
    },
    /// Passkeys need a name.
    NoPasskeys {
        /// A path of this server.
        back: &'a str,
    },
}

impl Notification<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let (mark, headline, sentence, status) = match self {
            Self::PasswordSet { .. } => ("done", texts.reset_done, texts.reset_done_next, StatusCode::OK),
            Self::SetUpElsewhere => {
                ("stopped", texts.set_up_elsewhere, texts.set_up_elsewhere_help, StatusCode::FORBIDDEN)
            }
            Self::SetUpDone { .. } => {
                ("done", texts.set_up_done, texts.set_up_done_help, StatusCode::FORBIDDEN)
            }
            Self::NoPasskeys { .. } => {
                ("stopped", texts.new_passkey, texts.passkeys_impossible, StatusCode::NOT_FOUND)
            }
        };
        let way = match self {
            Self::PasswordSet { sign_in } | Self::SetUpDone { sign_in } => Some((*sign_in, texts.sign_in)),
            Self::NoPasskeys { back } => Some((*back, texts.back_to_account)),
            Self::SetUpElsewhere => None,
        };
        let template = NotificationPage { look, mark, headline, sentence, way };
        Page::new(look, &FormAction::Nowhere, &template).with_status(status).without_opener()
    }
}

#[derive(Template)]
#[template(path = "notification.html")]
struct NotificationPage<'a> {
    look: &'a Look,
    mark: &'static str,
    headline: &'a str,
    sentence: &'a str,
    way: Option<(&'a str, &'a str)>,
}
