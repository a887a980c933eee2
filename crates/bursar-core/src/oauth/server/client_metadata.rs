//! What a client says about itself (RFC 7591 §2; OIDC Registration §2; RFC 9126 §6; RFC 9449 §5.2).
//!
//! Reads it with the defaults of the standards, bounds it, and makes it agree with itself. What a stranger may have of it is
//! [`ClientMetadata::for_anonymous`]; who may register at all, and under which name, is decided in `engine::issuer`.

mod answer;
mod fault;
mod grant_type;
mod members;
mod page_url;
#[cfg(test)]
mod tests;
mod written;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::members::Members;
use super::redirect_uri::RegisteredRedirect;
use crate::oauth::client_authentication::Method;
use crate::oauth::jose::{Algorithm, KeySet, read_object};
use crate::oauth::scope::Scope;
use crate::oauth::url::EndpointUrl;

pub use answer::RegistrationAnswer;
pub use fault::{ClientMetadataError, MemberFault};
pub use grant_type::GrantType;
pub use page_url::PageUrl;

/// A client in its own words, as far as they are understood here. Written and stored in the form of RFC 7591 §2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
#[expect(clippy::struct_excessive_bools, reason = "the members of a document that others have defined")]
pub struct ClientMetadata {
    /// Where answers may go.
    pub redirect_uris: Vec<RegisteredRedirect>,
    /// What people call it; a single line that reads as it is written. Nobody has checked that it is true.
    pub client_name: Option<String>,
    /// Its home page.
    pub client_uri: Option<PageUrl>,
    /// Its picture.
    pub logo_uri: Option<PageUrl>,
    /// Its terms of service.
    pub tos_uri: Option<PageUrl>,
    /// What it does with people's data.
    pub policy_uri: Option<PageUrl>,
    /// How its makers are reached.
    pub contacts: Vec<String>,
    /// What it means to ask for. Nobody is held to it: programs register with what they need first, and ask for more later.
    pub scope: Option<Scope>,
    /// The ways it gets tokens; never empty.
    pub grant_types: Vec<GrantType>,
    /// How it proves itself.
    pub token_endpoint_auth_method: Method,
    /// The only algorithm of its assertions, if it has decided.
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// Its public keys.
    pub keys: Option<ClientKeys>,
    /// Which software it is, the same for all its installations.
    pub software_id: Option<String>,
    /// Which release of it.
    pub software_version: Option<String>,
    /// Where it runs; hardly believed, because widespread editors call themselves web sites.
    pub application_type: Option<ApplicationType>,
    /// Whether its tokens must be bound to a key (RFC 9449 §5.2).
    pub dpop_bound_access_tokens: bool,
    /// How its ID tokens are signed, if it has decided.
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Where users may go after they were signed out.
    pub post_logout_redirect_uris: Vec<RegisteredRedirect>,
    /// Where it is told that a user was signed out (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<EndpointUrl>,
    /// Whether it must be told which session it was, which it always is.
    pub backchannel_logout_session_required: bool,
    /// Whether it pushes all its requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// How many seconds ago its users may have signed in at most, when a request says nothing.
    pub default_max_age: Option<u64>,
    /// Whether its ID tokens must tell when the user signed in.
    pub require_auth_time: bool,
}

/// Where a client's public keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeys {
    /// In its metadata.
    Inline(KeySet),
    /// At an address of its own.
    At(EndpointUrl),
}

/// Where a client runs (OIDC Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationType {
    /// On a server.
    Web,
    /// On the user's device.
    Native,
}

impl ClientMetadata {
    /// Reads the body of a registration request (RFC 7591 §3.1).
    ///
    /// Members that are unknown, in other languages (`client_name#de`), `null` or empty count as not there.
    ///
    /// # Errors
    /// It cannot be read, or a member is not acceptable.
    pub fn read(body: &[u8]) -> Result<Self, ClientMetadataError> {
        if body.len() > MAXIMUM_BYTES {
            return Err(ClientMetadataError::TooLarge { maximum: MAXIMUM_BYTES });
        }
        Self::from_object(&read_object(body)?)
    }

    /// As [`ClientMetadata::read`], of an object that was read before.
    ///
    /// # Errors
    /// A member is not acceptable.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, ClientMetadataError> {
        let members = Members(object);
        let method = members.authentication_method()?;
        let grant_types = members.grant_types(method)?;
        let metadata = Self {
            redirect_uris: members.redirects("redirect_uris")?,
            client_name: members.line("client_name")?,
            client_uri: members.page("client_uri")?,
            logo_uri: members.page("logo_uri")?,
            tos_uri: members.page("tos_uri")?,
            policy_uri: members.page("policy_uri")?,
            contacts: members.lines("contacts")?,
            scope: members.scope()?,
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: members.algorithm("token_endpoint_auth_signing_alg")?,
            keys: members.keys()?,
            software_id: members.line("software_id")?,
            software_version: members.line("software_version")?,
            application_type: members.application_type()?,
            dpop_bound_access_tokens: members.flag("dpop_bound_access_tokens")?,
            id_token_signed_response_alg: members.algorithm("id_token_signed_response_alg")?,
            post_logout_redirect_uris: members.redirects("post_logout_redirect_uris")?,
            backchannel_logout_uri: members.endpoint("backchannel_logout_uri")?,
            backchannel_logout_session_required: members.flag("backchannel_logout_session_required")?,
            require_pushed_authorization_requests: members.flag("require_pushed_authorization_requests")?,
            default_max_age: members.seconds("default_max_age")?,
            require_auth_time: members.flag("require_auth_time")?,
            grant_types,
        };
        members.only_public_subjects()?;
        metadata.agreeing()
    }

    /// What of it somebody may have who has not said who they are: only ways that ask a user.
    ///
    /// # Errors
    /// Nothing would be left to get tokens with.
    pub fn for_anonymous(self) -> Result<Self, ClientMetadataError> {
        self.with_grants(&GrantType::ASKING_A_USER)
    }

    /// The same with those of its grant types only that are in `allowed` (RFC 7591 §3.2.1: the answer tells).
    ///
    /// # Errors
    /// Nothing would be left to get tokens with.
    pub fn with_grants(mut self, allowed: &[GrantType]) -> Result<Self, ClientMetadataError> {
        self.grant_types.retain(|grant| allowed.contains(grant));
        if self.grant_types.iter().all(|&grant| grant == GrantType::RefreshToken) {
            return Err(ClientMetadataError::member("grant_types", MemberFault::NothingLeft));
        }
        Ok(self)
    }

    /// Whether it may get tokens in this way.
    pub fn has_grant(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == Method::None
    }

    /// What it may ask of the authorization endpoint, which follows from its grants (RFC 7591 §2.1).
    pub fn response_types(&self) -> &'static [&'static str] {
        if self.has_grant(GrantType::AuthorizationCode) { &["code"] } else { &[] }
    }

    fn agreeing(self) -> Result<Self, ClientMetadataError> {
        if self.has_grant(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return Err(ClientMetadataError::NoRedirectUri);
        }
        // A set whose keys are all of other kinds proves nothing here.
        let proves = match &self.keys {
            Some(ClientKeys::Inline(set)) => !set.is_empty(),
            Some(ClientKeys::At(_)) => true,
            None => false,
        };
        if self.token_endpoint_auth_method == Method::PrivateKeyJwt && !proves {
            return Err(ClientMetadataError::member("jwks", MemberFault::Missing));
        }
        Ok(self)
    }
}

/// What fits no registration in use: the largest, with inline keys, have some 10 KiB.
const MAXIMUM_BYTES: usize = 64 * 1024;
