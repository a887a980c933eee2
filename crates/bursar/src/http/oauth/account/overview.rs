//! The account on one page: who has access, where somebody is signed in, and how.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::administration::grants::GrantsOf;
use bursar_core::engine::issuer::authorize::SignedIn;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::records::client::Client as ClientRecord;
use bursar_core::engine::issuer::records::grant::Grant;
use bursar_core::engine::issuer::records::resource::Resource as ResourceRecord;
use bursar_core::engine::issuer::refusal::IssueError;
use bursar_core::oauth::scope::Scope as Granted;
use bursar_core::ports::document::Document as _;
use url::Url;

use super::{PATH, arrived, done, posted};
use crate::http::oauth::Issuing;
use crate::http::oauth::authorize::{client, parameter, shown_resources, shown_scopes, site, trouble};
use crate::http::oauth::logout;
use crate::http::oauth::met::Met;
use crate::http::oauth::source::From;
use crate::http::pages::{Account, App, Foreign, Form, Notice, Person, Session};

/// The page.
pub(super) async fn page(Met(issuing): Met, source: From, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let notice = parameter(query, "done").and_then(|word| Notice::of_word(&word));
    let outcome = match arrived(&issuing, source, request.headers(), PATH).await {
        Ok(Ok((visit, signed_in))) => {
            let shown = shown(&issuing, &signed_in, notice).await;
            shown.map(|response| visit.with_cookie(&issuing, response))
        }
        Ok(Err(response)) => Ok(response),
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| trouble(&issuing, &error))
}

/// An application shall have access no more (`ticket`, `grant`).
pub(super) async fn withdraw(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        let posted = match posted(&issuing, source, request, PATH).await? {
            Ok(posted) => posted,
            Err(response) => return Ok(response),
        };
        let user = &posted.signed_in.user.document.id;
        let server = issuing.server.acting_as(user.as_str());
        // Whoever names the grant of somebody else, or one that is gone, hears what is so: they have none.
        if let Some(grant) = server.grant(posted.text("grant")).await?.filter(|grant| grant.user == *user) {
            server.withdraw_grant(user, &grant.client).await?;
        }
        Ok(done(&issuing, Notice::Withdrawn))
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

/// A session shall end, or all others (`ticket`, `session`).
pub(super) async fn end_sessions(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        let posted = match posted(&issuing, source, request, PATH).await? {
            Ok(posted) => posted,
            Err(response) => return Ok(response),
        };
        let user = &posted.signed_in.user.document.id;
        let server = issuing.server.acting_as(user.as_str());
        let notice = if let Some(session) = posted.parameters.value("session") {
            server.end_session_by_id(user, session).await?;
            Notice::Session
        } else {
            server.end_all_sessions(user, Some(&posted.signed_in.session)).await?;
            Notice::Sessions
        };
        Ok(done(&issuing, notice))
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

async fn shown(
    issuing: &Issuing,
    signed_in: &SignedIn,
    notice: Option<Notice>,
) -> Result<Response, IssueError> {
    let server = &issuing.server;
    let user = &signed_in.user.document;
    let known = allowed(issuing, &user.id).await?;
    let sessions = server.sessions(&user.id).await?;
    let sessions: Vec<Session<'_>> = sessions
        .iter()
        .map(|session| Session {
            id: &session.id,
            is_this: session.id == signed_in.session,
            user_agent: session.user_agent.as_deref().map(Foreign::new),
            address: session.address.as_deref(),
            since: session.signed_in_at,
        })
        .collect();
    let passkeys = match server.passkey_host() {
        Some(_) => Some(server.passkeys(&user.id).await?),
        None => None,
    };
    let apps: Vec<App<'_>> = known.iter().map(Allowed::shown).collect();
    let view = Account {
        person: Person {
            name: Foreign::new(user.name.as_deref().unwrap_or(&user.username)),
            leave: Form { action: &issuing.path(logout::LEAVE), ticket: "" },
        },
        path: &issuing.path(PATH),
        ticket: &server.form_ticket(PATH, Sender::Person(signed_in)).await?,
        notice,
        apps: &apps,
        sessions: &sessions,
        password_since: user.password.as_ref().and(user.password_changed_at.or(Some(user.created_at))),
        passkeys: passkeys.as_deref(),
    };
    Ok(view.page(&issuing.look).into_response())
}

/// One grant, with all there is to say of it.
struct Allowed {
    key: String,
    grant: Grant,
    scope: Granted,
    client: Option<Arc<ClientRecord>>,
    site: Option<Url>,
    resources: Vec<Arc<ResourceRecord>>,
}

async fn allowed(issuing: &Issuing, user: &str) -> Result<Vec<Allowed>, IssueError> {
    let mut known = Vec::new();
    let mut after = None;
    loop {
        let of = GrantsOf { user: Some(user), client: None };
        let page = issuing.server.grants(of, after.as_deref(), PAGE).await?;
        for grant in page.grants {
            known.push(of_grant(issuing, grant).await?);
        }
        after = page.next;
        if after.is_none() || known.len() >= MOST_SHOWN {
            break;
        }
    }
    known.sort_by_key(|allowed| std::cmp::Reverse(allowed.grant.changed_at));
    Ok(known)
}

async fn of_grant(issuing: &Issuing, grant: Grant) -> Result<Allowed, IssueError> {
    let client = issuing.server.client(&grant.client).await?.map(|client| Arc::new(client.document));
    let mut resources = Vec::new();
    for consent in &grant.consents {
        if let Some(resource) = &consent.resource
            && let Some(record) = issuing.server.resource(resource.as_str()).await?
        {
            resources.push(Arc::new(record.document));
        }
    }
    let scope = grant.consents.iter().fold(Granted::default(), |all, consent| all.union(&consent.scope));
    let site = client.as_deref().and_then(site);
    Ok(Allowed { key: grant.key(), grant, scope, client, site, resources })
}

impl Allowed {
    fn shown(&self) -> App<'_> {
        App {
            key: &self.key,
            client: self.client.as_deref().map(|record| client(record, self.site.as_ref())),
            resources: shown_resources(&self.resources),
            scopes: shown_scopes(&self.resources, &self.scope),
            since: self.grant.created_at,
            changed: self.grant.changed_at,
        }
    }
}

const PAGE: usize = 100;
/// More than anybody allows; a page has an end.
const MOST_SHOWN: usize = 500;
