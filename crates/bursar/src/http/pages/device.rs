//! The pages for devices without a browser of their own (RFC 8628 §3.3).

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::asking::{Client, Resource, Scope};
use super::consent::Person;
use super::foreign::Foreign;
use super::form::Form;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// Asks for the code that a device shows: posts `ticket` and `user_code`, as the person typed it.
#[derive(Clone, Copy, Debug)]
pub struct DeviceCode<'a> {
    /// Where it is posted.
    pub form: Form<'a>,
    /// What was typed before, or what a link carried.
    pub user_code: Option<Foreign<'a>>,
    /// Why it is shown again.
    pub failed: Option<CodeFailed>,
}

/// Why a code did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFailed {
    /// No device waits under this code; also said of codes that are spent or too old.
    Unknown,
    /// Too many tries; another one is heard after this time.
    TooMany(Duration),
}

impl DeviceCode<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let problem = self.failed.map(|failed| match failed {
            CodeFailed::Unknown => look.texts.device_code_unknown.to_owned(),
            CodeFailed::TooMany(wait) => look.texts.too_many(wait),
        });
        let page = Page::new(look, &FormAction::Here, &DeviceCodePage { look, view: self, problem });
        match self.failed {
            None => page,
            Some(CodeFailed::Unknown) => page.with_status(StatusCode::BAD_REQUEST),
            Some(CodeFailed::TooMany(wait)) => {
                page.with_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(Some(wait.as_secs().max(1)))
            }
        }
    }
}

#[derive(Template)]
#[template(path = "device_code.html")]
struct DeviceCodePage<'a> {
    look: &'a Look,
    view: &'a DeviceCode<'a>,
    problem: Option<String>,
}

/// Asks whether the device may have access: posts `ticket` and `decision`, which is `allow` or `deny`.
///
/// Whoever sends somebody a code of their own gets that person's access (RFC 8628 §5.4). So the page shows the code,
/// says where it was asked from, and names the question.
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfirmation<'a> {
    /// Where the decision is posted.
    pub form: Form<'a>,
    /// As the device shows it.
    pub user_code: Foreign<'a>,
    /// Who asks.
    pub client: Client<'a>,
    /// From which address or place, where known.
    pub asked_from: Option<Foreign<'a>>,
    /// For which APIs.
    pub resources: &'a [Resource<'a>],
    /// What for.
    pub scopes: &'a [Scope<'a>],
    /// Whether the access goes on while the person is away.
    pub offline: bool,
    /// Who agrees.
    pub person: Person<'a>,
}

impl DeviceConfirmation<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let template = DeviceConfirmationPage {
            look,
            view: self,
            client: &self.client,
            resources: self.resources,
            scopes: self.scopes.iter().filter(|scope| !scope.is_offline_access()).collect(),
            offline: self.offline || self.scopes.iter().any(Scope::is_offline_access),
            person: &self.person,
        };
        Page::new(look, &FormAction::Here, &template)
    }
}

#[derive(Template)]
#[template(path = "device_confirmation.html")]
struct DeviceConfirmationPage<'a> {
    look: &'a Look,
    view: &'a DeviceConfirmation<'a>,
    client: &'a Client<'a>,
    resources: &'a [Resource<'a>],
    scopes: Vec<&'a Scope<'a>>,
    offline: bool,
    person: &'a Person<'a>,
}

impl DeviceConfirmationPage<'_> {
    /// A device is asked about as a whole each time.
    #[expect(clippy::unused_self, reason = "the part of the page that lists scopes asks every page so")]
    fn is_new(&self, _scope: &Scope<'_>) -> bool {
        false
    }
}

/// What became of a device's wish; the person goes back to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEnd {
    /// It has access.
    Allowed,
    /// It has none.
    Denied,
    /// Its code came to its end before the decision.
    Expired,
}

impl DeviceEnd {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let (mark, headline, sentence, status) = match self {
            Self::Allowed => ("done", texts.device_allowed, texts.device_allowed_next, StatusCode::OK),
            Self::Denied => ("stopped", texts.device_denied, texts.device_denied_next, StatusCode::OK),
            Self::Expired => ("stopped", texts.device_expired, texts.device_expired_next, StatusCode::GONE),
        };
        let template = DeviceEndPage { look, mark, headline, sentence };
        Page::new(look, &FormAction::Nowhere, &template).with_status(status)
    }
}

#[derive(Template)]
#[template(path = "end.html")]
struct DeviceEndPage<'a> {
    look: &'a Look,
    mark: &'static str,
    headline: &'a str,
    sentence: &'a str,
}
