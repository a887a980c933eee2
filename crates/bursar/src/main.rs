//! The `bursar` program. Everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Most of what a request takes is a kilobyte or less, and gone with its answer.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

use bursar::config::environment::Environment;

fn main() -> ExitCode {
    bursar::run(Environment::from_process(), std::env::args_os(), bursar::wiring::Seams::default())
}
