//! Client metadata as it is stored and sent: RFC 7591 §2, without members that say nothing.

use serde_json::{Map, Value};

use super::{ApplicationType, ClientKeys, ClientMetadata, ClientMetadataError, GrantType, PageUrl};
use crate::oauth::scope::Scope;
use crate::oauth::server::redirect_uri::RegisteredRedirect;

impl TryFrom<Map<String, Value>> for ClientMetadata {
    type Error = ClientMetadataError;

    fn try_from(object: Map<String, Value>) -> Result<Self, ClientMetadataError> {
        Self::from_object(&object)
    }
}

impl From<ClientMetadata> for Map<String, Value> {
    fn from(metadata: ClientMetadata) -> Self {
        metadata.to_object()
    }
}

impl ClientMetadata {
    /// The members, of which `grant_types` and `response_types` are always there: some clients cannot go on without them.
    /// None is `null` or an empty text, which strict clients refuse.
    pub fn to_object(&self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        let page = |page: &Option<PageUrl>| page.as_ref().map(|page| page.as_str().into());
        let list = |values: Vec<&str>| (!values.is_empty()).then(|| values.into());
        let flag = |flag: bool| flag.then_some(Value::Bool(true));
        add("redirect_uris", list(self.redirect_uris.iter().map(RegisteredRedirect::as_str).collect()));
        add("client_name", self.client_name.clone().map(Value::from));
        add("client_uri", page(&self.client_uri));
        add("logo_uri", page(&self.logo_uri));
        add("tos_uri", page(&self.tos_uri));
        add("policy_uri", page(&self.policy_uri));
        add("contacts", list(self.contacts.iter().map(String::as_str).collect()));
        let scope = self.scope.as_ref().filter(|scope| !scope.is_empty());
        add("scope", scope.map(Scope::to_string).map(Value::from));
        add("grant_types", Some(self.grant_types.iter().map(|grant: &GrantType| grant.as_str()).collect()));
        add("response_types", Some(self.response_types().into()));
        add("token_endpoint_auth_method", Some(self.token_endpoint_auth_method.registered_name().into()));
        add(
            "token_endpoint_auth_signing_alg",
            self.token_endpoint_auth_signing_alg.map(|algorithm| algorithm.name().into()),
        );
        match &self.keys {
            Some(ClientKeys::Inline(set)) => add("jwks", Some(set.to_json())),
            Some(ClientKeys::At(url)) => add("jwks_uri", Some(url.as_str().into())),
            None => {}
        }
        add("software_id", self.software_id.clone().map(Value::from));
        add("software_version", self.software_version.clone().map(Value::from));
        add(
            "application_type",
            self.application_type.map(|kind| match kind {
                ApplicationType::Web => "web".into(),
                ApplicationType::Native => "native".into(),
            }),
        );
        add("dpop_bound_access_tokens", flag(self.dpop_bound_access_tokens));
        add(
            "id_token_signed_response_alg",
            self.id_token_signed_response_alg.map(|algorithm| algorithm.name().into()),
        );
        let redirects = self.post_logout_redirect_uris.iter().map(RegisteredRedirect::as_str);
        add("post_logout_redirect_uris", list(redirects.collect()));
        add("backchannel_logout_uri", self.backchannel_logout_uri.as_ref().map(|url| url.as_str().into()));
        add("backchannel_logout_session_required", flag(self.backchannel_logout_session_required));
        add("require_pushed_authorization_requests", flag(self.require_pushed_authorization_requests));
        add("default_max_age", self.default_max_age.map(Value::from));
        add("require_auth_time", flag(self.require_auth_time));
        object
    }
}
