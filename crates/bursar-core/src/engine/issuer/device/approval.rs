//! A person finds the device that shows a code, sees who asks, and decides (RFC 8628 §3.3).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::user_code::UserCode;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::authorize::{ConsentDecision, SignedIn};
use crate::engine::issuer::consent::Wish;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::records::device::{Device, DeviceConsent, DeviceStanding};
use crate::engine::issuer::records::family::SignIn;
use crate::engine::issuer::records::resource::Resource;
use crate::engine::issuer::records::user::User;
use crate::engine::issuer::refusal::{Fault, IssueError, Refusal};
use crate::engine::issuer::scopes::in_the_name_of;
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected};
use crate::secret::Secret;

/// What comes of a code that somebody typed.
#[derive(Debug)]
pub enum DeviceInquiry {
    /// A device waits under it.
    Found(Box<DevicePrompt>),
    /// None does, or not any more.
    Unknown,
    /// Too many codes were tried; another one is heard after this time.
    TooMany {
        /// How long that is.
        retry_after: Duration,
    },
}

/// What the page shows that asks whether the device may.
#[derive(Debug)]
pub struct DevicePrompt {
    /// As the device shows it, to be compared.
    pub user_code: UserCode,
    /// Who asks.
    pub client: Arc<Client>,
    /// The address it asked from, if it is known.
    pub asked_from: Option<String>,
    /// Where the tokens will be good; none: at this server alone.
    pub resources: Vec<Arc<Resource>>,
    /// What for.
    pub scope: Scope,
    /// Who is asked.
    pub user: Arc<User>,
    /// Comes back with the decision.
    pub ticket: String,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEnd {
    /// The device has access.
    Allowed,
    /// It has none.
    Denied,
    /// Its code came to its end before the decision.
    Expired,
    /// The decision does not count.
    Refused(Refusal),
}

/// A question that waits for its answer in a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingDecision {
    device: String,
    session: String,
    scope: Scope,
}

impl AuthorizationServer {
    /// The device that shows what somebody who is signed in has typed.
    ///
    /// Every try counts, whatever comes of it, so that finding one device earns no further tries.
    pub async fn device_by_user_code(
        &self,
        typed: &str,
        signed_in: &SignedIn,
        source: &Source,
    ) -> Result<DeviceInquiry, IssueError> {
        let Some(code) = UserCode::read(typed) else { return Ok(DeviceInquiry::Unknown) };
        let digest = self.user_code_digest(&code).await?;
        let user = &signed_in.user.document.id;
        for (counter, most) in [
            (format!("user-code:place:{}", source.network()), MOST_OF_A_PLACE),
            (format!("user-code:user:{user}"), MOST_OF_A_USER),
            (format!("user-code:code:{digest}"), MOST_OF_A_CODE),
        ] {
            let tries = self.store().count(self.space(), &counter, 1, WINDOW).await?;
            if tries.value.value > most {
                let wait = tries.value.resets_at.duration_since(tries.time);
                return Ok(DeviceInquiry::TooMany { retry_after: wait.try_into().unwrap_or(WINDOW) });
            }
        }
        let device = self.device_showing(&code).await?.map(|device| device.document);
        let device = device
            .filter(|device| device.standing == DeviceStanding::Waiting && device.expires_at > self.now());
        let Some(device) = device else { return Ok(DeviceInquiry::Unknown) };
        let client = match self.client_of(&device.client).await {
            Ok(client) => client.document,
            // Removed since the device began.
            Err(IssueError::Refused(_)) => return Ok(DeviceInquiry::Unknown),
            Err(error) => return Err(error),
        };
        let resources = match self.known_resources(&device.resources).await {
            Ok(resources) => resources,
            Err(IssueError::Refused(_)) => return Ok(DeviceInquiry::Unknown),
            Err(error) => return Err(error),
        };
        let scope = in_the_name_of(&signed_in.user.document, &device.scope);
        let pending = PendingDecision {
            device: device.digest,
            session: signed_in.session.clone(),
            scope: scope.clone(),
        };
        Ok(DeviceInquiry::Found(Box::new(DevicePrompt {
            user_code: code,
            client,
            asked_from: device.asked_from,
            resources: resources.into_iter().map(|resource| resource.document).collect(),
            scope,
            user: signed_in.user.document.clone(),
            ticket: self.sealed_ticket(&shown_in(source), &pending).await?,
        })))
    }

