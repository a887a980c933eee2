//! What goes over the line: the only types of the API that are written and read as JSON.

mod account;
mod agent;
mod deadline;
mod event;
mod failure;
mod login;
mod proof;
mod session;
mod token;

pub use self::account::{AccountDocument, LastErrorDocument, LogoutDocument, RevocationWord};
pub use self::agent::{AgentDocument, NextWork, UnlockRequest, VaultState};
pub use self::deadline::DeadlineDocument;
pub use self::event::EventDocument;
pub use self::failure::{FailureDocument, VAULT_UNAVAILABLE};
pub use self::login::{LoginAnswer, LoginDocument, LoginRequest, LoginState, LoginWay};
pub use self::proof::{ProofDocument, ProofRequest, ReceivedProof};
pub use self::session::{RenewRequest, SessionDocument, SessionRequest};
pub use self::token::{ReceivedToken, RefreshRequest, TokenDocument, TokenRequest};
