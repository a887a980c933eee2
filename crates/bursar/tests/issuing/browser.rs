//! A browser as far as pages need one: it keeps cookies, and posts the forms it is shown.

use std::collections::BTreeMap;
use std::sync::Mutex;

use url::Url;

use super::client::{Answer, Form};
use super::world::{PASSWORD, World};

/// One browser of one person.
pub(super) struct Browser<'a> {
    world: &'a World,
    username: String,
    /// Where it says it is; nothing: here.
    address: Option<String>,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    /// Nobody is signed in yet.
    pub(super) fn of(world: &'a World, username: &str) -> Self {
        Self { world, username: username.to_owned(), address: None, cookies: Mutex::default() }
    }

    /// The same at this address.
    pub(super) fn at(world: &'a World, username: &str, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..Self::of(world, username) }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.sent(self.world.http.get(self.world.at(path))).await
    }

    pub(super) async fn post(&self, path: &str, form: &Form) -> Answer {
        let request = self.world.http.post(self.world.at(path)).body(form.encoded());
        self.sent(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// A post that a page of some site makes, as the browser tells it (Fetch Metadata).
    pub(super) async fn post_from(&self, site: &str, path: &str) -> Answer {
        let request = self.world.http.post(self.world.at(path)).header("sec-fetch-site", site);
        self.sent(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// What a request brings at once, be it a page or the way back to the client.
    pub(super) async fn ask(&self, request: &Form) -> Answer {
        self.get(&format!("/oauth/authorize?{}", request.encoded())).await
    }

    /// The same after signing in, if that is asked for.
    pub(super) async fn ask_signed_in(&self, request: &Form) -> Answer {
        let answer = self.ask(request).await;
        if is_sign_in(&answer) { self.sign_in(&answer).await } else { answer }
    }

    /// The same after agreeing, if that is asked for too.
    pub(super) async fn agree(&self, request: &Form) -> Answer {
        let answer = self.ask_signed_in(request).await;
        if is_consent(&answer) { self.decide(&answer, "allow").await } else { answer }
    }

    /// Fills in a sign-in page, and goes where that leads.
    pub(super) async fn sign_in(&self, page: &Answer) -> Answer {
        let answer = self.post_sign_in(page, PASSWORD).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        self.get(answer.header("location")).await
    }

    pub(super) async fn post_sign_in(&self, page: &Answer, password: &str) -> Answer {
        let form =
            Form::of(&[("ticket", &ticket(page)), ("username", &self.username), ("password", password)]);
        self.post("/login", &form).await
    }

    /// Answers a consent page.
    pub(super) async fn decide(&self, page: &Answer, decision: &str) -> Answer {
        assert!(is_consent(page), "{page:?}");
        self.post("/consent", &Form::of(&[("ticket", &ticket(page)), ("decision", decision)])).await
    }

    /// A browser of the same person that has all its cookies, at another server.
    pub(super) fn moved_to<'b>(&self, world: &'b World) -> Browser<'b> {
        let cookies = Mutex::new(self.cookies.lock().unwrap().clone());
        Browser { world, username: self.username.clone(), address: self.address.clone(), cookies }
    }

    /// The same browser as it is now, with somebody else in front of it.
    pub(super) fn lent_to(&self, username: &str) -> Self {
        Self { username: username.to_owned(), ..self.moved_to(self.world) }
    }

    /// The same with what each cookie says under the name that `named` makes of its own.
    pub(super) fn renaming_cookies(&self, named: impl Fn(&str) -> String) {
        let mut cookies = self.cookies.lock().unwrap();
        *cookies = cookies.iter().map(|(name, value)| (named(name), value.clone())).collect();
    }

    /// What its cookies say, by name.
    pub(super) fn secrets_by_name(&self) -> Vec<(String, String)> {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What its cookies are called.
    pub(super) fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().unwrap().keys().cloned().collect()
    }

    /// What its cookies say.
    pub(super) fn secrets(&self) -> Vec<(&'static str, String)> {
        let cookies = self.cookies.lock().unwrap();
        cookies.values().filter(|value| !value.is_empty()).map(|value| ("a cookie", value.clone())).collect()
    }

    async fn sent(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let request = match &self.address {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        let answer = Answer::of(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

impl World {
    /// A code for the usual request, from a browser that was never here.
    pub(super) async fn code(&self) -> String {
        self.code_for(&self.request()).await
    }

    pub(super) async fn code_for(&self, request: &Form) -> String {
        Browser::of(self, "ada").agree(request).await.code()
    }
}

pub(super) fn is_sign_in(answer: &Answer) -> bool {
    answer.status == 200 && posts_to(answer, "/login")
}

pub(super) fn is_consent(answer: &Answer) -> bool {
    answer.status == 200 && posts_to(answer, "/consent")
}

/// Whether the form of a page goes to this path of its server, which may be beneath another one's.
pub(super) fn posts_to(page: &Answer, path: &str) -> bool {
    let actions = page.text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    actions.into_iter().any(|action| action.ends_with(path))
}

/// What proves that a page was shown.
#[track_caller]
pub(super) fn ticket(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"ticket\" value=\"").unwrap_or_else(|| panic!("{page:?}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The raw query of the address an answer leads to.
pub(super) fn query_of(answer: &Answer) -> String {
    Url::parse(answer.header("location")).unwrap().query().unwrap_or_default().to_owned()
}
