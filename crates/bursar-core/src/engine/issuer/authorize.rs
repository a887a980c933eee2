//! The authorization endpoint: from a client's request to a code, by way of a person who signs in and agrees.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::checks::Inquiry;
use super::code::CODE_PREFIX;
use super::consent::Wish;
use super::denial::Denial;
use super::exchange::{KnownClient, Source};
use super::pushed::Brought;
use super::records::client::{CLIENT, Client};
use super::records::code::Code;
use super::records::family::SignIn;
use super::records::grant::{AgreedBefore, GrantMark};
use super::records::resource::Resource;
use super::records::user::User;
use super::refresh_token::token_digest;
use super::refusal::{Fault, IssueError, Refusal};
use super::scopes::in_the_name_of;
use super::tickets::PendingRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::scope::Scope;
use crate::oauth::server::authorization_request::{AuthorizationRequest, Prompt, parse_parameters};
use crate::oauth::server::authorization_response::AuthorizationResponse;
use crate::oauth::server::redirect_uri::RedirectTarget;
use crate::oauth::server::server_metadata::Endpoint;
use crate::ports::document::{self, Stored};
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected};
use crate::secret::Secret;

/// Who is signed in, in the browser that asks.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Names the session.
    pub session: String,
    /// Who.
    pub user: Stored<Arc<User>>,
    /// When they signed in.
    pub at: Timestamp,
    /// How.
    pub methods: Vec<String>,
}

/// What comes of an authorization request now.
#[derive(Debug)]
pub enum Authorization {
    /// The browser goes back to the client, with a code. As secret as the code.
    Answer(Secret),
    /// The browser goes back to the client, with the reason why there is no code.
    Denied(Box<Denial>),
    /// A person has to sign in first.
    SignIn(SignInPrompt),
    /// A person has to agree first.
    Consent(Box<ConsentPrompt>),
    /// It is refused, and nobody can be trusted with the refusal but the person in front of the browser.
    Refused(Refusal),
}

/// What a sign-in page shows.
#[derive(Debug)]
pub struct SignInPrompt {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer will go.
    pub target: RedirectTarget,
    /// Who the client believes to be there.
    pub login_hint: Option<String>,
    /// Comes back with the sign-in.
    pub ticket: String,
}

/// What a consent page shows.
#[derive(Debug)]
pub struct ConsentPrompt {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub target: RedirectTarget,
    /// Where the tokens will be good; none: at this server alone.
    pub resources: Vec<Arc<Resource>>,
    /// What for.
    pub scope: Scope,
    /// What of it the user has agreed to before.
    pub before: AgreedBefore,
    /// Who is asked.
    pub user: Arc<User>,
    /// Comes back with the decision.
    pub ticket: String,
    /// Goes on with the request for somebody else, as that of a sign-in page does.
    pub again: String,
}

/// What a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDecision {
    /// The client may.
    Allow,
    /// It may not.
    Deny,
}

/// When a user has agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AgreedAt {
    /// By answering this very request.
    Now,
    /// Earlier, so that nothing is asked again.
    Before,
}

/// A request whose checks have all passed.
pub(super) struct Passed {
    pub(super) client: KnownClient,
    pub(super) target: RedirectTarget,
    pub(super) request: AuthorizationRequest,
    scope: Scope,
    /// The only user the client wants to hear of.
    expected_user: Option<String>,
}

