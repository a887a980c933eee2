//! The life of a family: one line of refresh tokens, each of which replaces the one before (RFC 9700 §4.14.2).
//!
//! A client may lose an answer, or ask from many processes at once, and must not lose its login for that: for a moment
//! the token that was just replaced brings the same successor again. Anything older was seen by somebody who should
//! not have it, and ends the family. What each case does is told in `docs/rotation.md`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;

/// Where a line of refresh tokens stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts the rotations.
    pub generation: u32,
    /// Digest of the token that is good now.
    pub current: TokenDigest,
    /// When it was made.
    pub rotated_at: Timestamp,
    /// The token before it; `None` for the first.
    pub previous: Option<Previous>,
    /// How many rotations in a row were asked for again from somewhere else.
    pub wandering: u8,
    /// It ends unless it is used before this.
    pub idle_until: Timestamp,
    /// It ends then, however much it is used.
    pub ends_at: Timestamp,
}

/// The token that the current one replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its digest.
    pub digest: TokenDigest,
    /// What it brought; `None`: an earlier build replaced it, and what that kept cannot be read any more.
    #[serde(default)]
    pub brought: Option<Answered>,
    /// Where it was spent from, as a digest.
    pub source: String,
    /// Somebody else asked for the same answer again.
    pub asked_elsewhere: bool,
}

/// What a token brought that was spent. Whoever shows the same token again gets the same from this, because no part of it
/// is chance any more; nobody else can make anything of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The access token.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What it is good for; `None`: all that was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Where it is good; `None`: everywhere that was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceSet>,
    /// The key it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_key: Option<Thumbprint>,
}

/// What tells one access token from all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its name (RFC 7519 §4.1.7, `jti`).
    pub id: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// SHA-256 of a token, as base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDigest(pub String);

/// An authentic token of the family, as somebody shows it.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The generation it names.
    pub generation: u32,
    /// Its digest.
    pub digest: TokenDigest,
    /// Where it comes from, as a digest.
    pub source: &'a str,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The longest time between two uses.
    pub idle: SignedDuration,
    /// How long the token before is answered with the same successor.
    pub window: SignedDuration,
}

/// What becomes of a token that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the current one: it is replaced.
    Rotate,
    /// It was replaced a moment ago: the same answer again.
    Repeat {
        /// The first one asked from somewhere else: that is noted.
        from_elsewhere: bool,
    },
    /// It must not exist any more, or never did: the family ends.
    Replay(Replay),
    /// It is newer than what the store knows: the store has lost something, and the client is not to blame.
    StoreBehind,
    /// Its time is over.
    Ended(End),
}

/// Why a token counts as replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It was replaced more than one rotation ago.
    Old,
    /// It was replaced by the last rotation, and the window is over.
    AfterWindow,
    /// The last three rotations were all asked for again from somewhere else: two share this login, and the window is
    /// closed to them.
    Wandering,
    /// Its generation is known, and it is another token.
    Forked,
}

/// Which of its times is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was not used for too long.
    Idle,
    /// The login is too old.
    Absolute,
}

impl Line {
    /// A new line with its first token.
    pub fn begin(first: TokenDigest, idle: SignedDuration, absolute: SignedDuration, now: Timestamp) -> Self {
        let ends_at = later(now, absolute);
        Self {
            generation: 0,
            current: first,
            rotated_at: now,
            previous: None,
            wandering: 0,
            idle_until: later(now, idle).min(ends_at),
            ends_at,
        }
    }

