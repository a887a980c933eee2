//! bursar, able to stand still at a place named by its environment, so that it can be killed there.

use std::process::ExitCode;

use bursar::config::environment::Environment;

fn main() -> ExitCode {
    proof::halting::run(Environment::from_process(), std::env::args_os())
}
