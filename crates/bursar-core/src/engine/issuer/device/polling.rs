//! A device asks what became of its wish (RFC 8628 §3.4, §3.5).

use jiff::{SignedDuration, Timestamp};

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::exchange::TokenRequest;
use crate::engine::issuer::family_start::Start;
use crate::engine::issuer::records::device::{Device, DeviceStanding};
use crate::engine::issuer::refresh_token::token_digest;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::identifier::Identifier;
use crate::oauth::error::ErrorCode;
use crate::ports::document::{self, Stored};
use crate::ports::store::{Commit, Expected};

impl AuthorizationServer {
    /// Tokens for a device that was let in; or why there are none, or none yet.
    pub(in crate::engine::issuer) async fn redeem_device(
        &self,
        request: &TokenRequest<'_>,
    ) -> Result<TokenAnswer, IssueError> {
        let digest = token_digest(&request.required_secret("device_code")?).0;
        loop {
            let device = document::get::<Device>(self.store(), self.space(), &digest).await?.value;
            let device = device.ok_or_else(|| dead("it was never made, or it is long over"))?;
            if device.document.client != request.client().id {
                return Err(dead("it was made for another client").into());
            }
            let now = self.now();
            let over = device.document.expires_at <= now;
            let consent = match &device.document.standing {
                DeviceStanding::Redeemed { .. } => return Err(dead("it was redeemed before").into()),
                DeviceStanding::Denied => {
                    return Err(Refusal::new(ErrorCode::AccessDenied, "the user does not want this").into());
                }
                DeviceStanding::Allowed(_) | DeviceStanding::Waiting if over => {
                    return Err(Refusal::new(ErrorCode::ExpiredToken, "the device code is too old").into());
                }
                DeviceStanding::Waiting => match self.kept_waiting(&device, now).await? {
                    Some(refusal) => return Err(refusal.into()),
                    // Somebody has decided in this moment, or another question came in between.
                    None => continue,
                },
                DeviceStanding::Allowed(consent) => consent,
            };
            let id = Identifier::new(now, self.random());
            let start = Start {
                id,
                user: &consent.user,
                grant: &consent.grant,
                scope: &consent.scope,
                resources: &device.document.resources,
                sign_in: &consent.sign_in,
                nonce: None,
                sender_key: None,
                dead,
                now,
            };
            let redeemed =
                Device { standing: DeviceStanding::Redeemed { family: id }, ..device.document.clone() };
            let spending =
                document::put(self.engine().batch(), &redeemed, Expected::Version(device.version))?;
            if let Some(answer) = self.begin_family(request, &start, spending).await? {
                return Ok(answer);
            }
        }
    }

    /// Notes that a device has asked, and answers that it must wait; `None`: it has changed meanwhile.
    async fn kept_waiting(
        &self,
        device: &Stored<Device>,
        now: Timestamp,
    ) -> Result<Option<Refusal>, IssueError> {
        let Stored { document: device, version } = device;
        let pause = device.polled_at.map(|polled_at| now.duration_since(polled_at));
        let hasty = pause.is_some_and(|pause| pause + JITTER < device.interval);
        let interval = if hasty { device.interval + SLOWED_BY } else { device.interval };
        let asked = Device { polled_at: Some(now), interval, ..device.clone() };
        let batch = document::put(self.engine().batch(), &asked, Expected::Version(*version))?;
        if let Commit::Conflict { .. } = self.store().commit(batch).await?.value {
            return Ok(None);
        }
        Ok(Some(if hasty {
            let description = format!("ask again after {} seconds, and no sooner", interval.as_secs());
            Refusal::new(ErrorCode::SlowDown, description)
        } else {
            Refusal::new(ErrorCode::AuthorizationPending, "the user has not decided yet")
        }))
    }
}

/// A device code that brings nothing. The peer learns that and no more.
fn dead(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidGrant, "the device code is not valid").because(reason)
}

/// RFC 8628 §3.5.
const SLOWED_BY: SignedDuration = SignedDuration::from_secs(5);
/// A question that was sent in time may arrive a little early, because the one before it was held up.
const JITTER: SignedDuration = SignedDuration::from_millis(500);
