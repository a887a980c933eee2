//! Refusals on their way into the log of events: a moment's worth of them together, and never more than the log can bear.
//!
//! Who is refused costs the store nothing at that time, and whoever is refused again and again takes up a small part of
//! what may be stored, so that other people's refusals are still found.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::engine::issuer::guesses::network_of;
use crate::ports::event::Event;

/// What waits to be stored, and how much more may.
#[derive(Debug, Default)]
pub(in crate::engine::issuer) struct Notes(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    waiting: VecDeque<Event>,
    /// Somebody will store what waits.
    is_expected: bool,
    everybody: Option<Allowance>,
    networks: HashMap<String, Allowance>,
    /// When those who had been quiet were last forgotten.
    swept_at: Option<Timestamp>,
    unnoted: u64,
}

/// What becomes of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It waits, and nobody will store it unless somebody is sent now.
    First,
    /// It waits with others.
    Along,
}

impl Notes {
    /// Whether one more may be noted of what comes from `address`. It counts if so.
    pub(super) fn may_note(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let mut kept = self.kept();
        let Kept { everybody, networks, swept_at, unnoted, .. } = &mut *kept;
        if networks.len() >= MOST_NETWORKS && swept_at.is_none_or(|at| now.duration_since(at).abs() >= SWEPT)
        {
            *swept_at = Some(now);
            networks.retain(|_, allowance| !OF_A_NETWORK.is_full(allowance, now));
        }
        let network = network_of(address);
        let has_place = networks.len() < MOST_NETWORKS || networks.contains_key(&network);
        let network = if has_place { network } else { OTHERS.to_owned() };
        let own = networks.entry(network).or_insert_with(|| OF_A_NETWORK.full(now));
        let all = everybody.get_or_insert_with(|| OF_EVERYBODY.full(now));
        // Their own comes first: who has used it up takes nothing from the others.
        let may = OF_A_NETWORK.take(own, now) && OF_EVERYBODY.take(all, now);
        *unnoted += u64::from(!may);
        may
    }

    /// Lets a note wait.
    pub(super) fn take(&self, event: Event) -> Taken {
        let mut kept = self.kept();
        kept.waiting.push_back(event);
        if kept.waiting.len() > MOST_WAITING {
            kept.waiting.pop_front();
            kept.unnoted += 1;
        }
        if std::mem::replace(&mut kept.is_expected, true) { Taken::Along } else { Taken::First }
    }

    /// Everything that waits, for the store, and how many were not noted.
    pub(super) fn leave(&self) -> (Vec<Event>, u64) {
        let mut kept = self.kept();
        kept.is_expected = false;
        (kept.waiting.drain(..).collect(), std::mem::take(&mut kept.unnoted))
    }

    /// Takes back what could not be stored.
    pub(super) fn take_back(&self, events: Vec<Event>) {
        let mut kept = self.kept();
        for event in events.into_iter().rev() {
            if kept.waiting.len() < MOST_WAITING {
                kept.waiting.push_front(event);
            } else {
                kept.unnoted += 1;
            }
        }
    }

    /// The note of this name, if it still waits.
    pub(super) fn waiting(&self, id: &str) -> Option<Event> {
        self.kept().waiting.iter().find(|event| event.subject == id).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some at once, and then as many as time brings.
#[derive(Clone, Copy, Debug)]
struct Limit {
    at_once: u32,
    /// How long it takes until there may be one more.
    each: SignedDuration,
}

#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: u32,
    counted_at: Timestamp,
}

impl Limit {
    fn full(&self, now: Timestamp) -> Allowance {
        Allowance { left: self.at_once, counted_at: now }
    }

    fn is_full(&self, allowance: &Allowance, now: Timestamp) -> bool {
        let mut later = *allowance;
        self.bring(&mut later, now);
        later.left == self.at_once
    }

    fn take(&self, allowance: &mut Allowance, now: Timestamp) -> bool {
        self.bring(allowance, now);
        let may = allowance.left > 0;
        allowance.left = allowance.left.saturating_sub(1);
        may
    }