impl AuthorizationServer {
    /// Takes an authorization request as it comes to the endpoint (RFC 6749 §4.1.1).
    pub async fn authorize(
        &self,
        query: &str,
        signed_in: Option<&SignedIn>,
        source: &Source,
    ) -> Result<Authorization, IssueError> {
        let Brought { query, pushed } = match self.brought(query).await {
            Ok(brought) => brought,
            Err(IssueError::Refused(refusal)) => return Ok(Authorization::Refused(refusal)),
            Err(error) => return Err(error),
        };
        let pending = PendingRequest {
            query,
            pushed,
            asked_at: self.now(),
            session: signed_in.map(|signed_in| signed_in.session.clone()),
            id: self.new_name(),
            expires_at: self.now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX),
        };
        self.go_on(pending, signed_in, source).await
    }

    /// Goes on with a request that waited for a person to sign in.
    pub async fn authorize_after_sign_in(
        &self,
        ticket: &Secret,
        signed_in: Option<&SignedIn>,
        source: &Source,
    ) -> Result<Authorization, IssueError> {
        let Some(pending) = self.opened_ticket::<PendingRequest>(&shown_in(SIGN_IN, source), ticket).await?
        else {
            return Ok(Authorization::Refused(stale()));
        };
        if pending.expires_at <= self.now() {
            return Ok(Authorization::Refused(stale()));
        }
        let session = signed_in.map(|signed_in| signed_in.session.clone());
        self.go_on(PendingRequest { session, id: self.new_name(), ..pending }, signed_in, source).await
    }

    /// What a person has decided about the request of a consent page.
    pub async fn decide_consent(
        &self,
        ticket: &Secret,
        decision: ConsentDecision,
        signed_in: &SignedIn,
        source: &Source,
    ) -> Result<Authorization, IssueError> {
        let Some(pending) = self.opened_ticket::<PendingRequest>(&shown_in(CONSENT, source), ticket).await?
        else {
            return Ok(Authorization::Refused(stale()));
        };
        if pending.expires_at <= self.now() || pending.session.as_ref() != Some(&signed_in.session) {
            return Ok(Authorization::Refused(
                stale().because("it was shown in another session, or long ago"),
            ));
        }
        if !self.spend(&format!("consent:{}", pending.id), pending.expires_at).await? {
            return Ok(Authorization::Refused(stale().because("it was answered before")));
        }
        let parameters = match parse_parameters(pending.query.as_bytes()) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(refused(&error)),
        };
        let passed = match self.passed(&pending, &parameters).await? {
            Ok(passed) => passed,
            Err(refused) => return Ok(refused),
        };
        let passed = Passed { scope: in_the_name_of(&signed_in.user.document, &passed.scope), ..passed };
        match decision {
            ConsentDecision::Allow => {
                self.grant_code(&pending, &passed, &parameters, signed_in, AgreedAt::Now).await
            }
            ConsentDecision::Deny => {
                let refusal = Refusal::new(ErrorCode::AccessDenied, "the user does not want this");
                Ok(self.refuse(&passed, &parameters, refusal))
            }
        }
    }

    async fn go_on(
        &self,
        pending: PendingRequest,
        signed_in: Option<&SignedIn>,
        source: &Source,
    ) -> Result<Authorization, IssueError> {
        let parameters = match parse_parameters(pending.query.as_bytes()) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(refused(&error)),
        };
        let passed = match self.passed(&pending, &parameters).await? {
            Ok(passed) => passed,
            Err(refused) => return Ok(refused),
        };
        let request = &passed.request;
        let silent = request.prompt.contains(Prompt::None);
        let other = signed_in.filter(|signed_in| !passed.is_for(&signed_in.user.document));
        if other.is_some_and(|other| silent || other.at >= pending.asked_at) {
            // OIDC Core §3.1.2.1: not even who has just signed in for this request may take the expected user's place.
            let refusal = Refusal::new(ErrorCode::LoginRequired, "another user is signed in");
            let refusal = refusal.because("`id_token_hint` names another user than the one signed in");
            return Ok(self.refuse(&passed, &parameters, refusal));
        }
        let signed_in = signed_in.filter(|signed_in| {
            other.is_none() && !self.must_sign_in_anew(&passed, signed_in, pending.asked_at)
        });
        let Some(signed_in) = signed_in else {
            if silent {
                let refusal = Refusal::new(ErrorCode::LoginRequired, "nobody is signed in");
                return Ok(self.refuse(&passed, &parameters, refusal));
            }
            return Ok(Authorization::SignIn(SignInPrompt {
                login_hint: request.login_hint.clone(),
                ticket: self.sealed_ticket(&shown_in(SIGN_IN, source), &pending).await?,
                client: passed.client.document,
                target: passed.target,
            }));
        };
        let passed = Passed { scope: in_the_name_of(&signed_in.user.document, &passed.scope), ..passed };
        let request = &passed.request;
        let grant = self.grant_of(&signed_in.user.document.id, &passed.client.document.id).await?;
        let digest = passed.client.document.consent_digest();
        let agreed = grant
            .as_ref()
            .is_some_and(|grant| grant.document.covers(&request.resources, &passed.scope, &digest));
        if agreed && !request.prompt.contains(Prompt::Consent) {
            return self.grant_code(&pending, &passed, &parameters, signed_in, AgreedAt::Before).await;
        }
        if silent {
            let refusal = Refusal::new(ErrorCode::ConsentRequired, "the user has not agreed to this yet");
            return Ok(self.refuse(&passed, &parameters, refusal));
        }
        let resources = self.known_resources(&request.resources).await?;
        let before = grant.map(|grant| grant.document.agreed_before(&request.resources, &digest));
        Ok(Authorization::Consent(Box::new(ConsentPrompt {
            resources: resources.into_iter().map(|resource| resource.document).collect(),
            scope: passed.scope,
            before: before.unwrap_or_default(),
            user: signed_in.user.document.clone(),
            ticket: self.sealed_ticket(&shown_in(CONSENT, source), &pending).await?,
            again: self.sealed_ticket(&shown_in(SIGN_IN, source), &pending).await?,
            client: passed.client.document,
            target: passed.target,
        })))
    }

    /// Runs the checks. Once the address is known to be the client's, a refusal goes there.
    pub(super) async fn passed(
        &self,
        pending: &PendingRequest,
        parameters: &Parameters,
    ) -> Result<Result<Passed, Authorization>, IssueError> {
        let mut inquiry = Inquiry::new(Endpoint::Authorization, parameters, None, &[]);
        inquiry.pushed = pending.pushed.is_some();
        let checked = self.check(&mut inquiry).await;
        let Inquiry { client, target, request, scope, expected_user, .. } = inquiry;
        match (checked, client, target, request, scope) {
            (Ok(()), Some(client), Some(target), Some(request), Some(scope)) => {
                Ok(Ok(Passed { client, target, request, scope, expected_user }))
            }
            (Err(IssueError::Refused(refusal)), Some(client), Some(target), ..) => {
                Ok(Err(self.denied(&client, target, parameters, refusal)))
            }
            (Err(IssueError::Refused(refusal)), ..) => Ok(Err(Authorization::Refused(refusal))),
            (Err(error), ..) => Err(error),
            (Ok(()), ..) => Ok(Err(Authorization::Refused(stale()))),
        }
    }

    fn must_sign_in_anew(&self, passed: &Passed, signed_in: &SignedIn, asked_at: Timestamp) -> bool {
        let request = &passed.request;
        let wants_new =
            request.prompt.contains(Prompt::Login) || request.prompt.contains(Prompt::SelectAccount);
        if wants_new && signed_in.at < asked_at {
            return true;
        }
        let default = passed.client.document.metadata.default_max_age;
        let default = default.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
        let oldest = request.max_age.or(default);
        oldest
            .is_some_and(|oldest| signed_in.at < asked_at && self.now().duration_since(signed_in.at) > oldest)
    }

    /// A code, and with it what the user agreed to if that is new.
    async fn grant_code(
        &self,
        pending: &PendingRequest,
        passed: &Passed,
        parameters: &Parameters,
        signed_in: &SignedIn,
        agreed: AgreedAt,
    ) -> Result<Authorization, IssueError> {
        match self.new_code(pending, passed, parameters, signed_in, agreed).await {
            Ok(code) => Ok(Authorization::Answer(self.response(&passed.target, parameters).granting(&code))),
            Err(IssueError::Refused(refusal)) => Ok(self.refuse(passed, parameters, refusal)),
            Err(error) => Err(error),
        }
    }

    async fn new_code(
        &self,
        pending: &PendingRequest,
        passed: &Passed,
        parameters: &Parameters,
        signed_in: &SignedIn,
        agreed: AgreedAt,
    ) -> Result<Secret, IssueError> {
        if let Some(pushed) = &pending.pushed {
            self.use_up_pushed(pushed, pending.expires_at).await?;
        }
        let mut client = passed.client.clone();
        loop {
            let wish = Wish {
                user: &signed_in.user.document.id,
                client: &client,
                resources: &passed.request.resources,
                scope: &passed.scope,
            };
            let (batch, grant) = match agreed {
                AgreedAt::Now => self.agreeing(&wish).await?,
                AgreedAt::Before => self.having_agreed(&wish).await?,
            };
            let code = Secret::new(format!("{CODE_PREFIX}{}", unguessable(self.random()).expose()));
            let record = self.code_record(&code, passed, parameters, &grant, signed_in);
            let batch = document::put(batch, &record, Expected::Absent)?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(code),
                Commit::Conflict { kind, key } => {
                    self.within.known.doubt(kind, &key);
                    if kind == CLIENT.name {
                        // Somebody else may have been the first to agree to it; but it must be what this user was shown.
                        client = self.client_of(&key).await?;
                        let shown = passed.client.document.metadata.to_object();
                        if client.document.metadata.to_object() != shown {
                            let description = "the client is just being changed";
                            return Err(Refusal::new(ErrorCode::TemporarilyUnavailable, description).into());
                        }
                    }
                }
            }
        }
    }

    fn code_record(
        &self,
        code: &Secret,
        passed: &Passed,
        parameters: &Parameters,
        grant: &GrantMark,
        signed_in: &SignedIn,
    ) -> Code {
        let expires_at = self.now().saturating_add(self.rules().lifetimes.code).unwrap_or(Timestamp::MAX);
        Code {
            digest: token_digest(code).0,
            client: passed.client.document.id.clone(),
            user: signed_in.user.document.id.clone(),
            grant: grant.clone(),
            redirect_uri: passed.target.as_str().to_owned(),
            redirect_uri_was_sent: parameters.value("redirect_uri").is_some(),
            challenge: passed.request.challenge.as_str().to_owned(),
            scope: passed.scope.clone(),
            resources: passed.request.resources.clone(),
            nonce: passed.request.nonce.clone(),
            sign_in: SignIn {
                at: signed_in.at,
                methods: signed_in.methods.clone(),
                session: Some(signed_in.session.clone()),
                user_epoch: signed_in.user.document.epoch,
            },
            sender_key: passed.request.dpop_jkt.clone(),
            expires_at,
            redeemed: None,
            remembered_until: expires_at.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX),
        }
    }

    fn refuse(&self, passed: &Passed, parameters: &Parameters, refusal: Refusal) -> Authorization {
        self.denied(&passed.client, passed.target.clone(), parameters, refusal)
    }

    fn denied(
        &self,
        client: &KnownClient,
        target: RedirectTarget,
        parameters: &Parameters,
        refusal: Refusal,
    ) -> Authorization {
        Authorization::Denied(Box::new(Denial {
            refusal,
            client: client.document.id.clone(),
            target,
            issuer: self.rules().issuer.clone(),
            state: parameters.secret("state").cloned(),
        }))
    }

    fn response<'a>(
        &'a self,
        target: &'a RedirectTarget,
        parameters: &'a Parameters,
    ) -> AuthorizationResponse<'a> {
        AuthorizationResponse { target, issuer: &self.rules().issuer, state: parameters.secret("state") }
    }
}

impl Passed {
    /// Whether the client may hear of this user.
    fn is_for(&self, user: &User) -> bool {
        self.expected_user.as_ref().is_none_or(|expected| *expected == user.id)
    }
}

pub(super) fn refused(error: &dyn std::error::Error) -> Authorization {
    Authorization::Refused(Refusal::new(ErrorCode::InvalidRequest, error.to_string()))
}

fn stale() -> Refusal {
    Refusal::new(
        ErrorCode::InvalidRequest,
        "this page is too old, or was answered already; begin again in the app",
    )
    .with_fault(Fault::LostPage)
}

/// What a ticket is for, and in which browser.
pub(super) fn shown_in(page: &str, source: &Source) -> String {
    format!("{page}\0{}", source.browser)
}

pub(super) const SIGN_IN: &str = "sign-in";
const CONSENT: &str = "consent";
/// As long as a person may leave a page alone.
pub(super) const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(30);
/// So long a second use of a code ends what the first brought.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