    /// What a person has decided about the device of a page. Counts once, and only in the browser that showed the page.
    pub async fn decide_device(
        &self,
        ticket: &Secret,
        decision: ConsentDecision,
        signed_in: &SignedIn,
        source: &Source,
    ) -> Result<DeviceEnd, IssueError> {
        let pending = self.opened_ticket::<PendingDecision>(&shown_in(source), ticket).await?;
        let pending = pending.filter(|pending| pending.session == signed_in.session);
        let Some(pending) = pending else {
            return Ok(DeviceEnd::Refused(stale("it was shown in another browser or session")));
        };
        loop {
            let device = document::get::<Device>(self.store(), self.space(), &pending.device).await?.value;
            let Some(device) = device.filter(|device| device.document.expires_at > self.now()) else {
                return Ok(DeviceEnd::Expired);
            };
            if device.document.standing != DeviceStanding::Waiting {
                return Ok(DeviceEnd::Refused(stale("it was answered before")));
            }
            let decided = match self.decided(&device.document, &pending, decision, signed_in).await {
                Ok(decided) => decided,
                Err(IssueError::Refused(refusal)) => return Ok(DeviceEnd::Refused(refusal)),
                Err(error) => return Err(error),
            };
            let (batch, standing) = decided;
            let next = Device { standing, ..device.document };
            let batch = document::put(batch, &next, Expected::Version(device.version))?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) if decision == ConsentDecision::Allow => return Ok(DeviceEnd::Allowed),
                Commit::Done(_) => return Ok(DeviceEnd::Denied),
                // Most often the device has just asked.
                Commit::Conflict { kind, key } => self.within.known.doubt(kind, &key),
            }
        }
    }

    async fn decided(
        &self,
        device: &Device,
        pending: &PendingDecision,
        decision: ConsentDecision,
        signed_in: &SignedIn,
    ) -> Result<(Batch, DeviceStanding), IssueError> {
        let user = &signed_in.user.document.id;
        let event = |name| {
            Event::new(self.now(), name, device.digest.clone())
                .with("client", device.client.clone())
                .with("user", user.clone())
        };
        if decision == ConsentDecision::Deny {
            return Ok((self.engine().batch().event(event("device.denied")), DeviceStanding::Denied));
        }
        let client = self.client_of(&device.client).await?;
        let wish = Wish { user, client: &client, resources: &device.resources, scope: &pending.scope };
        let (batch, grant) = self.agreeing(&wish).await?;
        let consent = DeviceConsent {
            user: user.clone(),
            grant,
            scope: pending.scope.clone(),
            sign_in: SignIn {
                at: signed_in.at,
                methods: signed_in.methods.clone(),
                session: Some(signed_in.session.clone()),
                user_epoch: signed_in.user.document.epoch,
            },
        };
        Ok((batch.event(event("device.allowed")), DeviceStanding::Allowed(Box::new(consent))))
    }
}

/// What a ticket is for, and in which browser.
fn shown_in(source: &Source) -> String {
    format!("device\0{}", source.browser)
}

fn stale(reason: &str) -> Refusal {
    let description = "this page is too old, or was answered already; begin again on the device";
    Refusal::new(ErrorCode::InvalidRequest, description).because(reason).with_fault(Fault::LostPage)
}

/// There are 25 billion codes. Where 300 devices wait at any time, one place finds one of them in sixteen years; and all it
/// has then is that a stranger's device acts for itself.
const WINDOW: Duration = Duration::from_mins(10);
/// A whole office may share one address.
const MOST_OF_A_PLACE: u64 = 100;
/// Nobody has so many devices.
const MOST_OF_A_USER: u64 = 20;
/// Once is enough, and a few times more for whoever goes back and forth.
const MOST_OF_A_CODE: u64 = 10;
