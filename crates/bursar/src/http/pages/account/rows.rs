//! Lines of lists on the account page, in words.

use bursar_core::engine::issuer::records::passkey::Passkey;
use bursar_core::ports::document::Document as _;

use super::super::browser_name::browser_name;
use super::super::foreign::Foreign;
use super::super::texts::Texts;
use super::{App, Session};

pub(super) struct AppRow<'a> {
    pub(super) key: &'a str,
    pub(super) name: String,
    pub(super) host: Option<String>,
    pub(super) is_unverified: bool,
    pub(super) resources: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) since: String,
}

impl<'a> AppRow<'a> {
    pub(super) fn of(app: &'a App<'a>, texts: &Texts) -> Self {
        let client = app.client.as_ref();
        let since = Texts::dated(texts.app_since, app.since);
        // The first consent is also a change.
        let is_changed = app.changed.duration_since(app.since).as_secs() >= 60;
        let changed = Texts::dated(texts.app_changed, app.changed);
        let name = |resource: &super::Resource<'_>| resource.name.unwrap_or(resource.address).to_string();
        let words = |scope: &super::Scope<'_>| scope.words(texts).unwrap_or_else(|| scope.name.to_string());
        Self {
            key: app.key,
            name: client.map_or_else(|| texts.app_removed.to_owned(), |client| client.name(texts)),
            host: client.and_then(super::Client::host),
            is_unverified: client.is_some_and(super::Client::is_unverified),
            resources: app.resources.iter().map(name).collect(),
            scopes: app.scopes.iter().map(words).collect(),
            since: if is_changed { format!("{since}, {changed}") } else { since },
        }
    }
}

pub(super) struct SessionRow<'a> {
    pub(super) id: &'a str,
    pub(super) is_this: bool,
    pub(super) browser: String,
    pub(super) address: Option<&'a str>,
    pub(super) since: String,
}

impl<'a> SessionRow<'a> {
    pub(super) fn of(session: &Session<'a>, texts: &Texts) -> Self {
        let known = session.user_agent.and_then(|told| browser_name(told.text()));
        let told = session.user_agent.filter(|told| !told.is_blank()).map(Foreign::as_name);
        let browser = known.or_else(|| told.map(|told| told.to_string()));
        Self {
            id: session.id,
            is_this: session.is_this,
            browser: browser.unwrap_or_else(|| texts.unknown_browser.to_owned()),
            address: session.address,
            since: Texts::dated(texts.session_since, session.since),
        }
    }
}

pub(super) struct PasskeyRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) is_copied: bool,
    pub(super) told: String,
}

impl PasskeyRow {
    pub(super) fn of(passkey: &Passkey, texts: &Texts) -> Self {
        let added = Texts::dated(texts.passkey_added, passkey.created_at);
        let used = passkey.used_at.map(|used| Texts::dated(texts.passkey_used, used));
        Self {
            key: passkey.key(),
            name: Foreign::new(&passkey.name).as_name().to_string(),
            is_copied: passkey.copied_at.is_some(),
            told: format!("{added}, {}", used.as_deref().unwrap_or(texts.passkey_unused)),
        }
    }
}
