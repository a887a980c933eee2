//! Where a command runs, and which account a provider's name means there.
//!
//! [`prefer`] decides, and is pure: rules and [`Surroundings`] in, one account out. [`Surroundings`] are read apart from it,
//! so that the agent can decide for a caller whose folder it is told. [`choose`] is what callers want. What a rule may say
//! is in `config`.

mod choice;
mod git_config;
mod pattern;
mod preference;
mod remote;
mod rules;
mod surroundings;

pub use self::choice::{ChoiceError, choose};
pub use self::pattern::is_folder_pattern;
pub use self::preference::{from_environment, preference};
pub use self::remote::is_remote_pattern;
pub use self::rules::{Doubt, Undecided, prefer};
pub use self::surroundings::{LOOKED_AT, Surroundings, Unreadable};
