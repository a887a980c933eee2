//! The server: the process in which the authorization server and everything else that others reach by network lives.
//!
//! Decides who may connect how ([`DoorRules`]), how much of everything one of them gets ([`Limits`]), and in which order
//! it starts and stops ([`run`]). Never decides what a request means: the routes are given to it by [`House`], and what a
//! route may believe of where a request comes from is in [`Source`].

mod address;
mod away;
mod certificate;
mod connection;
mod crowd;
mod door;
pub(crate) mod ephemeral;
mod error;
mod exchange;
mod health;
mod housekeeping;
mod life;
mod limits;
mod listener;
mod pace;
mod public_url;
mod reception;
mod request_body;
mod source;

pub use self::address::Bound;
pub use self::certificate::{Certificate, CertificateFiles};
pub use self::door::DoorRules;
pub use self::error::{CertificateError, ServerError};
pub use self::health::Readiness;
pub use self::housekeeping::{Chore, Housekeeper};
pub use self::life::{Ground, House, Opened, Wish, run};
pub use self::limits::Limits;
pub use self::listener::Entrance;
pub use self::public_url::{NotPublicUrl, PublicUrl};
pub use self::reception::Endless;
pub use self::source::{Source, TrustedProxies};
