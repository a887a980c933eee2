//! An OAuth authorization server for tests that misbehaves on request, the way real providers do.
//!
//! [`MisbehavingProvider`] serves on a free loopback port inside the caller's runtime. Out of the box it is correct and
//! strict, so that a sloppy client fails; every switch in [`Behaviour`] makes it wrong in one way. Faults of the
//! network are [`Fault`]s, injected for the next calls. It shares no code with the programs it tests, so it can judge them.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use misbehaving_provider::{Behaviour, Endpoint, Fault, MisbehavingProvider, ReusePolicy, Times};
//!
//! let provider = MisbehavingProvider::start(Behaviour::default()).await;
//! provider.change(|behaviour| behaviour.token.reuse = ReusePolicy::Harmless);
//! provider.inject(Endpoint::Token, Fault::RotatedButLost, Times::Once);
//! assert_eq!(provider.refreshes(), 0);
//! provider.stop().await;
//! # });
//! ```

mod answer;
mod behaviour;
mod calls;
mod client_authentication;
mod codes;
mod devices;
mod endpoints;
mod fault;
mod grants;
mod hold;
mod jwt;
mod keys;
mod ledger;
mod provider;
mod request;
mod schedule;
mod serve;
mod state;
mod system;
mod token_answer;
mod wire;

pub use behaviour::device::{DeviceApproval, DeviceBehaviour, VerificationDialect};
pub use behaviour::token::{
    AnswerFormat, ErrorDialect, ErrorShape, ExpiryStyle, IdentityTokenSignature, KillsAccessToken,
    RefreshTokenIssue, RequestFormat, ReusePolicy, Rotation, TokenBehaviour, UnknownReusePolicy,
};
pub use behaviour::{
    AuthorizeBehaviour, Behaviour, ClientAuthentication, Consent, Identity, MetadataBehaviour,
    MetadataLocation, PUBLIC_CLIENT, RegisteredClient, RevocationBehaviour, RevocationStyle, SERVICE_CLIENT,
    SERVICE_SECRET,
};
pub use calls::Call;
pub use fault::{Endpoint, ErrorBody, Fault, RetryAfter, Times, When};
pub use hold::Hold;
pub use provider::MisbehavingProvider;
