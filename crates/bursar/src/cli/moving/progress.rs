//! Tells a person who waits how far a copy is.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;

use crate::cli::app::App;
use crate::cli::printer::Printer;

/// Passes bytes on and counts them.
pub(super) struct Progress<T> {
    inner: T,
    done: &'static str,
    bytes: u64,
    /// Nobody is told when nobody is there.
    clock: Option<Arc<dyn Clock>>,
    told_at: Duration,
}

impl<T> Progress<T> {
    /// `done`: what has become of the bytes.
    pub(super) fn new(app: &App, inner: T, done: &'static str) -> Self {
        let clock = app.printer.person_is_watching().then(|| Arc::clone(&app.engine.ports().clock));
        let told_at = clock.as_ref().map(|clock| clock.stopwatch()).unwrap_or_default();
        Self { inner, done, bytes: 0, clock, told_at }
    }

    /// How many bytes it was.
    pub(super) fn end(self) -> u64 {
        self.bytes
    }

    fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let Some(clock) = &self.clock else { return };
        let now = clock.stopwatch();
        if now.saturating_sub(self.told_at) >= OFTEN_ENOUGH {
            self.told_at = now;
            Printer { json: false }.say(&format!("{} MiB {}", self.bytes >> 20, self.done));
        }
    }
}

impl<W: Write> Write for Progress<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(wanted)?;
        self.count(read);
        Ok(read)
    }
}

/// Small copies are over before.
const OFTEN_ENOUGH: Duration = Duration::from_secs(2);
