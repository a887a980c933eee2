//! What came of one line.

use serde_json::{Value, json};

use super::checks::{Check, Weight};

/// One line of the examination.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was asked.
    pub check: &'static Check,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a line, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it must be.
    Holds(String),
    /// It is not.
    Broken(String),
    /// It could not be tried, and why.
    Untried(String),
}

/// How bad that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Against a recommendation: some clients will have trouble.
    Warn,
    /// Against a requirement: clients fail, or somebody can attack them.
    Fail,
    /// Nobody knows.
    Untried,
}

impl Line {
    /// How bad it is.
    pub fn verdict(&self) -> Verdict {
        match (&self.outcome, self.check.weight) {
            (Outcome::Holds(_), _) => Verdict::Ok,
            (Outcome::Broken(_), Weight::Must) => Verdict::Fail,
            (Outcome::Broken(_), Weight::Should) => Verdict::Warn,
            (Outcome::Untried(_), _) => Verdict::Untried,
        }
    }

    /// What was seen, or why nothing was.
    pub fn what(&self) -> &str {
        let (Outcome::Holds(what) | Outcome::Broken(what) | Outcome::Untried(what)) = &self.outcome;
        what
    }

    /// For scripts.
    pub fn document(&self) -> Value {
        let is_broken = matches!(self.outcome, Outcome::Broken(_));
        json!({
            "schema": 1,
            "name": self.check.name,
            "verdict": match self.verdict() {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Fail => "fail",
                Verdict::Untried => "untried",
            },
            "what": self.what(),
            "rule": self.check.rule,
            "why": is_broken.then_some(self.check.why),
            "remedy": is_broken.then_some(self.check.remedy),
        })
    }
}
