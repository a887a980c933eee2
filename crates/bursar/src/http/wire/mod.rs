//! What goes over the line: the only types of the API that are written and read as JSON.

mod agent;
mod event;
mod failure;
mod session;
mod token;

pub use self::agent::{AgentDocument, NextWork, UnlockRequest, VaultState};
pub use self::event::EventDocument;
pub use self::failure::{FailureDocument, VAULT_UNAVAILABLE};
pub use self::session::{RenewRequest, SessionDocument, SessionRequest};
pub use self::token::{ReceivedToken, RefreshRequest, TokenDocument, TokenRequest};
