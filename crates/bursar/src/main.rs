//! The `bursar` program. Everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A tenth of a token request goes into memory with the system's, for the buffers of a kilobyte that all answers are.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

use bursar::config::environment::Environment;

fn main() -> ExitCode {
    bursar::run(Environment::from_process(), std::env::args_os(), bursar::wiring::Seams::default())
}
