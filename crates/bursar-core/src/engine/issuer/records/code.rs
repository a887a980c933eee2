//! Authorization codes (RFC 6749 §4.1.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::family::SignIn;
use super::grant::GrantMark;
use crate::identifier::Identifier;
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// What a user agreed to, until the client fetches it. Kept after that, so that a second use is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Digest of the code.
    pub digest: String,
    /// The client it was made for.
    pub client: String,
    /// Who agreed.
    pub user: String,
    /// What it was agreed under.
    pub grant: GrantMark,
    /// Where it was sent; and whether the client named that address, so that it has to name it again.
    pub redirect_uri: String,
    /// The client named its address.
    pub redirect_uri_was_sent: bool,
    /// Only who knows what this is the digest of may redeem it (RFC 7636 §4.6).
    pub challenge: String,
    /// What it is good for.
    pub scope: Scope,
    /// What it is for; none: this server alone.
    pub resources: ResourceSet,
    /// Returned in the ID token (OIDC Core §3.1.2.1).
    pub nonce: Option<String>,
    /// How the user signed in.
    pub sign_in: SignIn,
    /// Thumbprint of the key it is bound to (RFC 9449 §10).
    pub sender_key: Option<Thumbprint>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it was redeemed for.
    pub redeemed: Option<Identifier>,
    /// Until then a second use ends what it was redeemed for.
    pub remembered_until: Timestamp,
}

impl Document for Code {
    const KIND: &'static Kind = &CODE;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.remembered_until)
    }
}

pub(in crate::engine) static CODE: Kind =
    Kind { name: "code", scope: store::Scope::Sandbox, group: Group::Durable, indexes: &[], watched: false };
