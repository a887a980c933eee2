//! The members of client metadata, each with its own rule.

use serde_json::{Map, Value};

use super::fault::{ClientMetadataError, MemberFault};
use super::{ApplicationType, ClientKeys, GrantType, PageUrl};
use crate::oauth::client_authentication::Method;
use crate::oauth::jose::{Algorithm, KeySet, KeySetError};
use crate::oauth::scope::Scope;
use crate::oauth::server::redirect_uri::{RedirectUriError, RegisteredRedirect};
use crate::oauth::url::EndpointUrl;

/// The object as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a>(pub(super) &'a Map<String, Value>);

type Read<T> = Result<T, ClientMetadataError>;

impl<'a> Members<'a> {
    /// What grants the client may use here at all; those it could never use, and those nobody should, are left out.
    pub(super) fn grant_types(self, method: Method) -> Read<Vec<GrantType>> {
        let asked = self.texts("grant_types", MAXIMUM_WORDS)?;
        let responses = self.texts("response_types", MAXIMUM_WORDS)?;
        let mut grants: Vec<GrantType> = Vec::new();
        for grant in asked.iter().filter_map(|text| GrantType::from_name(text)) {
            // RFC 6749 §4.4: a client that proves nothing cannot act for itself.
            let possible = method != Method::None || grant != GrantType::ClientCredentials;
            if possible && !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        if asked.is_empty() {
            // RFC 7591 §2.
            grants.push(GrantType::AuthorizationCode);
        }
        if grants.is_empty() {
            return Err(ClientMetadataError::member("grant_types", MemberFault::NothingLeft));
        }
        let code = grants.contains(&GrantType::AuthorizationCode);
        if !responses.is_empty() && responses.contains(&"code") != code {
            let fault =
                if code { MemberFault::Unsupported("code") } else { MemberFault::Contradicts("grant_types") };
            // A client without the code grant may name whatever else it likes: it gets none of it.
            if code || responses.contains(&"code") {
                return Err(ClientMetadataError::member("response_types", fault));
            }
        }
        Ok(grants)
    }

    pub(super) fn authentication_method(self) -> Read<Method> {
        let name = "token_endpoint_auth_method";
        match self.text(name)? {
            // RFC 7591 §2.
            None => Ok(Method::Basic),
            Some(text) => Method::from_registered_name(text).ok_or_else(|| {
                let known = "none, client_secret_basic, client_secret_post and private_key_jwt";
                ClientMetadataError::member(name, MemberFault::Unsupported(known))
            }),
        }
    }

    pub(super) fn redirects(self, name: &'static str) -> Read<Vec<RegisteredRedirect>> {
        let refused = |error: RedirectUriError| {
            if name == "redirect_uris" {
                return ClientMetadataError::RedirectUri(error);
            }
            ClientMetadataError::member(name, error.into())
        };
        let mut redirects = Vec::new();
        for text in self.texts(name, MAXIMUM_REDIRECTS)? {
            let redirect = RegisteredRedirect::parse(text).map_err(refused)?;
            if !redirects.contains(&redirect) {
                redirects.push(redirect);
            }
        }
        Ok(redirects)
    }

    pub(super) fn line(self, name: &'static str) -> Read<Option<String>> {
        self.text(name)?.map(|text| readable(name, text)).transpose()
    }

    pub(super) fn lines(self, name: &'static str) -> Read<Vec<String>> {
        self.texts(name, MAXIMUM_WORDS)?.into_iter().map(|text| readable(name, text)).collect()
    }

    pub(super) fn page(self, name: &'static str) -> Read<Option<PageUrl>> {
        let page = self.text(name)?.map(PageUrl::parse).transpose();
        page.map_err(|fault| ClientMetadataError::member(name, fault))
    }

    pub(super) fn endpoint(self, name: &'static str) -> Read<Option<EndpointUrl>> {
        let endpoint = self.text(name)?.map(EndpointUrl::parse).transpose();
        endpoint.map_err(|error| ClientMetadataError::member(name, error.into()))
    }

    pub(super) fn scope(self) -> Read<Option<Scope>> {
        let scope = self.text("scope")?.map(Scope::parse).transpose();
        scope.map_err(|error| ClientMetadataError::member("scope", error.into()))
    }

    /// An algorithm of public keys: with any other one, the client could sign what it should only read.
    pub(super) fn algorithm(self, name: &'static str) -> Read<Option<Algorithm>> {
        let known = |text| {
            let algorithm = Algorithm::from_name(text).filter(|known| Algorithm::ASYMMETRIC.contains(known));
            algorithm
                .ok_or(ClientMetadataError::member(name, MemberFault::Unsupported("EdDSA, ES256 and RS256")))
        };
        self.text(name)?.map(known).transpose()
    }

    pub(super) fn keys(self) -> Read<Option<ClientKeys>> {
        let inline = match self.present("jwks") {
            None => None,
            Some(Value::Object(set)) => {
                let read = KeySet::from_object(set).and_then(named);
                Some(read.map_err(|error| ClientMetadataError::member("jwks", error.into()))?)
            }
            Some(_) => return Err(wrong_type("jwks", "an object")),
        };
        match (inline, self.endpoint("jwks_uri")?) {
            // RFC 7591 §2: never both.
            (Some(_), Some(_)) => {
                Err(ClientMetadataError::member("jwks", MemberFault::Contradicts("jwks_uri")))
            }
            (Some(set), None) => Ok(Some(ClientKeys::Inline(set))),
            (None, at) => Ok(at.map(ClientKeys::At)),
        }
    }

    pub(super) fn application_type(self) -> Read<Option<ApplicationType>> {
        Ok(match self.text("application_type")? {
            Some("web") => Some(ApplicationType::Web),
            Some("native") => Some(ApplicationType::Native),
            // Nothing depends on it, so an unknown kind does no harm.
            _ => None,
        })
    }

    pub(super) fn flag(self, name: &'static str) -> Read<bool> {
        match self.present(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong_type(name, "true or false")),
        }
    }

