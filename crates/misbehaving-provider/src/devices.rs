//! Device codes (RFC 8628): pending, approved, or gone, with the pace of polling judged by the clock.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::behaviour::device::DeviceApproval;
use crate::ledger::Grant;

/// A device code as it was issued.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) grant: Grant,
    pub(crate) user_code: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) interval: SignedDuration,
    pub(crate) approved: bool,
    pub(crate) polls: u32,
    pub(crate) last_poll: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Devices {
    devices: HashMap<String, Device>,
}

/// Errors of a poll (RFC 8628 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollRefusal {
    Unknown,
    Pending,
    SlowDown,
    Denied,
    Expired,
}

impl Devices {
    pub(crate) fn issue(&mut self, device_code: String, device: Device) {
        self.devices.insert(device_code, device);
    }

    /// The user opened the page with this code; `false` when no such code is open.
    pub(crate) fn approve(&mut self, user_code: &str) -> bool {
        let device = self.devices.values_mut().find(|device| device.user_code == user_code);
        device.map(|device| device.approved = true).is_some()
    }

    /// One poll. An approved code is used up by it.
    pub(crate) fn poll(
        &mut self,
        device_code: &str,
        client: &str,
        now: Timestamp,
        approval: DeviceApproval,
    ) -> Result<Grant, PollRefusal> {
        let device = self.devices.get_mut(device_code).filter(|device| device.grant.client == client);
        let device = device.ok_or(PollRefusal::Unknown)?;
        if device.expires_at <= now || approval == DeviceApproval::Expire {
            return Err(PollRefusal::Expired);
        }
        let previous = device.last_poll.replace(now);
        if previous.is_some_and(|previous| now.duration_since(previous) < device.interval) {
            // RFC 8628 §3.5: the interval grows by 5 seconds, for this and all later polls.
            device.interval += SignedDuration::from_secs(5);
            return Err(PollRefusal::SlowDown);
        }
        device.polls += 1;
        let approved = match approval {
            DeviceApproval::Deny => return Err(PollRefusal::Denied),
            DeviceApproval::After { polls } => device.approved || device.polls > polls,
            DeviceApproval::Never | DeviceApproval::Expire => device.approved,
        };
        if !approved {
            return Err(PollRefusal::Pending);
        }
        self.devices.remove(device_code).map(|device| device.grant).ok_or(PollRefusal::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices() -> Devices {
        let grant =
            Grant { client: "app".into(), identity: None, scope: String::new(), resource: None, nonce: None };
        let device = Device {
            grant,
            user_code: "ABCD-EFGH".into(),
            expires_at: Timestamp::from_second(600).unwrap(),
            interval: SignedDuration::from_secs(5),
            approved: false,
            polls: 0,
            last_poll: None,
        };
        let mut devices = Devices::default();
        devices.issue("device".into(), device);
        devices
    }

    fn poll(devices: &mut Devices, second: i64, approval: DeviceApproval) -> Result<(), PollRefusal> {
        devices.poll("device", "app", Timestamp::from_second(second).unwrap(), approval).map(|_| ())
    }

    #[test]
    fn approval_comes_after_the_pending_polls_and_only_once() {
        let mut devices = devices();
        let approval = DeviceApproval::After { polls: 2 };
        assert_eq!(poll(&mut devices, 5, approval), Err(PollRefusal::Pending));
        assert_eq!(poll(&mut devices, 10, approval), Err(PollRefusal::Pending));
        assert_eq!(poll(&mut devices, 15, approval), Ok(()));
        assert_eq!(poll(&mut devices, 20, approval), Err(PollRefusal::Unknown));
    }

    #[test]
    fn each_fast_poll_adds_five_seconds() {
        let mut devices = devices();
        let approval = DeviceApproval::After { polls: 1 };
        assert_eq!(poll(&mut devices, 5, approval), Err(PollRefusal::Pending));
        assert_eq!(poll(&mut devices, 9, approval), Err(PollRefusal::SlowDown));
        assert_eq!(poll(&mut devices, 14, approval), Err(PollRefusal::SlowDown));
        assert_eq!(poll(&mut devices, 29, approval), Ok(()));
    }

    #[test]
    fn denial_expiry_and_absence_are_told_apart() {
        assert_eq!(poll(&mut devices(), 5, DeviceApproval::Deny), Err(PollRefusal::Denied));
        assert_eq!(poll(&mut devices(), 5, DeviceApproval::Expire), Err(PollRefusal::Expired));
        assert_eq!(poll(&mut devices(), 600, DeviceApproval::After { polls: 0 }), Err(PollRefusal::Expired));
        assert_eq!(poll(&mut devices(), 5, DeviceApproval::Never), Err(PollRefusal::Pending));
    }

    #[test]
    fn a_visit_to_the_page_approves() {
        let mut devices = devices();
        assert!(!devices.approve("WRONG"));
        assert!(devices.approve("ABCD-EFGH"));
        assert_eq!(poll(&mut devices, 5, DeviceApproval::Never), Ok(()));
    }
}
