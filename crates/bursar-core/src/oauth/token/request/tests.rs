//! Requests as the standards show them, and as providers bend them.

use super::*;
use crate::oauth::pkce::Verifier;
use crate::oauth::scope::Scope;
use crate::provider::Catalogue;
use crate::secret::Secret;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

#[derive(Debug)]
struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn entry(text: &str) -> Provider {
    let text =
        format!("id = \"example\"\n{text}\n[endpoints]\ntoken = \"https://server.example.com/token\"\n");
    toml::from_str(&text).unwrap()
}

fn client(authentication: ClientAuthentication) -> Client {
    Client { id: "s6BhdRkqt3".to_owned(), authentication }
}

fn public() -> Client {
    client(ClientAuthentication::None)
}

fn secret() -> Secret {
    Secret::new("gX1fBat3bV")
}

fn build(provider: &Provider, client: &Client, grant: &Grant<'_>) -> Request {
    token_request(provider, client, grant, &[], NOW, &Zeros).unwrap()
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body().expose().to_vec()).unwrap()
}

fn code<'a>(code: &'a Secret, verifier: Option<&'a Verifier>, state: Option<&'a Secret>) -> Grant<'a> {
    Grant::AuthorizationCode { code, redirect_uri: "https://client.example.com/cb", verifier, state }
}

fn refresh(token: &Secret) -> Grant<'_> {
    Grant::RefreshToken { token, scope: None, redirect_uri: None }
}

#[test]
fn the_exchange_of_a_code_is_written_as_the_standard_shows() {
    // RFC 6749 §4.1.3.
    let token = Secret::new("SplxlOBeZQQYbYS6WxSbIA");
    let request =
        build(&entry(""), &client(ClientAuthentication::Basic(secret())), &code(&token, None, None));
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri(), "https://server.example.com/token");
    assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(
        body(&request),
        "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb"
    );
}

