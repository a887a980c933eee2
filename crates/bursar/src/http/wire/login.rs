//! Logins over the line.

use std::collections::BTreeMap;

use bursar_core::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FailureDocument;
use crate::logins::{Attempt, Stage, Way};

/// A login that shall begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// A provider of the catalogue, an issuer by its URL, or an issuer by the name an earlier login gave it.
    pub target: String,
    /// How the person takes part.
    pub way: LoginWay,
    /// The account's nickname; left out: as the identity suggests.
    #[serde(default, rename = "as")]
    pub nickname: Option<String>,
    /// The client registered with the provider; left out: as configured, used before, or usual there.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The client's secret or private key; it is told to nobody but the provider. Left out: as configured.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    pub client_secret: Option<Secret>,
    /// Scopes to ask for; none: as configured, or usual there.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Resources the tokens are for (RFC 8707).
    #[serde(default)]
    pub resource: Vec<String>,
    /// Values for variables of the provider, such as `tenant`.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How many seconds to wait for the person, from 5 to 3600; left out: as configured.
    #[serde(default)]
    pub seconds: Option<u32>,
}

/// How a person takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginWay {
    /// Enters `user_code` at `verification_uri` with any browser (RFC 8628).
    Device,
    /// Opens `url` with a browser on this machine, which comes back by itself (RFC 8252).
    Browser,
    /// Opens `url` anywhere; the address it ends at is handed over as the answer.
    Paste,
}

/// One login in progress, or how it ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LoginDocument {
    /// Version of this document.
    schema: u32,
    /// Its name.
    id: String,
    /// How far it is.
    state: LoginState,
    /// The provider's name.
    provider: String,
    /// How the person takes part.
    way: LoginWay,
    /// What to open; `null` with a code.
    url: Option<String>,
    /// The code to enter; `null` without one.
    user_code: Option<String>,
    /// Where to enter it.
    verification_uri: Option<String>,
    /// The same address with the code in it, where the provider has one.
    verification_uri_complete: Option<String>,
    /// When waiting ends (RFC 3339).
    #[schema(format = DateTime)]
    expires_at: String,
    /// The account's reference, once it is done.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// Whether that account existed before.
    renewed: Option<bool>,
    /// Why it has failed.
    error: Option<FailureDocument>,
}

/// How far a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// For its person, or for the provider's last word.
    Waiting,
    /// The account is stored.
    Done,
    /// Nothing was stored.
    Failed,
}

/// What a person brought back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginAnswer {
    /// The address the browser ended at, its query, or what the provider's page shows.
    #[schema(value_type = String, write_only)]
    pub redirect_url: Secret,
}

impl From<&Attempt> for LoginDocument {
    fn from(attempt: &Attempt) -> Self {
        let to_person = attempt.to_person.clone();
        let mut document = Self {
            schema: 1,
            id: attempt.id.clone(),
            state: LoginState::Waiting,
            provider: attempt.provider.clone(),
            way: attempt.way.into(),
            url: to_person.url,
            user_code: to_person.user_code,
            verification_uri: to_person.verification_uri,
            verification_uri_complete: to_person.verification_uri_complete,
            expires_at: format!("{:.0}", attempt.ends_at),
            reference: None,
            renewed: None,
            error: None,
        };
        match attempt.stage() {
            Stage::Waiting | Stage::Finishing => {}
            Stage::Done { reference, renewed } => {
                document.state = LoginState::Done;
                document.reference = Some(reference.to_string());
                document.renewed = Some(renewed);
            }
            Stage::Failed(failure) => {
                document.state = LoginState::Failed;
                document.error = Some(FailureDocument::from(&*failure));
            }
            Stage::Cancelled => {
                document.state = LoginState::Failed;
                document.error = Some(FailureDocument {
                    error: "cancelled".to_owned(),
                    message: "somebody has cancelled the login".to_owned(),
                    causes: Vec::new(),
                    hint: None,
                });
            }
        }
        document
    }
}

impl From<LoginWay> for Way {
    fn from(way: LoginWay) -> Self {
        match way {
            LoginWay::Device => Self::Device,
            LoginWay::Browser => Self::Browser,
            LoginWay::Paste => Self::Paste,
        }
    }
}

impl From<Way> for LoginWay {
    fn from(way: Way) -> Self {
        match way {
            Way::Device => Self::Device,
            Way::Browser => Self::Browser,
            Way::Paste => Self::Paste,
        }
    }
}
