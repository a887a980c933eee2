//! Who is at the server's own machine: what makes a first administrator is only heard from there.

use http::HeaderMap;

use crate::server::Source;

/// Whether a request comes from this machine itself, past no proxy.
pub(super) fn is_here(source: Option<&Source>, headers: &HeaderMap) -> bool {
    // A proxy on this machine that nobody has declared brings the whole world; it tells so in most cases.
    let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    source.is_some_and(|source| source.is_direct && source.address.is_loopback()) && !is_forwarded
}

const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];