    /// Decides about a token of this line.
    pub fn judge(&self, shown: &Shown<'_>, pace: &Pace, now: Timestamp) -> Verdict {
        if self.ends_at <= now {
            return Verdict::Ended(End::Absolute);
        }
        if self.idle_until <= now {
            return Verdict::Ended(End::Idle);
        }
        if shown.generation > self.generation {
            return Verdict::StoreBehind;
        }
        if shown.generation == self.generation {
            let is_current = shown.digest == self.current;
            return if is_current { Verdict::Rotate } else { Verdict::Replay(Replay::Forked) };
        }
        let Some(previous) = self.previous.as_ref().filter(|_| shown.generation + 1 == self.generation)
        else {
            return Verdict::Replay(Replay::Old);
        };
        if previous.digest != shown.digest {
            return Verdict::Replay(Replay::Forked);
        }
        if !self.answers_again(pace, now) {
            return Verdict::Replay(Replay::AfterWindow);
        }
        let is_elsewhere = previous.source != shown.source;
        if is_elsewhere && self.wandering >= MOST_WANDERINGS {
            return Verdict::Replay(Replay::Wandering);
        }
        Verdict::Repeat { from_elsewhere: is_elsewhere && !previous.asked_elsewhere }
    }

    /// The line after its current token was replaced by `next` and brought `answer`.
    #[must_use]
    pub fn rotated(
        self,
        next: TokenDigest,
        answer: Answered,
        source: &str,
        pace: &Pace,
        now: Timestamp,
    ) -> Self {
        let wandered = self.previous.is_some_and(|previous| previous.asked_elsewhere);
        let previous = Previous {
            digest: self.current,
            brought: Some(answer),
            source: source.to_owned(),
            asked_elsewhere: false,
        };
        Self {
            generation: self.generation + 1,
            current: next,
            rotated_at: now,
            previous: Some(previous),
            wandering: if wandered { self.wandering.saturating_add(1) } else { 0 },
            idle_until: later(now, pace.idle).min(self.ends_at),
            ends_at: self.ends_at,
        }
    }

    /// The line after its current token was used and stays.
    #[must_use]
    pub fn used(self, pace: &Pace, now: Timestamp) -> Self {
        Self { idle_until: later(now, pace.idle).min(self.ends_at), ..self }
    }

    /// The line after somebody else asked for the last answer again.
    #[must_use]
    pub fn asked_elsewhere(mut self) -> Self {
        if let Some(previous) = &mut self.previous {
            previous.asked_elsewhere = true;
        }
        self
    }

    /// Whether the token that was replaced last would still be answered.
    pub fn answers_again(&self, pace: &Pace, now: Timestamp) -> bool {
        // A clock that was set back makes the window longer, not the family end.
        now < later(self.rotated_at, pace.window)
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// One process that changes its network asks from elsewhere once; the fourth time in a row it is another process.
const MOST_WANDERINGS: u8 = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(text: &str) -> TokenDigest {
        TokenDigest(text.to_owned())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn pace() -> Pace {
        Pace { idle: SignedDuration::from_secs(1_000), window: SignedDuration::from_secs(60) }
    }

    fn answered() -> Answered {
        let stamp = Stamp { id: "a1".to_owned(), issued_at: at(0), expires_at: at(900) };
        Answered { stamp, scope: None, resources: None, sender_key: None }
    }

    fn first() -> Line {
        Line::begin(digest("t0"), SignedDuration::from_secs(1_000), SignedDuration::from_secs(5_000), at(0))
    }

    /// The line after `count` rotations, one a hundred seconds.
    fn after(count: u32) -> Line {
        (1..=count).fold(first(), |line, number| {
            let now = at(i64::from(number) * 100);
            line.rotated(digest(&format!("t{number}")), answered(), "home", &pace(), now)
        })
    }

    fn shown<'a>(generation: u32, text: &str, source: &'a str) -> Shown<'a> {
        Shown { generation, digest: digest(text), source }
    }

