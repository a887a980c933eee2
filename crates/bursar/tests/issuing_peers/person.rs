//! A person with a browser: it keeps cookies, follows redirects and posts forms; the person signs in and agrees to everything.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use url::Url;

pub(crate) const USERNAME: &str = "ada";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody who uses one server.
#[derive(Debug)]
pub(crate) struct Person {
    issuer: String,
    password: String,
    client: Client,
    /// What the server has set; others get none of it.
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Person {
    /// With a browser that has never been at the server.
    pub(crate) fn new(issuer: &str) -> Self {
        Self::with_password(issuer, PASSWORD)
    }

    /// The same, with another password.
    pub(crate) fn with_password(issuer: &str, password: &str) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_mins(1));
        let (issuer, password) = (issuer.to_owned(), password.to_owned());
        Self { issuer, password, client: client.build().unwrap(), cookies: Mutex::default() }
    }

    /// Opens an address, and does what the pages ask for until one asks for nothing. Returns where that is.
    pub(crate) async fn visit(&self, url: &str) -> Url {
        self.visit_with(url, "").await
    }

    /// The same with the code of a device.
    pub(crate) async fn visit_with(&self, url: &str, user_code: &str) -> Url {
        let (mut url, mut page) = self.follow(self.client.get(url), url).await;
        let answers = [
            ("username", USERNAME),
            ("password", &self.password),
            ("decision", "allow"),
            ("user_code", user_code),
        ];
        // Sign-in, code, confirmation: no visit needs more.
        for _ in 0..4 {
            let Some(form) = Form::first_of(&page) else { return url };
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(&form.hidden);
            body.extend_pairs(answers.iter().filter(|(name, _)| form.asks_for(name)));
            let action = url.join(&form.action).unwrap();
            let post = self.client.post(action.clone()).body(body.finish());
            let post = post.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            (url, page) = self.follow(post.header(ORIGIN, &self.issuer), action.as_str()).await;
        }
        panic!("the pages do not end; the last one is\n{page}");
    }

    /// Where the redirects lead, and the page there.
    async fn follow(&self, request: RequestBuilder, url: &str) -> (Url, String) {
        let (mut request, mut url) = (request, Url::parse(url).unwrap());
        loop {
            let is_ours = url.origin().ascii_serialization() == self.issuer;
            if is_ours {
                request = request.header(COOKIE, self.cookie_header());
            }
            let answer = request.send().await.unwrap();
            if is_ours {
                self.keep(answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()));
            }
            let status = answer.status();
            let Some(location) = answer.headers().get(LOCATION) else {
                let page = answer.text().await.unwrap();
                assert!(status.is_success(), "{url} answered {status}\n{page}");
                return (url, page);
            };
            url = url.join(location.to_str().unwrap()).unwrap();
            request = self.client.get(url.clone());
        }
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep<'a>(&self, headers: impl Iterator<Item = &'a str>) {
        let mut cookies = self.cookies.lock().unwrap();
        for header in headers {
            let (name, value) = header.split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The first form of a page.
struct Form {
    html: String,
    action: String,
    hidden: Vec<(String, String)>,
}

impl Form {
    fn first_of(page: &str) -> Option<Self> {
        let html = between(page, "<form", "</form>")?;
        let action = between(html, "action=\"", "\"")?.to_owned();
        let hidden =
            html.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\"")).map(|input| {
                let value = |name| between(input, name, "\"").unwrap().to_owned();
                (value("name=\""), value("value=\""))
            });
        Some(Self { action, hidden: hidden.collect(), html: html.to_owned() })
    }

    fn asks_for(&self, name: &str) -> bool {
        self.html.contains(&format!("name=\"{name}\""))
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}