    /// Adds what the time since has brought; what is left of it counts on.
    fn bring(&self, allowance: &mut Allowance, now: Timestamp) {
        let passed = now.duration_since(allowance.counted_at);
        if passed.is_negative() {
            // The clock was set back.
            allowance.counted_at = now;
            return;
        }
        let brought = passed.as_millis() / self.each.as_millis().max(1);
        let brought = u32::try_from(brought).unwrap_or(u32::MAX);
        allowance.left = allowance.left.saturating_add(brought).min(self.at_once);
        let used = self.each.checked_mul(i32::try_from(brought).unwrap_or(i32::MAX));
        let counted_at = used.and_then(|used| allowance.counted_at.checked_add(used).ok());
        allowance.counted_at = counted_at.unwrap_or(now);
    }
}

/// More than anybody makes by trying something out; a developer who goes on trying gets one in four seconds.
const OF_A_NETWORK: Limit = Limit { at_once: 30, each: SignedDuration::from_secs(4) };
/// So many networks at their limit as eight, and less than 200 MB in a day of nothing else.
const OF_EVERYBODY: Limit = Limit { at_once: 300, each: SignedDuration::from_millis(500) };
/// Some hundred kilobytes. Those who come when there are more share one allowance.
const MOST_NETWORKS: usize = 4_096;
/// To look through all of them takes longer than to note a refusal, so it is not done for each.
const SWEPT: SignedDuration = SignedDuration::from_secs(1);
const OTHERS: &str = "others";
/// What comes together while the store cannot be written; about a megabyte.
const MOST_WAITING: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn noted(notes: &Notes, from: &str, tries: usize, now: Timestamp) -> usize {
        (0..tries).filter(|_| notes.may_note(Some(address(from)), now)).count()
    }

    #[test]
    fn one_stranger_takes_nothing_from_the_others() {
        let notes = Notes::default();
        assert_eq!(noted(&notes, "192.0.2.1", 100_000, at(0)), 30);
        assert_eq!(noted(&notes, "192.0.2.99", 10, at(0)), 0, "the same network");
        assert_eq!(noted(&notes, "198.51.100.1", 10, at(0)), 10);
        assert_eq!(noted(&notes, "2001:db8::1", 10, at(0)), 10);
        assert_eq!(noted(&notes, "192.0.2.1", 100_000, at(40)), 10, "one in four seconds");
        assert_eq!(noted(&notes, "192.0.2.1", 100_000, at(3)), 0, "the clock was set back");
        assert_eq!(notes.leave().1, 299_970);
    }

    #[test]
    fn many_strangers_fill_nothing_either() {
        let notes = Notes::default();
        let crowd =
            |now| (0..=255_u8).map(|third| noted(&notes, &format!("10.0.{third}.1"), 10, now)).sum::<usize>();
        assert_eq!(crowd(at(0)), 300);
        assert_eq!(crowd(at(10)), 20, "two a second");
        for number in 0..20_000_u32 {
            notes.may_note(Some(IpAddr::V4(number.wrapping_mul(65_537).into())), at(20));
        }
        assert!(notes.kept().networks.len() <= MOST_NETWORKS + 1);
    }

    #[test]
    fn what_could_not_be_stored_waits_in_its_order_and_is_bounded() {
        let notes = Notes::default();
        let event = |number: usize| Event::new(at(0), "request.refused", number.to_string());
        assert_eq!([notes.take(event(0)), notes.take(event(1))], [Taken::First, Taken::Along]);
        let (events, _) = notes.leave();
        assert_eq!(notes.take(event(2)), Taken::First);
        notes.take_back(events);
        let subjects =
            |notes: &Notes| notes.leave().0.into_iter().map(|event| event.subject).collect::<Vec<_>>();
        assert_eq!(subjects(&notes), ["0", "1", "2"]);
        for number in 0..MOST_WAITING + 5 {
            notes.take(event(number));
        }
        assert!(notes.waiting("4").is_none() && notes.waiting("5").is_some());
        assert_eq!(notes.leave().1, 5);
    }
}
