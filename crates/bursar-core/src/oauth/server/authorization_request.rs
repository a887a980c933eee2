//! The authorization request as it arrives (RFC 6749 §4.1.1; RFC 7636 §4.3; RFC 8707 §2; RFC 9126; OIDC Core §3.1.2.1).
//!
//! Read in two steps, because what is wrong with the first may never be answered by a redirect (RFC 6749 §4.1.2.1):
//! [`WhoAndWhere`], and, once the client's redirect URI is found to be its own, [`AuthorizationRequest`]. Whether the
//! client may have what it asks for is decided elsewhere.

mod challenge;
mod prompt;
mod pushed;
#[cfg(test)]
mod tests;

use std::error::Error as _;

use jiff::SignedDuration;

use super::resource::{ResourceError, ResourceSet};
use super::uri_text;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::{FormError, Parameters};
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::{Scope, ScopeError};
use crate::secret::Secret;

pub use challenge::ReceivedChallenge;
pub use prompt::{Prompt, PromptSet};
pub use pushed::PushedRequestUri;

/// Reads the query or the form of an authorization request, in which only `resource` may repeat.
///
/// # Errors
/// As for [`Parameters::parse_repeating`]; the peer hears `invalid_request`, and nothing is redirected.
pub fn parse_parameters(text: &[u8]) -> Result<Parameters, FormError> {
    Parameters::parse_repeating(text, &["resource"])
}

/// Who asks and where the answer should go: what must be believed before anything is redirected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoAndWhere {
    /// The client's identifier.
    pub client_id: String,
    /// The address it wants the answer at, to be looked for among its registered ones.
    pub redirect_uri: Option<String>,
    /// What it wants to find again in every answer, byte for byte.
    pub state: Option<Secret>,
    /// A request it pushed before (RFC 9126 §4); what it pushed counts, and nothing beside it (RFC 9101 §5).
    pub pushed: Option<PushedRequestUri>,
}

impl WhoAndWhere {
    /// Reads the part of a request that decides whether it may be answered by a redirect.
    ///
    /// # Errors
    /// The part is missing or malformed. Nothing may be redirected then.
    pub fn read(parameters: &Parameters) -> Result<Self, WhoAndWhereError> {
        let client_id = parameters.value("client_id").ok_or(WhoAndWhereError::ClientMissing)?;
        // RFC 6749 Appendix A.1; the longest identifiers are addresses of metadata documents.
        let printable = client_id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !printable || client_id.len() > uri_text::MAXIMUM_BYTES {
            return Err(WhoAndWhereError::ClientMalformed);
        }
        let bounded = |name, maximum| match parameters.value(name) {
            Some(value) if value.len() > maximum => Err(WhoAndWhereError::TooLong { name, maximum }),
            value => Ok(value),
        };
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: bounded("redirect_uri", uri_text::MAXIMUM_BYTES)?.map(str::to_owned),
            state: bounded("state", MAXIMUM_STATE_BYTES)?.map(Secret::new),
            pushed: parameters.value("request_uri").and_then(PushedRequestUri::parse),
        })
    }
}

/// Why a request cannot be answered by a redirect. The peer hears `invalid_request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhoAndWhereError {
    /// RFC 6749 §4.1.1 requires it.
    #[error("the parameter `client_id` is missing")]
    ClientMissing,
    /// RFC 6749 Appendix A.1 allows printable ASCII.
    #[error("the parameter `client_id` is malformed")]
    ClientMalformed,
    /// More than the answer's address could hold.
    #[error("the parameter `{name}` has more than {maximum} bytes")]
    TooLong {
        /// The parameter's name.
        name: &'static str,
        /// Its limit, in bytes.
        maximum: usize,
    },
}

