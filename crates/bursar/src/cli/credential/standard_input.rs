//! What a caller writes to a helper: all of it, up to a size, and wiped afterwards.

use std::io::Read as _;

use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};

/// Everything on standard input.
pub(super) fn read_all() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(USUAL));
    std::io::stdin()
        .lock()
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::new(Exit::Usage, format!("the request has more than {LARGEST} bytes")));
    }
    Ok(bytes)
}

/// A git request with several `wwwauth[]` lines of the 64 KiB git allows each.
const LARGEST: u64 = 1 << 20;
/// Enough for nearly all, so that no outgrown copy is left behind.
const USUAL: usize = 16 * 1024;
