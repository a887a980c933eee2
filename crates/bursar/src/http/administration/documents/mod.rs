//! What is told of the records of the authorization server: the same documents on the command line and over the line.
//! Nothing secret is in them, but for a secret that is told once.

mod client;
mod grant;
mod key;
mod refusal;
mod resource;
mod sandbox;
mod user;
mod vault;

pub(crate) use client::{AddedClientDocument, ClientDocument};
pub(crate) use grant::GrantDocument;
pub(crate) use key::KeyDocument;
pub(crate) use refusal::RefusalDocument;
pub(crate) use resource::{ResourceDocument, format_named};
pub(crate) use sandbox::SandboxDocument;
pub(crate) use user::{ResetCodeDocument, UserDocument, reset_page};
pub(crate) use vault::{KeyChangeDocument, VaultDocument};
