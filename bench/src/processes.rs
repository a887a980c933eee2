//! Runs whole processes, turn by turn, and times each from its start to its end.

use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;

use crate::sample::Sample;

/// A command line that is run again and again.
#[derive(Debug)]
pub(crate) struct Contestant {
    /// What the table calls it.
    pub(crate) name: String,
    program: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Its times.
    pub(crate) sample: Sample,
}

impl Contestant {
    /// A program that sees these variables and no others.
    pub(crate) fn new(
        name: impl Into<String>,
        program: impl Into<String>,
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            variables: variables.to_vec(),
            sample: Sample::default(),
        }
    }

    /// Runs it once and takes what it prints, to be sure that it does what is going to be timed.
    pub(crate) fn printed(&self) -> Result<String> {
        let Output { status, stdout, stderr } =
            self.command().output().with_context(|| format!("{} cannot be started", self.program))?;
        ensure!(status.success(), "{} failed: {}", self.name, String::from_utf8_lossy(&stderr));
        Ok(String::from_utf8(stdout)?)
    }

    fn run(&mut self) -> Result<()> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = SystemClock.stopwatch();
        let status = command.spawn()?.wait()?;
        let time = SystemClock.stopwatch().saturating_sub(start);
        ensure!(status.success(), "{} ended with {status}", self.name);
        self.sample.add(time);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Lets each run once in every round; the first rounds warm the caches and do not count.
pub(crate) fn compete(contestants: &mut [Contestant], rounds: usize) -> Result<()> {
    for round in 0..rounds + WARM_UP {
        if round == WARM_UP {
            for contestant in &mut *contestants {
                contestant.sample = Sample::default();
            }
        }
        for contestant in &mut *contestants {
            contestant.run()?;
        }
    }
    Ok(())
}

/// After so many runs every page that is needed is in memory.
const WARM_UP: usize = 5;
