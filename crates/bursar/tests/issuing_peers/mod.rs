//! Programs by others, unmodified, sign people in at the real program: libraries for OAuth and `OpenID` Connect, and the MCP SDKs.

mod foreign_program;
mod peers;
pub(crate) mod person;
mod world;
