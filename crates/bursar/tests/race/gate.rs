//! A gate that lets many processes start at the same moment.

use std::io::{PipeReader, PipeWriter};
use std::process::Stdio;

use tokio::process::Command;

use crate::support::{Home, Running};

/// Every process that is held reads the same pipe, and goes on when its writing end is closed.
#[derive(Debug)]
pub(crate) struct Gate {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        Self { reader, writer }
    }

    /// Brings a process of the program, with these arguments, up to the gate.
    pub(crate) fn hold(&self, home: &Home, arguments: &[&str]) -> Running {
        self.hold_program(&home.command(arguments))
    }

    /// Brings a prepared command up to the gate.
    pub(crate) fn hold_program(&self, program: &Command) -> Running {
        let program = program.as_std();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", "read -r _; exec \"$0\" \"$@\" </dev/null"])
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::from(self.reader.try_clone().unwrap()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Running::of(&mut shell)
    }

    /// Lets all of them go.
    pub(crate) fn open(self) {
        drop(self.writer);
    }
}
