use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::server::redirect_uri::RedirectUriRule;
use crate::secret::Secret;

fn read(document: &Value) -> Result<ClientMetadata, ClientMetadataError> {
    ClientMetadata::read(document.to_string().as_bytes())
}

fn with(name: &str, value: Value) -> Result<ClientMetadata, ClientMetadataError> {
    let mut document = json!({"redirect_uris": ["https://client.example.org/callback"]});
    document[name] = value;
    read(&document)
}

fn fault(name: &str, value: Value) -> MemberFault {
    match with(name, value) {
        Err(ClientMetadataError::Member { name: named, source }) if named == name => source,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn example_of_rfc_7591_is_read() {
    let metadata = read(&json!({
        "redirect_uris": [
            "https://client.example.org/callback",
            "https://client.example.org/callback2"
        ],
        "client_name": "My Example Client",
        "client_name#ja-Jpan-JP": "\u{30AF}\u{30E9}\u{30A4}\u{30A2}\u{30F3}\u{30C8}\u{540D}",
        "token_endpoint_auth_method": "client_secret_basic",
        "logo_uri": "https://client.example.org/logo.png",
        "jwks_uri": "https://client.example.org/my_public_keys.jwks",
        "example_extension_parameter": "example_value"
    }))
    .unwrap();
    assert_eq!(metadata.redirect_uris.len(), 2);
    assert_eq!(metadata.client_name.as_deref(), Some("My Example Client"));
    assert_eq!(metadata.token_endpoint_auth_method, Method::Basic);
    assert_eq!(metadata.logo_uri.as_ref().unwrap().as_str(), "https://client.example.org/logo.png");
    assert!(matches!(&metadata.keys, Some(ClientKeys::At(url)) if url.host() == "client.example.org"));
}

#[test]
fn what_is_not_said_has_the_defaults_of_the_standard() {
    for nothing in [json!(null), json!(""), json!([])] {
        let mut document = json!({"redirect_uris": ["https://a.example/cb"]});
        for name in [
            "client_name",
            "client_uri",
            "logo_uri",
            "scope",
            "contacts",
            "grant_types",
            "response_types",
            "token_endpoint_auth_method",
            "jwks",
            "jwks_uri",
            "dpop_bound_access_tokens",
            "default_max_age",
        ] {
            document[name] = nothing.clone();
        }
        let metadata = read(&document).unwrap();
        assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
        assert_eq!(metadata.response_types(), ["code"]);
        assert_eq!(metadata.token_endpoint_auth_method, Method::Basic);
        assert_eq!((metadata.client_name, metadata.scope, metadata.keys), (None, None, None));
    }
}

#[test]
fn cursor_registers_as_it_is() {
    let metadata = read(&json!({
        "application_type": "web",
        "redirect_uris": ["http://localhost:8787/callback", "cursor://anysphere.cursor-mcp/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }))
    .unwrap();
    assert_eq!(metadata.redirect_uris.len(), 2);
    assert!(metadata.is_public());
}

#[test]
fn dangerous_redirects_are_named() {
    for text in ["javascript:alert(1)", "data:text/html,a", "file:///etc/passwd", "http://evil.example/cb"] {
        let error = with("redirect_uris", json!(["https://a.example/cb", text])).unwrap_err();
        assert_eq!(error.code().as_str(), "invalid_redirect_uri", "{text}");
        assert!(error.description().contains(text), "{}", error.description());
    }
    let error = read(&json!({"redirect_uris": []})).unwrap_err();
    assert_eq!((error.code().as_str(), error), ("invalid_redirect_uri", ClientMetadataError::NoRedirectUri));
    let error = with("post_logout_redirect_uris", json!(["javascript:alert(1)"])).unwrap_err();
    assert_eq!(error.code().as_str(), "invalid_client_metadata");
    let ClientMetadataError::Member { source: MemberFault::RedirectUri(error), .. } = error else { panic!() };
    assert_eq!(error.rule, RedirectUriRule::Scheme);
}

#[test]
fn dangerous_pages_are_refused() {
    for name in ["client_uri", "logo_uri", "tos_uri", "policy_uri"] {
        for text in [
            "javascript:alert(1)",
            "data:image/svg+xml,<svg/>",
            "file:///etc/passwd",
            "https://user:password@a.example/",
            "https://a.example/\"onload=\"x",
            "https:a.example",
            "HTTPS://a.example\\b",
            "/logo.png",
        ] {
            assert_eq!(fault(name, json!(text)), MemberFault::Page, "{name} {text}");
        }
        assert!(with(name, json!("https://a.example/terms#top")).is_ok());
    }
}

#[test]
fn names_read_as_they_are_written() {
    for text in ["a\u{202e}b", "a\nb", "a\u{0}b", "\u{200b}", "a\u{2066}b", " ", "a\u{feff}", "\u{e0041}"] {
        assert_eq!(fault("client_name", json!(text)), MemberFault::Unreadable, "{text:?}");
    }
    assert_eq!(fault("client_name", json!("é".repeat(201))), MemberFault::TooLong(200));
    assert!(with("client_name", json!("é".repeat(200))).is_ok());
    assert!(with("client_name", json!("👩\u{200d}💻 Client (日本語)")).is_ok());
}

#[test]
fn members_of_another_kind_are_refused() {
    for (name, value, expected) in [
        ("client_name", json!(1), "a text"),
        ("client_name", json!(["a"]), "a text"),
        ("contacts", json!("a"), "a list of texts"),
        ("contacts", json!([1]), "a list of texts"),
        ("redirect_uris", json!("https://a.example/cb"), "a list of texts"),
        ("grant_types", json!({"a": 1}), "a list of texts"),
        ("jwks", json!("{}"), "an object"),
        ("dpop_bound_access_tokens", json!("true"), "true or false"),
        ("default_max_age", json!(-1), "a whole number of seconds"),
        ("default_max_age", json!(1.5), "a whole number of seconds"),
        ("default_max_age", json!(1e18), "a whole number of seconds"),
    ] {
        assert_eq!(fault(name, value), MemberFault::WrongType(expected), "{name}");
    }
    let many = |count: usize| json!((0..count).map(|n| format!("https://a.example/{n}")).collect::<Vec<_>>());
    assert_eq!(fault("redirect_uris", many(21)), MemberFault::TooMany(20));
    assert!(with("redirect_uris", many(20)).is_ok());
}

#[test]
fn what_this_server_has_not_is_refused() {
    for (name, value) in [
        ("token_endpoint_auth_method", "client_secret_jwt"),
        ("token_endpoint_auth_method", "tls_client_auth"),
        ("token_endpoint_auth_signing_alg", "none"),
        ("token_endpoint_auth_signing_alg", "HS256"),
        ("id_token_signed_response_alg", "none"),
        ("id_token_signed_response_alg", "HS256"),
        ("subject_type", "pairwise"),
    ] {
        let MemberFault::Unsupported(_) = fault(name, json!(value)) else { panic!("{name} {value}") };
    }
    for responses in [json!(["token"]), json!(["id_token", "token"]), json!(["code id_token"])] {
        assert_eq!(fault("response_types", responses), MemberFault::Unsupported("code"));
    }
    assert!(with("response_types", json!(["code", "token"])).is_ok());
}

#[test]
fn members_must_agree() {
    assert_eq!(fault("grant_types", json!(["implicit", "password"])), MemberFault::NothingLeft);
    let error = read(&json!({"grant_types": ["refresh_token"], "response_types": ["code"]})).unwrap_err();
    assert_eq!(error.description(), "`response_types` is not acceptable: it contradicts `grant_types`");
    let error = with("token_endpoint_auth_method", json!("private_key_jwt")).unwrap_err();
    assert_eq!(error, ClientMetadataError::member("jwks", MemberFault::Missing));
    let useless = read(&json!({
        "redirect_uris": ["https://a.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{"kty": "EC", "crv": "P-521", "x": "a", "y": "b"}]},
    }));
    assert_eq!(useless, Err(ClientMetadataError::member("jwks", MemberFault::Missing)));
    let both = read(&json!({
        "redirect_uris": ["https://a.example/cb"],
        "jwks": {"keys": []},
        "jwks_uri": "https://a.example/keys",
    }));
    assert_eq!(both, Err(ClientMetadataError::member("jwks", MemberFault::Contradicts("jwks_uri"))));
    assert!(matches!(fault("jwks", json!({"keys": [{"kty": "oct", "k": "YQ"}]})), MemberFault::Keys(_)));
    assert!(matches!(fault("jwks_uri", json!("http://a.example/keys")), MemberFault::Endpoint(_)));
}

#[test]
fn strangers_get_only_grants_that_ask_a_user() {
    let asked = json!([
        "authorization_code",
        "implicit",
        "password",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "authorization_code",
    ]);
    let metadata = with("grant_types", asked).unwrap();
    assert_eq!(metadata.grant_types.len(), 6);
    let trimmed = metadata.for_anonymous().unwrap();
    let mut expected = GrantType::ASKING_A_USER.to_vec();
    expected.sort();
    let mut found = trimmed.grant_types.clone();
    found.sort();
    assert_eq!(found, expected);
    let machine = json!({"grant_types": ["client_credentials"], "response_types": ["token"]});
    let metadata = read(&machine).unwrap();
    assert_eq!(metadata.response_types(), [""; 0]);
    assert_eq!(
        metadata.for_anonymous(),
        Err(ClientMetadataError::member("grant_types", MemberFault::NothingLeft))
    );
}

#[test]
fn public_clients_never_act_for_themselves() {
    let public = |grants: Value| {
        read(&json!({
            "redirect_uris": ["https://a.example/cb"],
            "token_endpoint_auth_method": "none",
            "grant_types": grants,
        }))
    };
    let metadata = public(json!(["authorization_code", "client_credentials"])).unwrap();
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(
        public(json!(["client_credentials"])),
        Err(ClientMetadataError::member("grant_types", MemberFault::NothingLeft))
    );
}

#[test]
fn large_ambiguous_and_broken_documents_are_refused() {
    let large = json!({"a": "x".repeat(64 * 1024)}).to_string();
    assert_eq!(
        ClientMetadata::read(large.as_bytes()),
        Err(ClientMetadataError::TooLarge { maximum: 64 * 1024 })
    );
    for body in ["", "null", "[]", "{\"redirect_uris\":[],\"redirect_uris\":[]}", "{\"a\":\"\\ud800\"}"] {
        let error = ClientMetadata::read(body.as_bytes()).unwrap_err();
        assert!(matches!(error, ClientMetadataError::Unreadable(_)), "{body}");
        assert_eq!(error.code().as_str(), "invalid_client_metadata");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert!(ClientMetadata::read(deep.as_bytes()).is_err());
}

#[test]
fn answers_have_no_empty_members_and_always_their_grants() {
    let metadata = with("token_endpoint_auth_method", json!("client_secret_post")).unwrap();
    let secret = Secret::new("cf136dc3c1fc93f31185e5885805d");
    let token = Secret::new("this.is.an.access.token.value.ffx83");
    let answer = RegistrationAnswer {
        client_id: "s6BhdRkqt3",
        issued_at: Timestamp::from_second(2_893_256_800).unwrap(),
        secret: Some(&secret),
        secret_expires_at: None,
        management: Some(("https://server.example.com/register/s6BhdRkqt3", &token)),
        metadata: &metadata,
    };
    let body: Value = serde_json::from_slice(answer.to_body().expose()).unwrap();
    assert_eq!(
        body,
        json!({
            "client_id": "s6BhdRkqt3",
            "client_id_issued_at": 2_893_256_800_u64,
            "client_secret": "cf136dc3c1fc93f31185e5885805d",
            "client_secret_expires_at": 0,
            "registration_client_uri": "https://server.example.com/register/s6BhdRkqt3",
            "registration_access_token": "this.is.an.access.token.value.ffx83",
            "redirect_uris": ["https://client.example.org/callback"],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
        })
    );
    let public = RegistrationAnswer { secret: None, management: None, ..answer };
    let body: Value = serde_json::from_slice(public.to_body().expose()).unwrap();
    assert_eq!((body.get("client_secret"), body.get("client_secret_expires_at")), (None, None));
}

#[test]
fn everything_that_is_understood_survives_storage() {
    let metadata = read(&json!({
        "redirect_uris": ["https://a.example/cb", "http://localhost/cb"],
        "client_name": "A", "client_uri": "https://a.example", "logo_uri": "https://a.example/l.png",
        "tos_uri": "https://a.example/t", "policy_uri": "https://a.example/p", "contacts": ["a@a.example"],
        "scope": "openid read", "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": "https://a.example/keys", "software_id": "s", "software_version": "1",
        "application_type": "native", "dpop_bound_access_tokens": true,
        "id_token_signed_response_alg": "EdDSA", "post_logout_redirect_uris": ["https://a.example/out"],
        "backchannel_logout_uri": "https://a.example/back", "backchannel_logout_session_required": true,
        "require_pushed_authorization_requests": true,
        "default_max_age": 60, "require_auth_time": true,
    }))
    .unwrap();
    let written = serde_json::to_string(&metadata).unwrap();
    assert_eq!(serde_json::from_str::<ClientMetadata>(&written).unwrap(), metadata);
    assert_eq!(metadata.to_object().len(), 24);
}

#[test]
fn keys_without_names_survive_storage() {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let metadata = with("jwks", json!({"keys": [key]})).unwrap();
    assert_eq!(read(&Value::Object(metadata.to_object())).unwrap(), metadata);
    // Both would get one name, and the record could never be read again.
    assert!(matches!(fault("jwks", json!({"keys": [key, key]})), MemberFault::Keys(_)));
}

proptest! {
    #[test]
    fn what_is_read_can_be_stored(
        name in ".{0,12}",
        uri in "(https://a\\.example|http://localhost|com\\.a:)(/[a-z%:.]{0,6})?",
        grants in proptest::collection::vec("(authorization_code|refresh_token|client_credentials|implicit)", 0..3),
        method in "(none|client_secret_post|x)?",
    ) {
        let document = json!({
            "redirect_uris": [uri], "client_name": name, "grant_types": grants,
            "token_endpoint_auth_method": method,
        });
        match read(&document) {
            Ok(metadata) => {
                prop_assert_eq!(&read(&Value::Object(metadata.to_object())), &Ok(metadata.clone()));
                prop_assert!(!metadata.grant_types.is_empty());
            }
            Err(error) => prop_assert!(!error.description().contains(char::is_control)),
        }
    }
}
