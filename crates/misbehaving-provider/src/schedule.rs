//! Faults that wait for their call.

use crate::fault::{Endpoint, Fault, Times};

/// Injected faults in the order they were injected.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    endpoint: Endpoint,
    fault: Fault,
    times: Times,
}

impl Schedule {
    pub(crate) fn inject(&mut self, endpoint: Endpoint, fault: Fault, times: Times) {
        if times != Times::Exactly(0) {
            self.entries.push(Entry { endpoint, fault, times });
        }
    }

    /// The fault for a call that has just arrived; it is used up.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let position = self.entries.iter().position(|entry| entry.endpoint == endpoint)?;
        let entry = &mut self.entries[position];
        match entry.times {
            Times::Always => Some(entry.fault.clone()),
            Times::Exactly(count) if count > 1 => {
                entry.times = Times::Exactly(count - 1);
                Some(entry.fault.clone())
            }
            Times::Once | Times::Exactly(_) => Some(self.entries.remove(position).fault),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_in_order_and_as_often_as_asked() {
        let mut schedule = Schedule::default();
        schedule.inject(Endpoint::Token, Fault::HtmlOk, Times::Exactly(2));
        schedule.inject(Endpoint::Revoke, Fault::TruncatedJson, Times::Once);
        schedule.inject(Endpoint::Token, Fault::RotatedButLost, Times::Once);
        schedule.inject(Endpoint::Token, Fault::CutAfter(1), Times::Exactly(0));

        let token = |schedule: &mut Schedule| schedule.take(Endpoint::Token);
        assert_eq!(token(&mut schedule), Some(Fault::HtmlOk));
        assert_eq!(token(&mut schedule), Some(Fault::HtmlOk));
        assert_eq!(token(&mut schedule), Some(Fault::RotatedButLost));
        assert_eq!(token(&mut schedule), None);
        assert_eq!(schedule.waiting(), 1);
    }

    #[test]
    fn a_permanent_fault_stays_until_cleared() {
        let mut schedule = Schedule::default();
        schedule.inject(Endpoint::Jwks, Fault::HtmlOk, Times::Always);
        for _ in 0..3 {
            assert_eq!(schedule.take(Endpoint::Jwks), Some(Fault::HtmlOk));
        }
        schedule.clear();
        assert_eq!(schedule.take(Endpoint::Jwks), None);
    }
}
