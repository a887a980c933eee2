//! Code for shells: variables, short commands, and what other programs run when they start. Pure but for `guess`.
//!
//! A value becomes a literal that no shell acts upon ([`code`]). The short commands ([`functions`]) are thin: which
//! account a number means is decided here, not in seven languages. Start with `bursar env`.

pub(super) mod claude_hook;
pub(super) mod code;
pub(super) mod functions;
pub(super) mod guess;
