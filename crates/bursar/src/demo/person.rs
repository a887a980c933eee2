//! Who sits before the browser: somebody real, or one who is played here over HTTP, by the pages that people get.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_core::ports::upstream::{Body, Request, SendLimits, Upstream};
use bursar_core::secret::Secret;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use url::Url;

use super::broken;
use super::house::SampleUser;
use crate::exit::{Exit, Failure};

/// Who signs in and decides.
pub(crate) enum Visitor<'a> {
    /// Nobody real: the demo opens the pages and fills them in.
    Played,
    /// A person, who is told where to go.
    Real(&'a dyn Fn(&Url)),
}

impl fmt::Debug for Visitor<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Played => "Played",
            Self::Real(_) => "Real",
        })
    }
}

/// Somebody with a browser: it keeps cookies, follows redirects and posts forms.
#[derive(Debug)]
pub(super) struct Person {
    upstream: Arc<dyn Upstream>,
    issuer: String,
    user: SampleUser,
    cookies: Mutex<BTreeMap<String, Secret>>,
}

/// What the browser shows.
struct Page {
    url: Url,
    html: String,
}

impl Person {
    /// `user` in a browser that has never been at `issuer`.
    pub(super) fn new(upstream: Arc<dyn Upstream>, issuer: &str, user: SampleUser) -> Self {
        Self { upstream, issuer: issuer.to_owned(), user, cookies: Mutex::default() }
    }

    /// Opens an address and does what the pages ask for, until one asks for nothing: signs in, and agrees.
    pub(super) async fn visit(&self, url: &Url) -> Result<(), Failure> {
        let mut page = self.open(request(http::Request::get(url.as_str()), Body::default())?).await?;
        for _ in 0..MOST_PAGES {
            let Some(form) = Form::first_of(&page.html) else { return Ok(()) };
            let action = page.url.join(form.action).map_err(|error| Failure::of(Exit::Error, &error))?;
            let posted = http::Request::post(action.as_str())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ORIGIN, &self.issuer);
            page = self.open(request(posted, self.filled(&form))?).await?;
        }
        Err(broken("the pages go on asking"))
    }

    fn filled(&self, form: &Form<'_>) -> Body {
        let answers = [
            ("username", self.user.username),
            ("password", self.user.password.expose()),
            ("decision", "allow"),
        ];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("ticket", form.ticket);
        body.extend_pairs(answers.iter().filter(|(name, _)| form.asks_for(name)));
        Body::new(body.finish())
    }

    /// The page to which a request leads.
    async fn open(&self, mut request: Request) -> Result<Page, Failure> {
        for _ in 0..MOST_REDIRECTS {
            let url =
                Url::parse(&request.uri().to_string()).map_err(|error| Failure::of(Exit::Error, &error))?;
            let is_ours = url.origin().ascii_serialization() == self.issuer;
            if is_ours && let Ok(cookies) = self.cookies().try_into() {
                request.headers_mut().insert(COOKIE, cookies);
            }
            let answer = self
                .upstream
                .send(request, SendLimits::default())
                .await
                .map_err(|error| Failure::of(Exit::Unavailable, &error))?;
            if is_ours {
                let set = answer.headers().get_all(SET_COOKIE).iter();
                set.filter_map(|value| value.to_str().ok()).for_each(|value| self.keep(value));
            }
            let Some(place) = answer.headers().get(LOCATION).and_then(|place| place.to_str().ok()) else {
                if !answer.status().is_success() {
                    return Err(broken(format_args!("a page answered {}", answer.status())));
                }
                return Ok(Page { url, html: String::from_utf8_lossy(answer.body().expose()).into_owned() });
            };
            let next = url.join(place).map_err(|error| Failure::of(Exit::Error, &error))?;
            request = self::request(http::Request::get(next.as_str()), Body::default())?;
        }
        Err(broken("the pages lead in circles"))
    }

    fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = cookies.iter().map(|(name, value)| format!("{name}={}", value.expose()));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, set: &str) {
        let pair = set.split(';').next().and_then(|pair| pair.split_once('='));
        if let Some((name, value)) = pair {
            let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            cookies.insert(name.to_owned(), Secret::new(value));
        }
    }
}

fn request(builder: http::request::Builder, body: Body) -> Result<Request, Failure> {
    builder.body(body).map_err(|error| Failure::of(Exit::Error, &error))
}

/// The first form of one of our own pages; nothing in them needs a real reader of HTML.
struct Form<'a> {
    html: &'a str,
    action: &'a str,
    ticket: &'a str,
}

impl<'a> Form<'a> {
    fn first_of(page: &'a str) -> Option<Self> {
        let html = between(page, "<form", "</form>")?;
        let action = between(html, "action=\"", "\"")?;
        let ticket = between(html, "name=\"ticket\" value=\"", "\"")?;
        Some(Self { html, action, ticket })
    }

    fn asks_for(&self, name: &str) -> bool {
        self.html.contains(&format!("name=\"{name}\""))
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

/// Sign-in and consent; one more for whatever comes to mind.
const MOST_PAGES: usize = 3;
/// From the authorization endpoint to the sign-in and back are three.
const MOST_REDIRECTS: usize = 8;