/// What is asked of the user. Faults in it are told to the client by a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Ties the code to whoever asked for it (RFC 7636).
    pub challenge: ReceivedChallenge,
    /// What the tokens shall be good for; nothing asked is not the same as nothing wanted.
    pub scope: Option<Scope>,
    /// Where the tokens shall be good (RFC 8707 §2).
    pub resources: ResourceSet,
    /// The client's mark in the ID token (OIDC Core §3.1.2.1).
    pub nonce: Option<String>,
    /// What the user shall see, or not see.
    pub prompt: PromptSet,
    /// How long ago the user may have signed in at most.
    pub max_age: Option<SignedDuration>,
    /// Who the client believes to be there.
    pub login_hint: Option<String>,
    /// An ID token of ours for who the client believes to be there.
    pub id_token_hint: Option<Secret>,
    /// The kinds of sign-in the client would like, best first (OIDC Core §3.1.2.1).
    pub acr_values: Vec<String>,
    /// The languages the user would like, best first (RFC 5646).
    pub ui_locales: Vec<String>,
    /// The thumbprint of the only key that may redeem the code (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
}

impl AuthorizationRequest {
    /// Reads what [`WhoAndWhere`] leaves, in the order in which faults are reported.
    ///
    /// `parameters` are those of the request, or those that were pushed before.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(parameters: &Parameters) -> Result<Self, AuthorizationRequestError> {
        use AuthorizationRequestError as Fault;
        let value = |name, maximum| match parameters.value(name) {
            Some(value) if value.len() > maximum => Err(Fault::TooLong { name, maximum }),
            value => Ok(value),
        };
        if parameters.value("request").is_some() {
            return Err(Fault::RequestObject);
        }
        if parameters.value("request_uri").is_some() {
            return Err(Fault::RequestUri);
        }
        if parameters.value("registration").is_some() {
            return Err(Fault::Registration);
        }
        match parameters.value("response_type") {
            Some("code") => {}
            Some(_) => return Err(Fault::ResponseTypeUnsupported),
            None => return Err(Fault::ResponseTypeMissing),
        }
        if parameters.value("response_mode").is_some_and(|mode| mode != "query") {
            return Err(Fault::ResponseMode);
        }
        let challenge = ReceivedChallenge::read(parameters)?;
        let scope = value("scope", MAXIMUM_SCOPE_BYTES)?.map(Scope::parse).transpose();
        let words = |name| {
            let words = value(name, MAXIMUM_LIST_BYTES)?.unwrap_or_default().split(' ');
            Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
        };
        Ok(Self {
            challenge,
            scope: scope.map_err(|source| Fault::Scope { source })?,
            resources: ResourceSet::parse(parameters.values("resource"))
                .map_err(|source| Fault::Resource { source })?,
            nonce: value("nonce", MAXIMUM_NONCE_BYTES)?.map(str::to_owned),
            prompt: PromptSet::parse(parameters.value("prompt").unwrap_or_default())?,
            max_age: parameters.value("max_age").map(seconds).transpose()?,
            login_hint: value("login_hint", MAXIMUM_HINT_BYTES)?.map(str::to_owned),
            id_token_hint: value("id_token_hint", MAXIMUM_ID_TOKEN_BYTES)?.map(Secret::new),
            acr_values: words("acr_values")?,
            ui_locales: words("ui_locales")?,
            dpop_jkt: parameters
                .value("dpop_jkt")
                .map(|text| Thumbprint::parse(text).map_err(|_| Fault::DpopThumbprint))
                .transpose()?,
        })
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationRequestError {
    /// RFC 9101 request objects are not taken.
    #[error("request objects are not supported")]
    RequestObject,
    /// Only requests pushed to this server are (RFC 9126 §4).
    #[error(
        "`request_uri` must be one that this server's pushed authorization request endpoint has answered"
    )]
    RequestUri,
    /// OIDC Core §7 is not for this server.
    #[error("the parameter `registration` is not supported")]
    Registration,
    /// RFC 6749 §3.1.1 requires it.
    #[error("the parameter `response_type` is missing")]
    ResponseTypeMissing,
    /// RFC 9700 §2.1.2: tokens never travel in an address.
    #[error("`response_type` must be `code`")]
    ResponseTypeUnsupported,
    /// Answers travel in the query.
    #[error("`response_mode` must be `query`")]
    ResponseMode,
    /// RFC 9700 §2.1.1 requires PKCE.
    #[error("the parameter `code_challenge` is missing: PKCE (RFC 7636) is required")]
    ChallengeMissing,
    /// A method that is not said is `plain` (RFC 7636 §4.3), which protects nothing.
    #[error("`code_challenge_method` must be `S256`")]
    ChallengeMethod,
    /// It cannot be the SHA-256 digest of anything (RFC 7636 §4.2).
    #[error("`code_challenge` must be 43 characters of base64url, the SHA-256 digest of the verifier")]
    ChallengeMalformed,
    /// The scope is malformed.
    #[error("the scope is not acceptable")]
    Scope {
        /// The rule it breaks.
        source: ScopeError,
    },
    /// A resource is malformed, or there are too many.
    #[error("a resource is not acceptable")]
    Resource {
        /// The rule it breaks.
        source: ResourceError,
    },
    /// OIDC Core §3.1.2.1 and the prompt values announced by this server.
    #[error("`prompt` must be of `none`, `login`, `consent` and `select_account`")]
    PromptUnknown,
    /// OIDC Core §3.1.2.1: nothing and something cannot be shown together.
    #[error("`prompt=none` must stand alone")]
    PromptNoneWithOthers,
    /// OIDC Core §3.1.2.1: a number of seconds.
    #[error("`max_age` must be a whole number of seconds")]
    MaxAge,
    /// RFC 9449 §10: a SHA-256 thumbprint.
    #[error("`dpop_jkt` must be the SHA-256 thumbprint of a key")]
    DpopThumbprint,
    /// More than any honest value.
    #[error("the parameter `{name}` has more than {maximum} bytes")]
    TooLong {
        /// The parameter's name.
        name: &'static str,
        /// Its limit, in bytes.
        maximum: usize,
    },
}

