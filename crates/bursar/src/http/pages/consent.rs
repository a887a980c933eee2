//! The page that asks whether an application may have access.

use askama::Template;
use bursar_core::engine::issuer::records::grant::AgreedBefore;
use url::Url;

use super::asking::{Client, Destination, Resource, Scope};
use super::foreign::Foreign;
use super::form::Form;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// Consent: posts `ticket` and `decision`, which is `allow` or `deny`.
///
/// A person decides by what cannot be invented: the proven host of the client and the host the answer goes to. Both are
/// in large type; what the client says of itself is not.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// Where the decision is posted.
    pub form: Form<'a>,
    /// Who asks.
    pub client: Client<'a>,
    /// Where the answer goes: one that was checked against the client's.
    pub redirect_uri: &'a Url,
    /// For which APIs.
    pub resources: &'a [Resource<'a>],
    /// What for.
    pub scopes: &'a [Scope<'a>],
    /// Whether the access goes on while the person is away.
    pub offline: bool,
    /// What of it was allowed before.
    pub before: &'a AgreedBefore,
    /// Who agrees.
    pub person: Person<'a>,
}

/// Who is signed in, and how to be somebody else: a form that posts `ticket` only.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// A name the person knows.
    pub name: Foreign<'a>,
    /// Ends the session and asks anew.
    pub leave: Form<'a>,
}

impl Consent<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let destination = Destination::of(self.redirect_uri);
        let template = ConsentPage {
            look,
            view: self,
            client: &self.client,
            warning: destination.warning(&self.client, look.texts),
            destination,
            resources: self.resources,
            scopes: self.scopes.iter().filter(|scope| !scope.is_offline_access()).collect(),
            again: match self.before {
                AgreedBefore::Nothing => None,
                AgreedBefore::Some(_) => Some(look.texts.asks_for_more),
                AgreedBefore::ToAnotherForm => Some(look.texts.has_changed),
            },
            offline: self.offline || self.scopes.iter().any(Scope::is_offline_access),
            person: &self.person,
        };
        Page::new(look, &FormAction::then(Some(self.redirect_uri)), &template)
    }
}

impl ConsentPage<'_> {
    /// Only where something was allowed before is something new.
    fn is_new(&self, scope: &Scope<'_>) -> bool {
        matches!(self.view.before, AgreedBefore::Some(_)) && !self.view.before.covers(scope.name.text())
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    look: &'a Look,
    view: &'a Consent<'a>,
    client: &'a Client<'a>,
    destination: Destination,
    warning: Option<&'a str>,
    resources: &'a [Resource<'a>],
    scopes: Vec<&'a Scope<'a>>,
    again: Option<&'static str>,
    offline: bool,
    person: &'a Person<'a>,
}
