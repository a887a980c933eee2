//! Providers that repeat in their errors what they were sent.

use misbehaving_provider::{
    Behaviour, Endpoint, Fault, MisbehavingProvider, SERVICE_CLIENT, SERVICE_SECRET, Times,
};

use super::watched::Watched;

fn echo(code: &str, secret: &str) -> Fault {
    let description = Some(format!("I do not know {secret}, sorry"));
    Fault::OauthError { status: 400, code: code.into(), description }
}

fn refresh_token(provider: &MisbehavingProvider) -> String {
    let secrets = provider.secrets();
    secrets.into_iter().find(|secret| provider.is_refresh_live(secret)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_repeated_in_the_description_of_an_error_is_masked() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let fault = echo("invalid_grant", &refresh_token(&provider));
    provider.inject(Endpoint::Token, fault, Times::Once);
    let ended = watched.run(&["refresh", "work"], 4).await;
    assert!(ended.stderr.contains("I do not know …, sorry"), "{ended}");
    watched.run(&["status"], 4).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_the_error_code_is_masked() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let code = format!("unknown:{}", refresh_token(&provider));
    let fault = Fault::OauthError { status: 400, code, description: None };
    provider.inject(Endpoint::Token, fault, Times::Once);
    watched.run(&["refresh", "work"], 5).await;
    watched.run(&["status", "--json"], 5).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_repeated_in_an_error_is_masked() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let file = watched.secret_file("client-secret", SERVICE_SECRET);
    provider.inject(Endpoint::Token, echo("invalid_client", SERVICE_SECRET), Times::Once);
    let issuer = provider.issuer();
    let robot = ["login", &issuer, "--grant", "client-credentials", "--client-id", SERVICE_CLIENT];
    let ended = watched.run(&[&robot[..], &["--client-secret-file", &file]].concat(), 4).await;
    assert!(ended.stderr.contains("I do not know …, sorry"), "{ended}");
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_repeated_by_a_refused_revocation_is_masked() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let fault = echo("server_error", &refresh_token(&provider));
    provider.inject(Endpoint::Revoke, fault, Times::Always);
    watched.run(&["logout", "work"], 0).await;
    watched.run(&["status"], 0).await;
    watched.run(&["cleanup"], 0).await;
    watched.assert_clean(&provider);
}
