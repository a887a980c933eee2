//! Plays every way a refresh can end and prints what became of the login, as Markdown for `docs/rotation.md`.
//!
//! With `bursar` as its first argument it is the halting bursar: one file to build, and to find itself again.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use bursar::config::environment::Environment;
use proof::kill::{Program, table};

#[tokio::main]
async fn print() -> std::io::Result<ExitCode> {
    let program = Program { path: std::env::current_exe()?, leading: vec![AS_BURSAR.to_owned()] };
    Ok(match table(&program).await {
        Ok(text) => {
            std::io::stdout().lock().write_all(text.as_bytes())?;
            ExitCode::SUCCESS
        }
        Err(broken) => {
            writeln!(std::io::stderr(), "rotation-table: {broken}")?;
            ExitCode::FAILURE
        }
    })
}

fn main() -> std::io::Result<ExitCode> {
    let mut line: Vec<OsString> = std::env::args_os().collect();
    if line.get(1).is_some_and(|first| first == AS_BURSAR) {
        // What is left is a command line of bursar, its name first.
        line.remove(0);
        return Ok(proof::halting::run(Environment::from_process(), line));
    }
    print()
}

const AS_BURSAR: &str = "bursar";