    #[test]
    fn every_token_a_client_can_show_has_one_verdict() {
        use Verdict::{Ended, Repeat, Replay as Replayed, Rotate, StoreBehind};
        let line = after(2);
        for (now, generation, text, source, verdict) in [
            (201, 2, "t2", "home", Rotate),
            (201, 2, "t2", "away", Rotate),
            (201, 1, "t1", "home", Repeat { from_elsewhere: false }),
            (259, 1, "t1", "away", Repeat { from_elsewhere: true }),
            (260, 1, "t1", "home", Replayed(Replay::AfterWindow)),
            (201, 0, "t0", "home", Replayed(Replay::Old)),
            (201, 1, "x", "home", Replayed(Replay::Forked)),
            (201, 2, "x", "home", Replayed(Replay::Forked)),
            (201, 3, "t3", "home", StoreBehind),
            (1_199, 2, "t2", "home", Rotate),
            (1_200, 2, "t2", "home", Ended(End::Idle)),
            (1_200, 0, "t0", "home", Ended(End::Idle)),
            (5_000, 2, "t2", "home", Ended(End::Absolute)),
            // The clock was set back: nothing is lost.
            (-500, 2, "t2", "home", Rotate),
            (-500, 1, "t1", "home", Repeat { from_elsewhere: false }),
        ] {
            let found = line.judge(&shown(generation, text, source), &pace(), at(now));
            assert_eq!(found, verdict, "{text} of generation {generation} from {source} at {now}");
        }
    }

    #[test]
    fn a_line_that_an_earlier_build_wrote_goes_on() {
        let mut written = serde_json::to_value(after(1)).unwrap();
        let previous = written["previous"].as_object_mut().unwrap();
        previous.remove("brought");
        previous.insert("answer".to_owned(), "sealed".into());
        let line: Line = serde_json::from_value(written).unwrap();
        assert_eq!(line.previous.as_ref().unwrap().brought, None);
        let verdict = |generation, text| line.judge(&shown(generation, text, "home"), &pace(), at(101));
        assert_eq!(verdict(1, "t1"), Verdict::Rotate);
        // Whoever asks again gets nothing, and loses nothing.
        assert_eq!(verdict(0, "t0"), Verdict::Repeat { from_elsewhere: false });
    }

    #[test]
    fn idle_and_absolute_ends_hold_and_the_absolute_one_survives_rotation() {
        let mut line = first();
        for number in 1..=7 {
            line = line.rotated(digest("t"), answered(), "home", &pace(), at(number * 700));
            assert_eq!(line.ends_at, at(5_000));
            assert!(line.idle_until <= line.ends_at);
        }
        assert_eq!(line.idle_until, at(5_000));
    }

    #[test]
    fn three_rotations_in_a_row_asked_for_elsewhere_close_the_window_to_strangers() {
        let mut line = first();
        for number in 1..=4_u32 {
            let now = at(i64::from(number) * 100);
            line = line.rotated(digest(&format!("t{number}")), answered(), "home", &pace(), now);
            let again = line.judge(&shown(number - 1, &last(number), "away"), &pace(), now);
            if number <= 3 {
                assert_eq!(again, Verdict::Repeat { from_elsewhere: true }, "rotation {number}");
                line = line.asked_elsewhere();
                let twice = line.judge(&shown(number - 1, &last(number), "away"), &pace(), now);
                assert_eq!(twice, Verdict::Repeat { from_elsewhere: false }, "noted once");
            } else {
                assert_eq!(again, Verdict::Replay(Replay::Wandering));
                let own = line.judge(&shown(number - 1, &last(number), "home"), &pace(), now);
                assert_eq!(
                    own,
                    Verdict::Repeat { from_elsewhere: false },
                    "who spent it may lose its answer"
                );
            }
        }
    }

    fn last(number: u32) -> String {
        if number == 1 { "t0".to_owned() } else { format!("t{}", number - 1) }
    }

    #[test]
    fn one_rotation_asked_for_once_sets_the_count_back() {
        let wandering = Line { wandering: 2, ..after(1) };
        assert_eq!(wandering.clone().rotated(digest("t"), answered(), "", &pace(), at(200)).wandering, 0);
        let again = wandering.asked_elsewhere();
        assert_eq!(again.rotated(digest("t"), answered(), "", &pace(), at(200)).wandering, 3);
    }

    proptest! {
        #[test]
        fn at_most_one_token_of_a_line_rotates_it(rotations in 0_u32..6, now in 0_i64..6_000) {
            let line = after(rotations);
            let verdicts = (0..=rotations + 1).map(|generation| {
                line.judge(&shown(generation, &format!("t{generation}"), "home"), &pace(), at(now))
            });
            prop_assert!(verdicts.filter(|verdict| *verdict == Verdict::Rotate).count() <= 1);
        }
    }
}