impl AuthorizationRequestError {
    /// What the client may be told: this fault and the rules beneath it, in one line.
    pub fn description(&self) -> String {
        let causes = std::iter::successors(self.source(), |cause| (*cause).source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }

    /// The code the client hears.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::RequestObject => ErrorCode::RequestNotSupported,
            Self::RequestUri => ErrorCode::RequestUriNotSupported,
            Self::Registration => ErrorCode::RegistrationNotSupported,
            Self::ResponseTypeUnsupported => ErrorCode::UnsupportedResponseType,
            Self::Scope { .. } => ErrorCode::InvalidScope,
            Self::Resource { .. } => ErrorCode::InvalidTarget,
            _ => ErrorCode::InvalidRequest,
        }
    }
}

/// Signed and encrypted states of proxies reach 1 KiB; the whole answer must fit into 8000 bytes (RFC 9110 §4.1).
const MAXIMUM_STATE_BYTES: usize = 4096;

/// Lists of all scopes of a large tenant reach 8 KiB and arrive in pushed requests.
const MAXIMUM_SCOPE_BYTES: usize = 16 * 1024;

/// It is repeated in every ID token; digests in hexadecimal have 128 characters.
const MAXIMUM_NONCE_BYTES: usize = 512;

/// The longest address of a mailbox has 254 characters (RFC 5321 §4.5.3.1.3).
const MAXIMUM_HINT_BYTES: usize = 320;

/// As long as any token this server reads.
const MAXIMUM_ID_TOKEN_BYTES: usize = 16 * 1024;

/// Some 30 languages, or 20 classes of sign-in named by URLs.
const MAXIMUM_LIST_BYTES: usize = 1024;

fn seconds(text: &str) -> Result<SignedDuration, AuthorizationRequestError> {
    // More than nine digits are more than 31 years, and some parsers' way to wrap around.
    let number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| number).map(SignedDuration::from_secs);
    seconds.ok_or(AuthorizationRequestError::MaxAge)
}
