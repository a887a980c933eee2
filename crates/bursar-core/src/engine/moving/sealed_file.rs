//! Encryption of a backup file as a stream: pieces of 64 KiB, each sealed with its number, the last one marked.
//!
//! A piece that is changed, moved, left out or cut off does not open. The key is of this one file, so numbers can be nonces.

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// Seals what is written to it.
pub(super) struct SealingWriter<W> {
    sink: W,
    pieces: Pieces,
    gathered: Zeroizing<Vec<u8>>,
}

impl<W: Write> SealingWriter<W> {
    /// Every piece is bound to `associated`.
    pub(super) fn new(sink: W, key: &[u8; 32], associated: Vec<u8>) -> Self {
        let gathered = Zeroizing::new(Vec::with_capacity(PIECE + TAG));
        Self { sink, pieces: Pieces::new(key, associated), gathered }
    }

    /// Writes the last piece; without it the file counts as cut short.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.seal(Place::Last)?;
        self.sink.flush()
    }

    fn seal(&mut self, place: Place) -> io::Result<()> {
        self.pieces.seal(&mut self.gathered, place)?;
        self.sink.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Sealed only when more is there: the last piece is never empty unless everything is.
        if self.gathered.len() == PIECE && !bytes.is_empty() {
            self.seal(Place::Before)?;
        }
        let taken = bytes.len().min(PIECE - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// What is gathered stays: a piece that is not full would be taken for the last.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what a [`SealingWriter`] has sealed, piece by piece; ends with an error unless all of it is there.
pub(super) struct OpeningReader<R> {
    source: R,
    pieces: Pieces,
    opened: Zeroizing<Vec<u8>>,
    /// How much of `opened` was taken already.
    taken: usize,
    /// The first byte of the piece that comes next, read to know that there is one.
    ahead: Option<u8>,
    is_over: bool,
}

impl<R: Read> OpeningReader<R> {
    pub(super) fn new(source: R, key: &[u8; 32], associated: Vec<u8>) -> Self {
        Self {
            source,
            pieces: Pieces::new(key, associated),
            opened: Zeroizing::default(),
            taken: 0,
            ahead: None,
            is_over: false,
        }
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let mut piece = Zeroizing::new(Vec::with_capacity(PIECE + TAG + 1));
        piece.extend(self.ahead.take());
        let wanted = PIECE + TAG + 1 - piece.len();
        (&mut self.source).take(wanted as u64).read_to_end(&mut piece)?;
        let place = if piece.len() > PIECE + TAG {
            self.ahead = piece.pop();
            Place::Before
        } else {
            Place::Last
        };
        self.pieces.open(&mut piece, place)?;
        self.is_over = place == Place::Last;
        self.opened = piece;
        self.taken = 0;
        Ok(())
    }
}

impl<R: Read> Read for OpeningReader<R> {
    fn read(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.opened.len() {
            if self.is_over {
                return Ok(0);
            }
            self.next_piece()?;
        }
        let rest = &self.opened[self.taken..];
        let given = rest.len().min(wanted.len());
        wanted[..given].copy_from_slice(&rest[..given]);
        self.taken += given;
        Ok(given)
    }
}

/// Whether more comes after a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    Last,
}

struct Pieces {
    key: LessSafeKey,
    associated: Vec<u8>,
    number: u64,
}

impl Pieces {
    fn new(key: &[u8; 32], associated: Vec<u8>) -> Self {
        let key =
            UnboundKey::new(&AES_256_GCM_SIV, key).expect("32 bytes is the key length of AES-256-GCM-SIV");
        Self { key: LessSafeKey::new(key), associated, number: 0 }
    }

    fn seal(&mut self, piece: &mut Vec<u8>, place: Place) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(self.nonce(place), Aad::from(&self.associated), piece);
        sealed.map_err(|_| io::Error::other("a piece of the backup cannot be sealed"))?;
        self.number += 1;
        Ok(())
    }

    fn open(&mut self, piece: &mut Vec<u8>, place: Place) -> io::Result<()> {
        let sealed = Zeroizing::new(piece.clone());
        let opened = self.key.open_in_place(self.nonce(place), Aad::from(&self.associated), piece);
        let Ok(length) = opened.map(|plain| plain.len()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, self.fault(&sealed, place)));
        };
        piece.truncate(length);
        self.number += 1;
        Ok(())
    }

    /// What is wrong with a piece that does not open.
    fn fault(&self, sealed: &[u8], place: Place) -> &'static str {
        let mut again = Zeroizing::new(sealed.to_vec());
        let opens_before = place == Place::Last
            && self
                .key
                .open_in_place(self.nonce(Place::Before), Aad::from(&self.associated), &mut again)
                .is_ok();
        match (opens_before, sealed.len() < TAG) {
            (true, _) | (_, true) => "the backup is cut short",
            _ if place == Place::Last => "the end of the backup is damaged, or cut off",
            _ => "the backup is damaged: a part of it was changed",
        }
    }

    fn nonce(&self, place: Place) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&self.number.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(place == Place::Last);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Small enough to be held in memory twice, large enough that its tag costs nothing.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = SealingWriter::new(&mut file, &KEY, b"header".to_vec());
        for part in plain.chunks(1000) {
            writer.write_all(part).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    fn opened(file: &[u8], key: [u8; 32], associated: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        OpeningReader::new(file, &key, associated.to_vec()).read_to_end(&mut plain)?;
        Ok(plain)
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[test]
    fn every_length_opens_as_it_was_sealed() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5] {
            let file = sealed(&text(length));
            assert_eq!(opened(&file, KEY, b"header").unwrap(), text(length), "{length} bytes");
            assert!(opened(&file, [8; 32], b"header").is_err());
            assert!(opened(&file, KEY, b"another").is_err());
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_and_a_cut_between_pieces_is_told_as_one() {
        let file = sealed(&text(2 * PIECE + 5));
        let ends = [0, 1, TAG, PIECE, PIECE + TAG - 1, PIECE + TAG + 1, file.len() - 1];
        for length in ends {
            assert!(opened(&file[..length], KEY, b"header").is_err(), "{length} bytes");
        }
        for whole in [PIECE + TAG, 2 * (PIECE + TAG)] {
            let error = opened(&file[..whole], KEY, b"header").unwrap_err();
            assert_eq!(error.to_string(), "the backup is cut short");
        }
        assert!(opened(&[file.as_slice(), b"x"].concat(), KEY, b"header").is_err(), "and nothing may follow");
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused() {
        let file = sealed(&text(PIECE + 100));
        for at in (0..file.len()).step_by(997).chain([0, PIECE + TAG, file.len() - 1]) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let error = opened(&changed, KEY, b"header").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "byte {at}");
        }
    }

    #[test]
    fn pieces_that_change_places_are_refused() {
        let file = sealed(&text(3 * PIECE));
        let mut pieces: Vec<&[u8]> = file.chunks(PIECE + TAG).collect();
        pieces.swap(0, 1);
        assert!(opened(&pieces.concat(), KEY, b"header").is_err());
        assert!(opened(&[pieces[1], pieces[2]].concat(), KEY, b"header").is_err());
    }
}
