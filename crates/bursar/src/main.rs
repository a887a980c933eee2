//! The `bursar` program. Everything it does is in the library.

use std::process::ExitCode;

use bursar::config::environment::Environment;

fn main() -> ExitCode {
    bursar::run(Environment::from_process(), std::env::args_os(), bursar::wiring::Seams::default())
}
