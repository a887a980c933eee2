//! The page for what cannot go on, and must not be sent to anybody's redirect URI.

use askama::Template;
use http::StatusCode;

use super::foreign::Foreign;
use super::form_action::FormAction;
use super::look::Look;
use super::page::Page;

/// A refusal for people: what, why, what to do, and the id under which the full reason is found.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The status it is sent with.
    pub status: StatusCode,
    /// The refusal in a few words.
    pub headline: &'a str,
    /// It in one sentence, safe for everybody.
    pub sentence: Foreign<'a>,
    /// The language of that sentence (BCP 47); `None`: the page's.
    pub sentence_language: Option<&'static str>,
    /// What puts it right.
    pub hint: Option<Foreign<'a>>,
    /// Where to go on: a path of this server, and the words of the link.
    pub link: Option<(&'a str, &'a str)>,
    /// What of the request it is about, each with its name: `redirect_uri`, `client_id`.
    pub values: &'a [(&'a str, Foreign<'a>)],
    /// For `bursar explain`.
    pub correlation_id: &'a str,
    /// The seconds after which another try makes sense.
    pub retry_after: Option<u64>,
}

impl Problem<'_> {
    /// As a page.
    pub fn page(&self, look: &Look) -> Page {
        Page::new(look, &FormAction::Nowhere, &ProblemPage { look, view: self })
            .with_status(self.status)
            .with_retry_after(self.retry_after)
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    look: &'a Look,
    view: &'a Problem<'a>,
}
