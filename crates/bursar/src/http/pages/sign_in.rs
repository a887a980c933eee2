//! The page that asks who somebody is.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use url::Url;

use super::asking::Client;
use super::foreign::Foreign;
use super::form::Form;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;
use super::passkey_form::PasskeyForm;

/// Sign-in with user name and password: posts `ticket`, `username` and `password`.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// Where it is posted.
    pub form: Form<'a>,
    /// What was entered before, or what the client suggests (`login_hint`).
    pub username: Option<Foreign<'a>>,
    /// Why it is shown again.
    pub failed: Option<SignInFailed>,
    /// Who asks; `None` when somebody signs in for this server's own pages.
    pub client: Option<Client<'a>>,
    /// Where a consent that is remembered sends the browser at once.
    pub redirect_uri: Option<&'a Url>,
    /// The way without a password, where this server has it.
    pub passkey: Option<PasskeyForm<'a>>,
    /// A path of this server, for who has forgotten their password.
    pub reset: Option<&'a str>,
}

/// Why a sign-in did not work. None of them tells whether the user exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFailed {
    /// User name and password do not fit each other.
    Mismatch,
    /// Too many tries; another one is heard after this time.
    TooMany(Duration),
    /// The server cannot check a password right now.
    Busy,
    /// The passkey is nobody's here, or its owner may not sign in.
    Passkey,
    /// The passkey has a copy.
    PasskeyCopied,
}

impl SignIn<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let problem = self.failed.map(|failed| match failed {
            SignInFailed::Mismatch => texts.sign_in_mismatch.to_owned(),
            SignInFailed::TooMany(wait) => texts.too_many(wait),
            SignInFailed::Busy => texts.sign_in_busy.to_owned(),
            SignInFailed::Passkey => texts.passkey_refused.to_owned(),
            SignInFailed::PasskeyCopied => texts.passkey_is_copied.to_owned(),
        });
        let template = SignInPage {
            look,
            view: self,
            client: self.client.as_ref(),
            problem,
            question: self.passkey.map(PasskeyForm::to_get).unwrap_or_default(),
            passkey: self.passkey,
        };
        let page = Page::new(look, &FormAction::then(self.redirect_uri), &template);
        let page = if self.passkey.is_some() { page.with_script() } else { page };
        match self.failed {
            None => page,
            // 401 would need a challenge, and browsers answer challenges with a window of their own.
            Some(SignInFailed::Mismatch | SignInFailed::Passkey | SignInFailed::PasskeyCopied) => {
                page.with_status(StatusCode::BAD_REQUEST)
            }
            Some(SignInFailed::TooMany(wait)) => {
                page.with_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(Some(wait.as_secs().max(1)))
            }
            Some(SignInFailed::Busy) => {
                page.with_status(StatusCode::SERVICE_UNAVAILABLE).with_retry_after(Some(BUSY_SECONDS))
            }
        }
    }
}

/// A password takes a fraction of a second to check: the queue is short by then.
const BUSY_SECONDS: u64 = 5;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    look: &'a Look,
    view: &'a SignIn<'a>,
    client: Option<&'a Client<'a>>,
    problem: Option<String>,
    question: String,
    passkey: Option<PasskeyForm<'a>>,
}
