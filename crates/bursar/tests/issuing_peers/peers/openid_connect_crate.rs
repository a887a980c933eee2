//! The crate `openidconnect`: discovery, code, ID Token, claims of the user.

use axum::Router;
use axum::routing::get;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope,
    TokenIntrospectionResponse as _, TokenResponse as _,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use crate::issuing_peers::world::World;

#[tokio::test]
async fn the_crate_openidconnect_signs_a_user_in_and_verifies_the_id_token() {
    let world = World::start().await;
    let registered = world.add_confidential_client().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http://{}/callback", listener.local_addr().unwrap());
    let page = Router::new().route("/callback", get(|| async { "You can close this page." }));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, page).await });

    let issuer = IssuerUrl::new(world.issuer.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &send).await.unwrap();
    let id = ClientId::new(registered["id"].as_str().unwrap().to_owned());
    let secret = ClientSecret::new(registered["secret"].as_str().unwrap().to_owned());
    let introspection = IntrospectionUrl::new(format!("{}/oauth/introspect", world.issuer)).unwrap();
    let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(callback).unwrap())
        .set_introspection_url(introspection);

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let request = request.add_scope(Scope::new("email".to_owned())).set_pkce_challenge(challenge);
    let (url, state, nonce) = request.url();
    let arrived = world.person.visit(url.as_str()).await;
    assert_eq!(parameter(&arrived, "state"), *state.secret());

    let code = AuthorizationCode::new(parameter(&arrived, "code"));
    let exchange = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
    let tokens = exchange.request_async(&send).await.unwrap();
    let checks = client.id_token_verifier();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token.claims(&checks, &nonce).unwrap();
    assert_eq!(id_token.signing_alg().unwrap(), &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256);
    let key = id_token.signing_key(&checks).unwrap();
    let hash =
        AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg().unwrap(), key).unwrap();
    assert!(claims.access_token_hash().is_none_or(|claimed| *claimed == hash));

    let subject = claims.subject().clone();
    let userinfo = client.user_info(tokens.access_token().clone(), Some(subject)).unwrap();
    let userinfo: CoreUserInfoClaims = userinfo.request_async(&send).await.unwrap();
    assert_eq!(userinfo.email().unwrap().as_str(), "ada@example.com");

    let refreshed = client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap();
    let refreshed = refreshed.request_async(&send).await.unwrap();
    assert_ne!(refreshed.refresh_token().unwrap().secret(), tokens.refresh_token().unwrap().secret());
    let introspection = client.introspect(refreshed.access_token()).request_async(&send).await.unwrap();
    assert!(introspection.active());
    world.end().await;
}

/// How the crate reaches the network.
async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let answer = request.send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name} is missing in {url}")).1.into_owned()
}
