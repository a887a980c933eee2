//! What cannot go on, in the words of a page: what it is, and what helps.

use http::StatusCode;

use super::foreign::Foreign;
use super::look::Look;
use super::page::Page;
use super::problem::Problem;
use super::texts::ENGLISH;

/// Why a person gets no other page.
#[derive(Clone, Copy, Debug)]
pub enum Trouble<'a> {
    /// The request is refused.
    Refused {
        /// Why, safe for everybody.
        sentence: Foreign<'a>,
        /// What puts it right.
        help: Help,
    },
    /// The page that was answered does not count any more.
    LostPage {
        /// Where to begin again, as a path of this server; `None`: in the application.
        beginning: Option<&'a str>,
    },
    /// There is no page at this address, or not for who only looks.
    NoPage {
        /// 404 or 405.
        status: StatusCode,
        /// Where most people want to, as a path of this server.
        account: &'a str,
    },
    /// Too much is asked.
    TooMany {
        /// The seconds after which another try makes sense.
        retry_after: u64,
    },
    /// The server cannot do it now.
    Unavailable,
}

/// What puts a refused request right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// To begin again; and if not, those who made the application.
    Application,
    /// A redirect address that is registered.
    RedirectAddress,
}

impl Trouble<'_> {
    /// As a page; `correlation_id` is for `bursar explain`.
    pub fn page(&self, look: &Look, correlation_id: &str) -> Page {
        let texts = look.texts;
        let (status, headline, sentence, hint) = match self {
            Self::Refused { sentence, help } => {
                let hint = match help {
                    Help::Application => texts.help_client,
                    Help::RedirectAddress => texts.help_redirect,
                };
                (StatusCode::BAD_REQUEST, texts.cannot_go_on, *sentence, hint)
            }
            Self::LostPage { beginning } => (
                StatusCode::BAD_REQUEST,
                texts.page_lost,
                Foreign::own(texts.page_lost_why),
                if beginning.is_some() { texts.page_lost_here } else { texts.page_lost_help },
            ),
            Self::NoPage { status, .. } => {
                (*status, texts.no_page, Foreign::own(texts.no_page_why), texts.no_page_help)
            }
            Self::TooMany { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, texts.not_now, Foreign::own(texts.too_much), texts.help_again)
            }
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                texts.not_now,
                Foreign::own(texts.unavailable),
                texts.help_again,
            ),
        };
        let retry_after = match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Unavailable => Some(1),
            Self::Refused { .. } | Self::LostPage { .. } | Self::NoPage { .. } => None,
        };
        let link = match self {
            Self::LostPage { beginning } => beginning.map(|path| (path, texts.begin_again)),
            Self::NoPage { account, .. } => Some((*account, texts.to_account)),
            _ => None,
        };
        // Refusals are told in the words of the protocol, whoever reads them.
        let is_quoted = matches!(self, Self::Refused { .. }) && texts.language != ENGLISH.language;
        Problem {
            status,
            headline,
            sentence,
            sentence_language: is_quoted.then_some(ENGLISH.language),
            hint: Some(Foreign::own(hint)),
            link,
            values: &[],
            correlation_id,
            retry_after,
        }
        .page(look)
    }
}
