//! A provider made from published metadata: the login by issuer URL, for everybody who is not in the catalogue.

use super::{
    AssertionAudience, AuthenticationRule, Endpoint, Endpoints, Provider, ProviderId, Registration,
    RevokeForm,
};
use crate::oauth::metadata::ServerMetadata;

impl Provider {
    /// The standards-abiding provider that `metadata` describes (RFC 8414 §2, OIDC Discovery §3).
    ///
    /// Nothing is known about rotation and reuse, so both stay undeclared, which is handled as the worst case. Scopes
    /// are the usual four, without those the provider says it does not know.
    pub fn from_metadata(id: ProviderId, metadata: &ServerMetadata) -> Self {
        let mut provider = Self::new(id);
        provider.endpoints = Endpoints {
            issuer: Endpoint::parse(metadata.issuer.as_str()).ok(),
            authorize: metadata.authorization_endpoint.as_ref().map(Endpoint::from),
            token: metadata.token_endpoint.as_ref().map(Endpoint::from),
            device: metadata.device_authorization_endpoint.as_ref().map(Endpoint::from),
            revoke: metadata.revocation_endpoint.as_ref().map(Endpoint::from),
            introspect: metadata.introspection_endpoint.as_ref().map(Endpoint::from),
            userinfo: metadata.userinfo_endpoint.as_ref().map(Endpoint::from),
            pushed_authorization: metadata.pushed_authorization_request_endpoint.as_ref().map(Endpoint::from),
            registration: metadata.registration_endpoint.as_ref().map(Endpoint::from),
            keys: metadata.jwks_uri.as_ref().map(Endpoint::from),
            refresh: None,
            validate: None,
        };
        provider.authorize.issuer_in_answer = metadata.authorization_response_iss_parameter_supported;
        provider.client.authentication =
            authentication(metadata.token_endpoint_auth_methods_supported.as_deref());
        // Endpoints are what metadata says they are; whose metadata it is was checked.
        provider.client.assertion_audience = AssertionAudience::Issuer;
        provider.client.public = metadata
            .token_endpoint_auth_methods_supported
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|method| method == "none"));
        provider.client.registration = if metadata.client_id_metadata_document_supported {
            Registration::MetadataDocument
        } else if metadata.registration_endpoint.is_some() {
            Registration::Dynamic
        } else {
            Registration::Manual
        };
        let is_known = |scope: &&str| {
            metadata.scopes_supported.as_ref().is_none_or(|scopes| scopes.iter().any(|known| known == scope))
        };
        provider.authorize.default_scopes = ["openid", "email", "profile"]
            .iter()
            .filter(|scope| is_known(scope))
            .map(ToString::to_string)
            .collect();
        provider.authorize.offline_scope = Some("offline_access").filter(is_known).map(str::to_owned);
        if metadata.revocation_endpoint.is_none() {
            provider.revoke.form = RevokeForm::None;
        }
        provider
    }
}

/// The first method of our order that the provider knows; absent means `client_secret_basic` (RFC 8414 §2).
fn authentication(methods: Option<&[String]>) -> AuthenticationRule {
    let Some(methods) = methods else {
        return AuthenticationRule::Basic;
    };
    [
        ("client_secret_basic", AuthenticationRule::Basic),
        ("client_secret_post", AuthenticationRule::Post),
        ("private_key_jwt", AuthenticationRule::PrivateKeyJwt),
        ("tls_client_auth", AuthenticationRule::Tls),
        ("none", AuthenticationRule::None),
    ]
    .into_iter()
    .find(|(name, _)| methods.iter().any(|method| method == name))
    .map_or(AuthenticationRule::Auto, |(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::url::Issuer;
    use crate::provider::{ClientRules, Reuse};

    fn provider(more: &str) -> Provider {
        let issuer = Issuer::parse("https://auth.example.com").unwrap();
        let body = format!(
            r#"{{"issuer":"https://auth.example.com","authorization_endpoint":"https://auth.example.com/authorize",
                "token_endpoint":"https://auth.example.com/token","response_types_supported":["code"]{more}}}"#
        );
        let metadata = ServerMetadata::read(body.as_bytes(), &issuer).unwrap();
        Provider::from_metadata(ProviderId::of_issuer(&issuer), &metadata)
    }

    #[test]
    fn metadata_becomes_a_provider_that_can_be_used() {
        let provider = provider(
            r#","device_authorization_endpoint":"https://auth.example.com/device?tenant=a",
               "revocation_endpoint":"https://auth.example.com/revoke",
               "registration_endpoint":"https://auth.example.com/register",
               "scopes_supported":["openid","email","offline_access","api"],
               "token_endpoint_auth_methods_supported":["none","client_secret_post"]"#,
        );
        assert_eq!(provider.id.as_str(), "auth.example.com");
        assert_eq!(provider.authorize.scopes(&[]), ["openid", "email", "offline_access"]);
        assert_eq!(provider.client.authentication, AuthenticationRule::Post);
        assert!(provider.client.public);
        assert_eq!(provider.client.registration, Registration::Dynamic);
        assert_eq!(provider.refresh.reuse, Reuse::Undeclared);
        let endpoint = provider.endpoints.token.as_ref().unwrap().url().unwrap();
        assert_eq!(provider.assertion_audience(&endpoint), "https://auth.example.com");
        let documented = Provider { client: ClientRules::default(), ..provider.clone() };
        assert_eq!(documented.assertion_audience(&endpoint), "https://auth.example.com/token");
        assert_eq!(provider.revoke.form, RevokeForm::Rfc7009);
        for (name, endpoint) in provider.endpoints.declared() {
            assert!(endpoint.url().is_ok(), "{name}: {endpoint}");
        }
        let device = provider.endpoints.device.unwrap();
        assert_eq!(device.as_str(), "https://auth.example.com/device?tenant=a");
    }

    #[test]
    fn what_metadata_leaves_out_has_the_standards_default() {
        let provider = provider("");
        // RFC 8414 §2: without a list of methods, HTTP Basic is the one.
        assert_eq!(provider.client.authentication, AuthenticationRule::Basic);
        assert_eq!(provider.authorize.scopes(&[]), ["openid", "email", "profile", "offline_access"]);
        assert_eq!(provider.revoke.form, RevokeForm::None);
        assert_eq!(provider.client.registration, Registration::Manual);
        assert_eq!(provider.environment.len(), 2);
    }

    #[test]
    fn the_first_method_both_know_is_chosen() {
        for (methods, rule) in [
            (r#"["client_secret_post","client_secret_basic"]"#, AuthenticationRule::Basic),
            (r#"["private_key_jwt","tls_client_auth"]"#, AuthenticationRule::PrivateKeyJwt),
            (r#"["none"]"#, AuthenticationRule::None),
            (r#"["something_new"]"#, AuthenticationRule::Auto),
            ("[]", AuthenticationRule::Auto),
        ] {
            let more = format!(r#","token_endpoint_auth_methods_supported":{methods}"#);
            assert_eq!(provider(&more).client.authentication, rule, "{methods}");
        }
    }
}
