//! A key on a file descriptor that the parent process left open: `bursar serve 3< key`.
//!
//! The best kept of all: it is in no file system, no process list and no environment. Read once, then closed, so that
//! no child can read it again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::key_source::{KeyError, KeySource, MasterKey};
use futures::future::BoxFuture;
use zeroize::Zeroizing;

use super::encoding::{HOW_TO_MAKE_ONE, decode};
use super::failure::unavailable;

/// The descriptor, and the key once it has been read.
#[derive(Debug)]
pub(super) struct DescriptorKey {
    number: i32,
    clock: Arc<dyn Clock>,
    read: Mutex<Option<MasterKey>>,
}

impl DescriptorKey {
    /// Standard input, output and error are not taken: they belong to the command.
    pub(super) fn new(number: &str, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        match number.parse() {
            Ok(number) if number > 2 => Ok(Self { number, clock, read: Mutex::new(None) }),
            _ => Err(refused("BURSAR_MASTER_KEY_FD is not the number of an open descriptor above 2")),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<MasterKey>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Result<MasterKey, KeyError> {
        let text = self.line().await?;
        let key = decode(&text).map_err(|error| refused(&format!("descriptor {}: {error}", self.number)))?;
        *self.known() = Some(key.clone());
        Ok(key)
    }

    #[cfg(unix)]
    async fn line(&self) -> Result<Zeroizing<String>, KeyError> {
        use std::io::{ErrorKind, Read as _};

        // Opening the descriptor's path again needs no `unsafe`; a pipe's other end is the same pipe. It must not
        // block: a parent that never writes would hang us for ever.
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
        let path = format!("/dev/fd/{}", self.number);
        let told = |error: std::io::Error| refused(&format!("descriptor {}: {error}", self.number));
        let opened = rustix::fs::open(path, flags, rustix::fs::Mode::empty());
        let mut file = std::fs::File::from(opened.map_err(|error| told(error.into()))?);
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let mut byte = Zeroizing::new([0_u8; 1]);
        let deadline = self.clock.stopwatch() + LIMIT;
        while text.len() <= LONGEST {
            match file.read(&mut *byte) {
                Ok(0) => break,
                Ok(_) if byte[0] == b'\n' => break,
                Ok(_) => text.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.clock.stopwatch() >= deadline {
                        return Err(refused(&format!("descriptor {} stays silent", self.number)));
                    }
                    self.clock.sleep(PAUSE).await;
                }
                Err(error) => return Err(told(error)),
            }
        }
        nix::unistd::close(self.number).map_err(|error| told(error.into()))?;
        String::from_utf8(std::mem::take(&mut *text)).map(Zeroizing::new).map_err(|_| refused("not text"))
    }

    #[cfg(not(unix))]
    async fn line(&self) -> Result<Zeroizing<String>, KeyError> {
        Err(refused("descriptors are not inherited on this system"))
    }
}

/// A key has 44 characters; more than that and a little space is something else.
#[cfg(unix)]
const LONGEST: usize = 64;

/// Who passes a key on a descriptor has it ready; 3 s is patient, and the same as for the keychain.
#[cfg(unix)]
const LIMIT: Duration = Duration::from_secs(3);

/// The key is nearly always there at the first look.
#[cfg(unix)]
const PAUSE: Duration = Duration::from_millis(5);

fn refused(detail: &str) -> KeyError {
    unavailable(NAME, detail, HOW_TO_MAKE_ONE)
}

const NAME: &str = "file descriptor";

impl KeySource for DescriptorKey {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>> {
        Box::pin(async move {
            let known = self.known().clone();
            match known {
                Some(key) => Ok(key),
                None => self.read().await,
            }
        })
    }
}
