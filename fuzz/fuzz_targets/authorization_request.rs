//! Authorization requests: judged without panic, and every answer reads back as it was meant.

#![no_main]

use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::server::authorization_request::{
    AuthorizationRequest, WhoAndWhere, parse_parameters,
};
use bursar_core::oauth::server::authorization_response::AuthorizationResponse;
use bursar_core::oauth::server::redirect_uri::{RedirectTarget, RegisteredRedirect};
use bursar_core::oauth::url::Issuer;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &[u8]| {
    let Ok(parameters) = parse_parameters(text) else { return };
    let read = AuthorizationRequest::read(&parameters);
    if let Ok(request) = &read {
        assert_eq!(request.challenge.as_str().len(), 43);
        assert_eq!(parameters.value("code_challenge_method"), Some("S256"));
    }
    let Ok(who) = WhoAndWhere::read(&parameters) else { return };
    let registered = who.redirect_uri.as_deref().map(RegisteredRedirect::parse);
    let Some(Ok(registered)) = registered else { return };
    let target =
        RedirectTarget::choose(&[registered], who.redirect_uri.as_deref()).expect("it is registered");
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    let response = AuthorizationResponse { target: &target, issuer: &issuer, state: who.state.as_ref() };
    let (code, description) = match &read {
        Ok(_) => (ErrorCode::AccessDenied, None),
        Err(error) => (error.code(), Some(error.description())),
    };
    assert!(code.is_registered());
    let address = response.refusing(&code, description.as_deref());
    assert!(address.expose().starts_with(target.as_str()));
    let url = Url::parse(address.expose()).expect("an address");
    let values = |name: &str| -> Vec<String> {
        let pairs = url.query_pairs().filter(|(found, _)| found == name);
        pairs.map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(values("iss"), [issuer.as_str()]);
    assert_eq!(values("error"), [code.as_str()]);
    assert_eq!(values("state"), who.state.iter().map(|state| state.expose()).collect::<Vec<_>>());
});
