//! Where users agree: the authorization endpoint, and what its pages post.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::authorize::{
    Authorization, ConsentDecision, ConsentPrompt, SignInPrompt, SignedIn,
};
use bursar_core::engine::issuer::denial::Denial;
use bursar_core::engine::issuer::records::client::{Client as ClientRecord, ClientOrigin};
use bursar_core::engine::issuer::records::resource::Resource as ResourceRecord;
use bursar_core::engine::issuer::refusal::{Fault, IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::scope::Scope as Granted;
use bursar_core::ports::random::unguessable;
use bursar_core::secret::Secret;
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::form::form;
use super::met::Met;
use super::source::From;
use super::{Issuing, logout, passkey_sign_in, reset, sign_in};
use crate::http::cause::{Cause, asked_by};
use crate::http::pages::{
    Client, Consent, Foreign, Form, Help, Origin, Person, Resource, Scope, SignIn, SignInFailed, Trouble,
};

/// Where a browser goes on after a sign-in.
pub(super) const CONTINUE: &str = "/oauth/continue";
/// Where the decision of a consent page is posted.
pub(super) const CONSENT: &str = "/consent";

/// An authorization request by its address (RFC 6749 §3.1).
pub(super) async fn begin(Met(issuing): Met, source: From, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    began(&issuing, source, request.headers(), &query).await
}

/// The same by a form, for requests that are too long for an address (OIDC Core §3.1.2.1).
pub(super) async fn begin_by_form(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match form(&parts.headers, body, &["resource"]).await {
        Ok(parameters) => began(&issuing, source, &parts.headers, &parameters.to_query()).await,
        Err(message) => refused(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message)),
    }
}

async fn began(issuing: &Issuing, source: From, headers: &HeaderMap, query: &str) -> Response {
    let visit = match Visit::of(issuing, source, headers).await {
        Ok(visit) => visit,
        Err(error) => return trouble(issuing, &error),
    };
    let outcome = issuing.server.authorize(query, visit.signed_in.as_ref(), &visit.source.0).await;
    asked_by(visit.answer(issuing, outcome), || parameter(query, "client_id"))
}

/// A request that waited for somebody to sign in.
pub(super) async fn go_on(Met(issuing): Met, source: From, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let Some(ticket) = parameter(query, "ticket").map(Secret::new) else { return refused(&issuing, &lost()) };
    let visit = match Visit::of(&issuing, source, request.headers()).await {
        Ok(visit) => visit,
        Err(error) => return trouble(&issuing, &error),
    };
    let signed_in = visit.signed_in.as_ref();
    let outcome = issuing.server.authorize_after_sign_in(&ticket, signed_in, &visit.source.0).await;
    visit.answer(&issuing, outcome)
}

/// What a person has decided (`ticket`, `decision`).
pub(super) async fn decide(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => return refused(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message)),
    };
    let decision = match parameters.value("decision") {
        Some("allow") => ConsentDecision::Allow,
        Some("deny") => ConsentDecision::Deny,
        _ => return refused(&issuing, &lost()),
    };
    let visit = match Visit::of(&issuing, source, &parts.headers).await {
        Ok(visit) => visit,
        Err(error) => return trouble(&issuing, &error),
    };
    let (Some(signed_in), Some(ticket)) = (&visit.signed_in, parameters.secret("ticket")) else {
        return refused(&issuing, &lost());
    };
    let outcome = issuing.server.decide_consent(ticket, decision, signed_in, &visit.source.0).await;
    visit.answer(&issuing, outcome)
}

/// One browser at our pages.
pub(super) struct Visit {
    pub(super) source: From,
    pub(super) signed_in: Option<SignedIn>,
    /// For a browser that had no name yet.
    new_browser: Option<Secret>,
}

