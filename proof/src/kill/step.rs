//! The steps of a refresh at which a process can die.

use misbehaving_provider::When as HoldAt;

use crate::halting::Place;

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Before the journal is written.
    BeforeJournal,
    /// While the journal is written.
    DuringJournal,
    /// After the journal, before the call.
    AfterJournal,
    /// During the call; the provider never acts on it.
    BeforeProcessing,
    /// During the call; the provider has acted on it.
    AfterProcessing,
    /// After the answer, before anything of it is stored.
    AfterAnswer,
    /// While the new tokens are committed.
    DuringCommit,
    /// After the commit, before anybody sees the new token.
    AfterCommit,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 8] = [
        Self::BeforeJournal,
        Self::DuringJournal,
        Self::AfterJournal,
        Self::BeforeProcessing,
        Self::AfterProcessing,
        Self::AfterAnswer,
        Self::DuringCommit,
        Self::AfterCommit,
    ];

    /// The step for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::BeforeJournal => "before the journal is written",
            Self::DuringJournal => "while the journal is written",
            Self::AfterJournal => "journal written, nothing sent",
            Self::BeforeProcessing => "during the call, provider has not acted",
            Self::AfterProcessing => "during the call, provider has acted",
            Self::AfterAnswer => "answer received, nothing stored",
            Self::DuringCommit => "while the new tokens are committed",
            Self::AfterCommit => "new tokens committed",
        }
    }

    /// How a process is brought to stand still there.
    pub(super) fn way(self) -> Way {
        match self {
            Self::BeforeJournal => Way::Before(Place::BeforeJournal),
            Self::DuringJournal => Way::Before(Place::DuringJournal),
            Self::AfterJournal => Way::Before(Place::AfterJournal),
            Self::BeforeProcessing => Way::During(HoldAt::BeforeProcessing),
            Self::AfterProcessing => Way::During(HoldAt::AfterProcessing),
            Self::AfterAnswer => Way::After(Place::AfterAnswer),
            Self::DuringCommit => Way::After(Place::DuringCommit),
            Self::AfterCommit => Way::After(Place::AfterCommit),
        }
    }

    /// What is certain to be left behind.
    pub fn leaves(self) -> Leaves {
        match self {
            Self::BeforeJournal | Self::DuringJournal => Leaves::Nothing,
            Self::AfterJournal | Self::BeforeProcessing => Leaves::OpenJournal,
            Self::AfterProcessing | Self::AfterAnswer | Self::DuringCommit => Leaves::LostAnswer,
            Self::AfterCommit => Leaves::NewTokens,
        }
    }

    /// Whether the provider has heard of it.
    pub fn has_called(self) -> bool {
        !matches!(self, Self::BeforeJournal | Self::DuringJournal | Self::AfterJournal)
    }
}

/// How a process is brought to stand still at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Before its call, by itself.
    Before(Place),
    /// During its call, which the provider holds.
    During(HoldAt),
    /// After its call, by itself; the provider holds the call for a while, so that others can come to wait.
    After(Place),
}

/// What a killed process leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// The account as it was.
    Nothing,
    /// A journal that nobody closed, over a token that is not spent.
    OpenJournal,
    /// A journal that nobody closed, over a token that is spent.
    LostAnswer,
    /// New tokens.
    NewTokens,
}
