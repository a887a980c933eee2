//! What several targets need: answers, a vault with one account, and the question whether a text gives a secret away.

pub mod answers;
pub mod engine;
pub mod leaks;