    pub(super) fn seconds(self, name: &'static str) -> Read<Option<u64>> {
        match self.present(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|&seconds| seconds <= MAXIMUM_SECONDS) {
                Some(seconds) => Ok(Some(seconds)),
                None => Err(wrong_type(name, "a whole number of seconds")),
            },
        }
    }

    /// A client that counts on names of its own for its users would mix them up.
    pub(super) fn only_public_subjects(self) -> Read<()> {
        match self.text("subject_type")? {
            None | Some("public") => Ok(()),
            Some(_) => Err(ClientMetadataError::member("subject_type", MemberFault::Unsupported("public"))),
        }
    }

    /// A member that says something: clients write `null`, `""` and `[]` for what they have not.
    fn present(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => true,
        })
    }

    fn text(self, name: &'static str) -> Read<Option<&'a str>> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "a text")),
        }
    }

    fn texts(self, name: &'static str, maximum: usize) -> Read<Vec<&'a str>> {
        let values = match self.present(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(wrong_type(name, "a list of texts")),
        };
        if values.len() > maximum {
            return Err(ClientMetadataError::member(name, MemberFault::TooMany(maximum)));
        }
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong_type(name, "a list of texts"));
        values.iter().map(text).collect()
    }
}

/// The largest client in use has twelve; each one is compared with every request.
const MAXIMUM_REDIRECTS: usize = 20;

/// More than there are grant types, response types, or people to write to.
const MAXIMUM_WORDS: usize = 20;

/// A page shows it in one or two lines.
const MAXIMUM_CHARACTERS: usize = 200;

/// Some 31 years, the limit of `max_age` in requests.
const MAXIMUM_SECONDS: u64 = 999_999_999;

/// The same keys, each with a name: they are written with names, and what is stored must be what was read.
fn named(set: KeySet) -> Result<KeySet, KeySetError> {
    match set.to_json() {
        Value::Object(written) => KeySet::from_object(&written),
        _ => Ok(set),
    }
}

fn wrong_type(name: &'static str, expected: &'static str) -> ClientMetadataError {
    ClientMetadataError::member(name, MemberFault::WrongType(expected))
}

fn readable(name: &'static str, text: &str) -> Read<String> {
    if text.chars().count() > MAXIMUM_CHARACTERS {
        return Err(ClientMetadataError::member(name, MemberFault::TooLong(MAXIMUM_CHARACTERS)));
    }
    if text.trim().is_empty() || text.contains(misleads) {
        return Err(ClientMetadataError::member(name, MemberFault::Unreadable));
    }
    Ok(text.to_owned())
}

/// Whether a character is not seen, or changes the order or the lines of those around it. The joiners U+200C and U+200D are
/// part of ordinary Persian, Hindi and emoji.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}
