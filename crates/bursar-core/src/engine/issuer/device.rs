//! The device grant (RFC 8628): a device shows a short code, and its user lets it in on another one.
//!
//! Two codes name one record. The device code is long and only the device has it; the user code is short enough to be typed,
//! so guessing at it is counted. What becomes tokens, and when, is one conditional write each.

mod approval;
mod polling;
mod user_code;

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::records::device::{Device, DeviceStanding};
use super::refresh_token::token_digest;
use super::refusal::IssueError;
use super::token::ClientRequest;
use crate::oauth::server::server_metadata::Endpoint;
use crate::ports::document::{self, Stored};
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected, Page};
use crate::secret::Secret;

pub use approval::{DeviceEnd, DeviceInquiry, DevicePrompt};
pub use user_code::UserCode;

/// What a device hears when it begins (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAnswer {
    /// What it asks with.
    pub device_code: Secret,
    /// What it shows.
    pub user_code: UserCode,
    /// Where its user types that.
    pub verification_uri: String,
    /// The same with the code in it, if the operator wants that.
    pub verification_uri_complete: Option<Secret>,
    /// How long both codes are good.
    pub expires_in: SignedDuration,
    /// How long it waits between two questions.
    pub interval: SignedDuration,
}

impl AuthorizationServer {
    /// Lets a device begin (RFC 8628 §3.1).
    pub async fn begin_device(&self, request: &ClientRequest<'_>) -> Result<DeviceAnswer, IssueError> {
        let request = self.believed(Endpoint::DeviceAuthorization, request).await?;
        self.admit(&request, "device", MOST_OF_A_PLACE).await?;
        let resources = request.resources()?;
        let asked = request.scope()?;
        let scope = self.offered_scope(request.client(), &resources, asked.as_ref()).await?;
        let now = self.now();
        let lifetime = self.rules().lifetimes.device_code;
        let expires_at = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        loop {
            let user_code = UserCode::draw(self.random());
            let digest = self.user_code_digest(&user_code).await?;
            if self.device_of(&digest).await?.is_some() {
                continue;
            }
            let device_code = Secret::new(format!("{PREFIX}{}", unguessable(self.random()).expose()));
            let device = Device {
                digest: token_digest(&device_code).0,
                user_code: digest,
                client: request.client().id.clone(),
                scope: scope.clone(),
                resources: resources.clone(),
                asked_from: request.source.address.map(|address| address.to_string()),
                expires_at,
                interval: INTERVAL,
                polled_at: None,
                standing: DeviceStanding::Waiting,
                remembered_until: expires_at.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX),
            };
            let batch = document::put(self.engine().batch(), &device, Expected::Absent)?;
            if let Commit::Conflict { .. } = self.store().commit(batch).await?.value {
                continue;
            }
            let verification_uri = Endpoint::DeviceVerification.url(&self.rules().issuer);
            let complete =
                || Secret::new(format!("{verification_uri}?user_code={}", user_code.shown().expose()));
            return Ok(DeviceAnswer {
                verification_uri_complete: self.rules().complete_verification_uri.then(complete),
                device_code,
                user_code,
                verification_uri,
                expires_in: lifetime,
                interval: INTERVAL,
            });
        }
    }

    /// The one device whose user code has this digest. Where two have the same, by a chance of one in billions, neither can
    /// be told from the other.
    async fn device_of(&self, digest: &str) -> Result<Option<Stored<Device>>, IssueError> {
        let kind = <Device as document::Document>::KIND;
        let found = self.store().find(self.space(), kind, "user_code", digest, Page::first(2)).await?.value;
        match found.as_slice() {
            [one] => Ok(Some(document::decode(one)?)),
            _ => Ok(None),
        }
    }

    /// The one device that shows this code.
    async fn device_showing(&self, code: &UserCode) -> Result<Option<Stored<Device>>, IssueError> {
        for digest in code.digests(&self.secrets().await?.user_codes) {
            if let Some(device) = self.device_of(&digest).await? {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }

    async fn user_code_digest(&self, code: &UserCode) -> Result<String, IssueError> {
        Ok(code.digest(&self.secrets().await?.user_codes))
    }
}

/// More than a whole office begins in ten minutes; each is a record that stays for more than an hour.
const MOST_OF_A_PLACE: u64 = 300;
/// What every device code begins with.
const PREFIX: &str = "bdc_";
/// RFC 8628 §3.5 takes it where nothing is said.
const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// A device that asks after its end is told that it has ended, not that it never was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
