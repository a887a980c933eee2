//! Counts what a backup holds while it goes by, without understanding it.

use std::io::{self, BufRead, Read, Write};

/// How much a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Records.
    pub records: u64,
    /// Events.
    pub events: u64,
}

/// Passes everything on and counts its lines by how they begin.
#[derive(Debug)]
pub(super) struct Counting<T> {
    inner: T,
    contents: Contents,
    /// The beginning of the line under way.
    begun: Vec<u8>,
}

impl<T> Counting<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, contents: Contents::default(), begun: Vec::with_capacity(LONGEST_MARK) }
    }

    /// What went by, and where it went.
    pub(super) fn end(self) -> (Contents, T) {
        (self.contents, self.inner)
    }

    fn count(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_MARK - self.begun.len();
            self.begun.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.contents.records += u64::from(self.begun.starts_with(RECORD));
                self.contents.events += u64::from(self.begun.starts_with(EVENT));
                self.begun.clear();
            }
        }
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(wanted)?;
        self.count(&wanted[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is about to be consumed lies in the buffer, so filling it reads nothing.
        if let Ok(buffer) = self.inner.fill_buf() {
            let taken = buffer[..amount.min(buffer.len())].to_vec();
            self.count(&taken);
        }
        self.inner.consume(amount);
    }
}

/// How lines of the format of [`crate::ports::backup`] begin.
const RECORD: &[u8] = b"{\"record\":";
const EVENT: &[u8] = b"{\"event\":";
const LONGEST_MARK: usize = RECORD.len();

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &[u8] =
        b"{\"bursar_backup\":1}\n{\"record\":{\"a\":1}}\n{\"event\":1}\n{\"record\":2}\n{\"end\":{}}\n";

    #[test]
    fn lines_are_counted_however_they_are_cut() {
        for step in [1, 2, 7, 1000] {
            let mut writer = Counting::new(Vec::new());
            for part in LINES.chunks(step) {
                writer.write_all(part).unwrap();
            }
            let (contents, written) = writer.end();
            assert_eq!(contents, Contents { records: 2, events: 1 });
            assert_eq!(written, LINES);
            let mut reader = Counting::new(io::BufReader::with_capacity(step, LINES));
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).unwrap() > 0 {}
            assert_eq!(reader.end().0, Contents { records: 2, events: 1 });
            assert_eq!(line, LINES);
        }
    }
}
