//! The pages of a person's own account: what they allowed, where they are signed in, and how.

mod new_passkey;
mod password;
mod rows;

use askama::Template;
use bursar_core::engine::issuer::records::passkey::Passkey;
use jiff::Timestamp;

pub use self::new_passkey::{NewPasskey, PasskeyFailed};
pub use self::password::{PasswordChange, PasswordFailed, PasswordReset, ResetFailed};
use self::rows::{AppRow, PasskeyRow, SessionRow};
use super::asking::{Client, Resource, Scope};
use super::consent::Person;
use super::foreign::Foreign;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;
use super::texts::Texts;

/// Everything of an account.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Who; `leave` is the sign-out button.
    pub person: Person<'a>,
    /// The path beneath which all forms are posted.
    pub path: &'a str,
    /// Proves that this page sent them.
    pub ticket: &'a str,
    /// What has just been done here.
    pub notice: Option<Notice>,
    /// Who has access.
    pub apps: &'a [App<'a>],
    /// Where they are signed in.
    pub sessions: &'a [Session<'a>],
    /// When the password was set, if there is one.
    pub password_since: Option<Timestamp>,
    /// `None`: this server has no passkeys.
    pub passkeys: Option<&'a [Passkey]>,
}

/// An application that may act for somebody.
#[derive(Clone, Debug)]
pub struct App<'a> {
    /// The grant's key.
    pub key: &'a str,
    /// Which; `None`: it was removed.
    pub client: Option<Client<'a>>,
    /// At which APIs.
    pub resources: Vec<Resource<'a>>,
    /// What for.
    pub scopes: Vec<Scope<'a>>,
    /// Since when.
    pub since: Timestamp,
    /// When something was added.
    pub changed: Timestamp,
}

/// A browser in which somebody is signed in.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Its name.
    pub id: &'a str,
    /// It is the one that asks.
    pub is_this: bool,
    /// What it says it is.
    pub user_agent: Option<Foreign<'a>>,
    /// Where it was then.
    pub address: Option<&'a str>,
    /// When it began.
    pub since: Timestamp,
}

/// What has just been done, as the address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// One session was ended.
    Session,
    /// All others were.
    Sessions,
    /// An application has no access any more.
    Withdrawn,
    /// The password is another one.
    Password,
    /// There is a new passkey.
    Passkey,
    /// A passkey has another name.
    PasskeyRenamed,
    /// A passkey is gone.
    PasskeyRemoved,
    /// The server was set up.
    Welcome,
    /// A passkey was not removed, because nobody could sign in without it.
    OnlyWay,
}

impl Notice {
    /// Its word in an address.
    pub fn word(self) -> &'static str {
        let (_, word) = NOTICES.iter().find(|(notice, _)| *notice == self).unwrap_or(&NOTICES[0]);
        word
    }

    /// The one of a word in an address.
    pub fn of_word(word: &str) -> Option<Self> {
        NOTICES.iter().find(|(_, known)| *known == word).map(|(notice, _)| *notice)
    }

    fn told(self, texts: &Texts) -> &'static str {
        match self {
            Self::Session => texts.done_session,
            Self::Sessions => texts.done_sessions,
            Self::Withdrawn => texts.done_withdrawn,
            Self::Password => texts.done_password,
            Self::Passkey => texts.done_passkey,
            Self::PasskeyRenamed => texts.done_passkey_renamed,
            Self::PasskeyRemoved => texts.done_passkey_removed,
            Self::Welcome => texts.done_welcome,
            Self::OnlyWay => texts.failed_only_way,
        }
    }
}

impl Account<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        let texts = look.texts;
        let template = AccountPage {
            look,
            view: self,
            person: &self.person,
            notice: self.notice.map(|notice| notice.told(texts)),
            is_trouble: self.notice == Some(Notice::OnlyWay),
            apps: self.apps.iter().map(|app| AppRow::of(app, texts)).collect(),
            sessions: self.sessions.iter().map(|session| SessionRow::of(session, texts)).collect(),
            has_others: self.sessions.iter().any(|session| !session.is_this),
            password: self.password_since.map(|since| Texts::dated(texts.password_set, since)),
            passkeys: self
                .passkeys
                .map(|passkeys| passkeys.iter().map(|passkey| PasskeyRow::of(passkey, texts)).collect()),
        };
        Page::new(look, &FormAction::Here, &template).without_opener()
    }
}

const NOTICES: [(Notice, &str); 9] = [
    (Notice::Session, "session"),
    (Notice::Sessions, "sessions"),
    (Notice::Withdrawn, "withdrawn"),
    (Notice::Password, "password"),
    (Notice::Passkey, "passkey"),
    (Notice::PasskeyRenamed, "renamed"),
    (Notice::PasskeyRemoved, "removed"),
    (Notice::Welcome, "welcome"),
    (Notice::OnlyWay, "only-way"),
];

#[derive(Template)]
#[template(path = "account/overview.html")]
struct AccountPage<'a> {
    look: &'a Look,
    view: &'a Account<'a>,
    person: &'a Person<'a>,
    notice: Option<&'static str>,
    is_trouble: bool,
    apps: Vec<AppRow<'a>>,
    sessions: Vec<SessionRow<'a>>,
    has_others: bool,
    password: Option<String>,
    passkeys: Option<Vec<PasskeyRow>>,
}