#[test]
fn a_proof_key_and_where_wanted_the_state_go_along() {
    // RFC 7636 Appendix B.
    let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    let (token, state) = (Secret::new("c"), Secret::new("xyz"));
    let plain = body(&build(&entry(""), &public(), &code(&token, Some(&verifier), Some(&state))));
    assert!(plain.contains("&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    assert!(plain.contains("&client_id=s6BhdRkqt3") && !plain.contains("state="));
    let rules = entry("[token_request]\ninclude_state = true\ninclude_redirect_uri = false\n");
    let bent = body(&build(&rules, &public(), &code(&token, None, Some(&state))));
    assert!(bent.contains("&state=xyz") && !bent.contains("redirect_uri"));
}

#[test]
fn a_refresh_is_written_as_the_standard_shows() {
    // RFC 6749 §6.
    let token = Secret::new("tGzv3JOkF0XG5Qx2TlKWIA");
    let request = build(&entry(""), &client(ClientAuthentication::Post(secret())), &refresh(&token));
    assert_eq!(
        body(&request),
        "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3&client_secret=gX1fBat3bV"
    );
}

#[test]
fn scope_and_redirect_uri_are_repeated_only_on_demand() {
    let (token, scope) = (Secret::new("r"), Scope::parse("a b").unwrap());
    let grant =
        Grant::RefreshToken { token: &token, scope: Some(&scope), redirect_uri: Some("http://127.0.0.1/cb") };
    assert_eq!(
        body(&build(&entry(""), &public(), &grant)),
        "grant_type=refresh_token&refresh_token=r&client_id=s6BhdRkqt3"
    );
    let rules = entry(
        "[authorize]\nscope_separator = \",\"\n[refresh]\nresend_scope = true\nneeds_redirect_uri = true\nparameters = { mode = \"x\" }\n",
    );
    assert_eq!(
        body(&build(&rules, &public(), &grant)),
        "grant_type=refresh_token&refresh_token=r&scope=a%2Cb&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&mode=x&client_id=s6BhdRkqt3"
    );
}

#[test]
fn the_other_grants_are_written() {
    let scope = Scope::parse("a b").unwrap();
    let text = |grant: &Grant<'_>| body(&build(&entry(""), &public(), grant));
    assert_eq!(
        text(&Grant::ClientCredentials { scope: Some(&scope) }),
        "grant_type=client_credentials&scope=a+b&client_id=s6BhdRkqt3"
    );
    // RFC 8628 §3.4.
    assert_eq!(
        text(&Grant::DeviceCode { device_code: &Secret::new("GmRh") }),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=GmRh&client_id=s6BhdRkqt3"
    );
    // RFC 7523 §2.1.
    assert_eq!(
        text(&Grant::JwtBearer { assertion: &Secret::new("a.b.c"), scope: None }),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c&client_id=s6BhdRkqt3"
    );
}

#[test]
fn every_resource_is_named() {
    // RFC 8707 §2.2.
    let resource = ["https://one.example.com".to_owned(), "https://two.example.com/".to_owned()];
    let grant = Grant::ClientCredentials { scope: None };
    let request = token_request(&entry(""), &public(), &grant, &resource, NOW, &Zeros).unwrap();
    assert_eq!(
        body(&request),
        "grant_type=client_credentials&resource=https%3A%2F%2Fone.example.com&resource=https%3A%2F%2Ftwo.example.com%2F&client_id=s6BhdRkqt3"
    );
}

#[test]
fn formats_methods_names_and_headers_bend_to_the_entry() {
    let token = Secret::new("r&=");
    let json = build(
        &entry(
            "[token_request]\nformat = \"json\"\nheaders = { X-Version = \"1\" }\nparameters = { a = \"b\" }\n",
        ),
        &public(),
        &refresh(&token),
    );
    assert_eq!(json.headers()["content-type"], "application/json");
    assert_eq!(json.headers()["x-version"], "1");
    let value: serde_json::Value = serde_json::from_slice(json.body().expose()).unwrap();
    assert_eq!(
        value,
        serde_json::json!({"grant_type":"refresh_token","refresh_token":"r&=","a":"b","client_id":"s6BhdRkqt3"})
    );
    let mut rules = entry(
        "[token_request]\nformat = \"query\"\nrename = { client_id = \"client_key\", grant_type = \"\" }\n",
    );
    rules.endpoints.token = Some(Endpoint::parse("https://server.example.com/token?v=2").unwrap());
    let query = build(&rules, &public(), &refresh(&token));
    assert_eq!(query.method(), http::Method::POST);
    assert_eq!(
        query.uri(),
        "https://server.example.com/token?v=2&refresh_token=r%26%3D&client_key=s6BhdRkqt3"
    );
    assert!(body(&query).is_empty() && !query.headers().contains_key("content-type"));
    rules.token_request.method = RequestMethod::Get;
    rules.token_request.format = BodyFormat::Form;
    let get = build(&rules, &public(), &refresh(&token));
    assert_eq!(get.method(), http::Method::GET);
    assert!(get.uri().query().is_some_and(|query| query.contains("refresh_token=r%26%3D")));
}

#[test]
fn refresh_tokens_go_to_their_own_endpoint() {
    let mut provider = entry("");
    provider.endpoints.refresh = Some(Endpoint::parse("https://server.example.com/refresh").unwrap());
    let token = Secret::new("t");
    assert_eq!(build(&provider, &public(), &refresh(&token)).uri().path(), "/refresh");
    assert_eq!(build(&provider, &public(), &code(&token, None, None)).uri().path(), "/token");
}

#[test]
fn what_cannot_be_asked_is_told() {
    let token = Secret::new("t");
    let failure = |provider: &Provider, client: &Client| {
        token_request(provider, client, &refresh(&token), &[], NOW, &Zeros).unwrap_err()
    };
    let mut provider = entry("[client]\nauthentication = \"none\"\nsecret_with_public = \"forbid\"\n");
    let with_secret = provider.client.client("id", Some(secret()));
    assert!(matches!(failure(&provider, &with_secret), RequestError::SecretForbidden));
    provider.client.secret_with_public = SecretWithPublic::Allow;
    assert!(token_request(&provider, &with_secret, &refresh(&token), &[], NOW, &Zeros).is_ok());
    provider.client.authentication = AuthenticationRule::Tls;
    assert!(matches!(failure(&provider, &public()), RequestError::CertificateRequired));
    provider.endpoints.token = None;
    assert!(matches!(failure(&provider, &public()), RequestError::NoEndpoint("token")));
    let gitlab = Catalogue::embedded().find("gitlab").unwrap().unwrap();
    assert!(matches!(failure(&gitlab, &public()), RequestError::Endpoint { place: "token", .. }));
}

#[test]
fn nothing_secret_is_shown() {
    let token = Secret::new("hunter2");
    let request =
        build(&entry(""), &client(ClientAuthentication::Basic(Secret::new("hunter3"))), &refresh(&token));
    assert!(!format!("{request:?}").contains("hunter"));
    assert!(!format!("{:?}", refresh(&token)).contains("hunter"));
}

#[test]
fn a_client_presents_itself_by_the_rule() {
    use crate::oauth::client_authentication::Method;
    for (rule, with_secret) in [
        (AuthenticationRule::Auto, Method::Post),
        (AuthenticationRule::Post, Method::Post),
        (AuthenticationRule::Basic, Method::Basic),
    ] {
        let mut rules = entry("").client;
        rules.authentication = rule;
        assert_eq!(rules.client("id", Some(secret())).authentication.method(), with_secret);
        assert_eq!(rules.client("id", None).authentication.method(), Method::None);
    }
}