impl Visit {
    pub(super) async fn of(
        issuing: &Issuing,
        mut source: From,
        headers: &HeaderMap,
    ) -> Result<Self, IssueError> {
        let signed_in = match issuing.cookies.session(headers) {
            Some(cookie) => issuing.server.session_of(&cookie).await?,
            None => None,
        };
        let new_browser = source.0.browser.is_empty().then(|| {
            let name = unguessable(&*issuing.server.engine().ports().random);
            source.0.browser = super::source::short_digest(name.expose().as_bytes());
            name
        });
        Ok(Self { source, signed_in, new_browser })
    }

    pub(super) fn answer(&self, issuing: &Issuing, outcome: Result<Authorization, IssueError>) -> Response {
        let response = match outcome {
            Ok(Authorization::Answer(address)) => sent_to(&address),
            Ok(Authorization::Denied(denial)) => denied(issuing, &denial),
            Ok(Authorization::SignIn(prompt)) => sign_in_page(issuing, &prompt, None, None),
            Ok(Authorization::Consent(prompt)) => consent_page(issuing, &prompt),
            Ok(Authorization::Refused(refusal)) => refused(issuing, &refusal),
            Err(error) => trouble(issuing, &error),
        };
        self.with_cookie(issuing, response)
    }

    /// A browser that had no name has one from now on.
    pub(super) fn with_cookie(&self, issuing: &Issuing, mut response: Response) -> Response {
        let cookie = self.new_browser.as_ref().and_then(|name| issuing.cookies.set_browser(name));
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// The browser goes somewhere else, by GET whatever it came by (RFC 9700 §4.12): a password is never posted on.
pub(super) fn sent_to(address: &Secret) -> Response {
    let Ok(mut location) = HeaderValue::try_from(address.expose()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    location.set_sensitive(true);
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

pub(super) fn sign_in_page(
    issuing: &Issuing,
    prompt: &SignInPrompt,
    username: Option<&str>,
    failed: Option<SignInFailed>,
) -> Response {
    let site = site(&prompt.client);
    let target = Url::parse(prompt.target.as_str()).ok();
    let question = issuing.server.passkey_question(&prompt.ticket);
    let ways = passkey_sign_in::Ways::of(issuing);
    let (reset, username) = (issuing.path(reset::PATH), username.or(prompt.login_hint.as_deref()));
    let view = SignIn {
        form: Form { action: &issuing.path(sign_in::PATH), ticket: &prompt.ticket },
        username: username.map(Foreign::new),
        failed,
        client: Some(client(&prompt.client, site.as_ref())),
        redirect_uri: target.as_ref(),
        passkey: question.as_ref().map(|question| ways.form(&prompt.ticket, question)),
        reset: Some(&reset),
    };
    view.page(&issuing.look).into_response()
}

fn consent_page(issuing: &Issuing, prompt: &ConsentPrompt) -> Response {
    let site = site(&prompt.client);
    let Ok(redirect_uri) = Url::parse(prompt.target.as_str()) else { return refused(issuing, &lost()) };
    let resources = shown_resources(&prompt.resources);
    let scopes = shown_scopes(&prompt.resources, &prompt.scope);
    let name = prompt.user.name.as_deref().unwrap_or(&prompt.user.username);
    let view = Consent {
        form: Form { action: &issuing.path(CONSENT), ticket: &prompt.ticket },
        client: client(&prompt.client, site.as_ref()),
        redirect_uri: &redirect_uri,
        resources: &resources,
        scopes: &scopes,
        offline: prompt.client.may_refresh(&prompt.scope),
        before: &prompt.before,
        person: Person {
            name: Foreign::new(name),
            leave: Form { action: &issuing.path(logout::LEAVE), ticket: &prompt.again },
        },
    };
    view.page(&issuing.look).into_response()
}

pub(super) fn shown_resources(records: &[Arc<ResourceRecord>]) -> Vec<Resource<'_>> {
    let shown = records.iter().map(|record| Resource {
        name: record.name.as_deref().map(Foreign::new),
        address: Foreign::address(&record.url),
    });
    shown.collect()
}

/// Each scope in the words of every resource that knows it: the same name may mean more at one than at another.
pub(super) fn shown_scopes<'a>(records: &'a [Arc<ResourceRecord>], scope: &'a Granted) -> Vec<Scope<'a>> {
    let mut shown: Vec<Scope<'a>> = Vec::new();
    for name in scope.iter() {
        let first = shown.len();
        for record in records.iter().filter(|record| record.scopes.contains_key(name)) {
            let words = record.scopes.get(name).filter(|words| !words.is_empty());
            let description = words.map(|words| Foreign::new(words));
            let tools = record.tools_of(name).map(Foreign::new);
            match shown[first..].iter_mut().find(|scope| scope.description == description) {
                Some(same) => same.tools.extend(tools),
                None => {
                    shown.push(Scope { name: Foreign::new(name), description, tools: tools.collect() });
                }
            }
        }
        if shown.len() == first {
            shown.push(Scope { name: Foreign::new(name), description: None, tools: Vec::new() });
        }
    }
    shown
}

pub(super) fn client<'a>(record: &'a ClientRecord, site: Option<&'a Url>) -> Client<'a> {
    let origin = match (&record.origin, site) {
        (ClientOrigin::MetadataDocument { .. }, Some(site)) => Origin::Site(site),
        (ClientOrigin::Administrator, _) => Origin::Registered,
        _ => Origin::Unverified,
    };
    Client { name: record.metadata.client_name.as_deref().map(Foreign::new), origin }
}

/// The address a client is named by.
pub(super) fn site(record: &ClientRecord) -> Option<Url> {
    matches!(record.origin, ClientOrigin::MetadataDocument { .. })
        .then(|| Url::parse(&record.id).ok())
        .flatten()
}

/// A refusal that goes back to the client.
fn denied(issuing: &Issuing, denial: &Denial) -> Response {
    let cause = Cause::of(denial.refusal.clone()).named(&issuing.server);
    let response = sent_to(&denial.address(cause.name()));
    cause.of_client(Some(denial.client.clone())).on(response)
}

/// A refusal nobody but the person in front of the browser can be told.
pub(super) fn refused(issuing: &Issuing, refusal: &Refusal) -> Response {
    let sentence = sentence_of(&refusal.description);
    let beginning = issuing.beginning.map(|path| issuing.path(path));
    let refused = |help| Trouble::Refused { sentence: Foreign::new(&sentence), help };
    let trouble = match refusal.fault {
        Fault::LostPage => Trouble::LostPage { beginning: beginning.as_deref() },
        Fault::Address => refused(Help::RedirectAddress),
        Fault::Request => refused(Help::Application),
    };
    told(issuing, trouble, refusal.clone())
}

pub(super) fn trouble(issuing: &Issuing, error: &IssueError) -> Response {
    let trouble = match error {
        IssueError::Refused(refusal) => return refused(issuing, refusal),
        IssueError::TooMany { retry_after } => Trouble::TooMany { retry_after: retry_after.as_secs().max(1) },
        _ => {
            tracing::warn!(%error, "a page could not be shown");
            Trouble::Unavailable
        }
    };
    told(issuing, trouble, error.to_refusal())
}

/// What programs are told as a fragment, as people write it.
fn sentence_of(description: &str) -> String {
    let mut letters = description.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if description.ends_with(['.', '!', '?', '`']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

pub(super) fn told(issuing: &Issuing, trouble: Trouble<'_>, refusal: Refusal) -> Response {
    let cause = Cause::of(refusal).named(&issuing.server);
    let response = trouble.page(&issuing.look, cause.name().unwrap_or_default()).into_response();
    cause.on(response)
}

/// A parameter of a query, the first of its name.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A page that does not fit what this browser was shown.
pub(super) fn lost() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidRequest,
        "this page is too old, was answered already, or belongs to another browser; begin again in the application",
    )
    .with_fault(Fault::LostPage)
}
