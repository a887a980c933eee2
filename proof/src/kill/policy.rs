//! What a provider does with a spent refresh token, and how its catalogue entry says so.

use std::time::Duration;

use misbehaving_provider::{Behaviour, ReusePolicy, Rotation};

/// A provider's policy, and when bursar comes back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The refresh token never changes.
    NeverRotates,
    /// A spent token goes on working.
    Harmless,
    /// A spent token works for 30 s, and bursar is back within them.
    Grace,
    /// A spent token works for 30 s, and bursar is back only after them.
    GraceMissed,
    /// A spent token works until its successor was used.
    UntilSuccessorUsed,
    /// A spent token is refused and nothing else happens.
    Reject,
    /// A spent token is refused and the whole login dies.
    RevokeFamily,
    /// The same, but the catalogue does not say so.
    Undeclared,
}

impl Policy {
    /// Every policy, from the kindest to the strictest.
    pub const ALL: [Self; 8] = [
        Self::NeverRotates,
        Self::Harmless,
        Self::Grace,
        Self::GraceMissed,
        Self::UntilSuccessorUsed,
        Self::Reject,
        Self::RevokeFamily,
        Self::Undeclared,
    ];

    /// The policy for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::NeverRotates => "the refresh token never changes",
            Self::Harmless => "`harmless`: a spent refresh token goes on working",
            Self::Grace => "`grace`: a spent refresh token works for 30 s, bursar is back at once",
            Self::GraceMissed => "`grace`: a spent refresh token works for 30 s, bursar is back after 40 s",
            Self::UntilSuccessorUsed => {
                "`until_successor_used`: a spent refresh token works until its successor is used"
            }
            Self::Reject => "`reject`: a spent refresh token is refused",
            Self::RevokeFamily => "`revoke_family`: a spent refresh token ends the whole login",
            Self::Undeclared => {
                "undeclared: a spent refresh token ends the whole login, but bursar has not been told"
            }
        }
    }

    /// The provider that behaves so.
    pub(super) fn behaviour(self) -> Behaviour {
        let mut behaviour = Behaviour::default();
        behaviour.token.access_lifetime = ACCESS_LIFE;
        behaviour.token.rotation = match self {
            Self::NeverRotates => Rotation::Never,
            _ => Rotation::Rotate,
        };
        behaviour.token.reuse = match self {
            Self::NeverRotates | Self::Harmless => ReusePolicy::Harmless,
            Self::Grace | Self::GraceMissed => ReusePolicy::Grace { seconds: 30 },
            Self::UntilSuccessorUsed => ReusePolicy::UntilSuccessorUsed,
            Self::Reject => ReusePolicy::Reject,
            Self::RevokeFamily | Self::Undeclared => ReusePolicy::RevokeFamily,
        };
        behaviour
    }

    /// The section `[refresh]` of its catalogue entry.
    pub(super) fn declaration(self) -> &'static str {
        match self {
            Self::NeverRotates => "rotation = \"none\"",
            Self::Harmless => "rotation = \"rotate\"\nreuse = \"harmless\"",
            Self::Grace | Self::GraceMissed => "rotation = \"rotate\"\nreuse = { grace = { seconds = 30 } }",
            Self::UntilSuccessorUsed => "rotation = \"rotate\"\nreuse = \"until_successor_used\"",
            Self::Reject => "rotation = \"rotate\"\nreuse = \"reject\"",
            Self::RevokeFamily => "rotation = \"rotate\"\nreuse = \"revoke_family\"",
            Self::Undeclared => "",
        }
    }

    /// How long after the kill the next process comes.
    pub(super) fn comes_back_after(self) -> Duration {
        match self {
            Self::GraceMissed => Duration::from_secs(40),
            _ => Duration::ZERO,
        }
    }

    /// Whether a second process may wait while the first is killed: it would be back at once.
    pub fn allows_sibling(self) -> bool {
        self != Self::GraceMissed
    }

    /// Whether presenting a token that may be spent can end the login, so that it must not happen while there is an
    /// access token left to lose.
    pub fn is_dangerous(self) -> bool {
        matches!(self, Self::GraceMissed | Self::RevokeFamily | Self::Undeclared)
    }

    /// Whether a spent token still brings new ones when bursar comes back.
    pub fn forgives(self) -> bool {
        matches!(self, Self::NeverRotates | Self::Harmless | Self::Grace | Self::UntilSuccessorUsed)
    }
}

/// How long access tokens live.
pub(super) const ACCESS_LIFE: Duration = Duration::from_hours(1);
