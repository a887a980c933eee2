//! The pages about a session at this server: it stands, shall it end, it has ended.

use askama::Template;
use url::Url;

use super::asking::Client;
use super::consent::Person;
use super::foreign::Foreign;
use super::form::Form;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// Somebody is signed in, and came here for nothing else.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn<'a> {
    /// Who; `leave` is the sign-out button.
    pub person: Person<'a>,
}

impl SignedIn<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        Page::new(look, &FormAction::Here, &SignedInPage { look, person: &self.person }).without_opener()
    }
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    look: &'a Look,
    person: &'a Person<'a>,
}

/// Asks whether to sign out: posts `ticket` and `decision`, which is `sign_out` or `stay`.
///
/// Any site can send a browser to the logout address; without an ID token that fits, the person has to be asked
/// (OIDC RP-Initiated Logout 1.0 §2).
#[derive(Clone, Copy, Debug)]
pub struct SignOut<'a> {
    /// Where the decision is posted.
    pub form: Form<'a>,
    /// Who is signed in.
    pub person: Foreign<'a>,
    /// Who asks, where known.
    pub client: Option<Client<'a>>,
    /// Where the browser is sent after it.
    pub redirect_uri: Option<&'a Url>,
}

impl SignOut<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let template = SignOutPage { look, view: self, client: self.client.as_ref() };
        Page::new(look, &FormAction::then(self.redirect_uri), &template)
    }
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    look: &'a Look,
    view: &'a SignOut<'a>,
    client: Option<&'a Client<'a>>,
}

/// The session has ended.
#[derive(Clone, Copy, Debug)]
pub struct SignedOut<'a> {
    /// A path of this server, to sign in again.
    pub sign_in: &'a str,
}

impl SignedOut<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        Page::new(look, &FormAction::Nowhere, &SignedOutPage { look, view: self })
    }
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage<'a> {
    look: &'a Look,
    view: &'a SignedOut<'a>,
}
