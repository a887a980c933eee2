//! The conformance suite of the Model Context Protocol, with this program as the client: a small MCP client gets every token
//! from `bursar login URL` and `bursar token`, and hands over what servers answer.

use std::path::Path;

use futures::StreamExt as _;

use crate::issuing_peers::foreign_program::ForeignProgram;

/// What both versions of the suite ask of clients that log people in, by revision of the specification.
const OF_2025_11_25: [&str; 15] = [
    "metadata-default",
    "metadata-var1",
    "metadata-var2",
    "metadata-var3",
    "basic-cimd",
    "scope-from-www-authenticate",
    "scope-from-scopes-supported",
    "scope-omitted-when-undefined",
    "scope-step-up",
    "scope-retry-limit",
    "token-endpoint-auth-basic",
    "token-endpoint-auth-post",
    "token-endpoint-auth-none",
    "pre-registration",
    "2025-03-26-oauth-metadata-backcompat",
];

const OF_2026_07_28: [&str; 11] = [
    "resource-mismatch",
    "offline-access-scope",
    "offline-access-not-supported",
    "authorization-server-migration",
    "iss-supported",
    "iss-not-advertised",
    "iss-supported-missing",
    "iss-wrong-issuer",
    "iss-unexpected",
    "iss-normalized",
    "metadata-issuer-mismatch",
];

/// A server that publishes nothing promises no PKCE either: the person vouches for it.
const WITHOUT_METADATA: (&str, &str) = ("2025-03-26-oauth-endpoint-fallback", "--assume-pkce");

/// Of the extensions: the rest of them is about tokens of an identity provider that are exchanged for others, which no person
/// and no client of their own has.
const OF_EXTENSIONS: [(&str, &str); 4] = [
    ("dpop", "--dpop"),
    ("dpop-nonce", "--dpop"),
    ("client-credentials-basic", "--grant=client-credentials"),
    ("client-credentials-jwt", "--grant=client-credentials"),
];

#[tokio::test]
async fn the_scenarios_of_the_published_suite_pass() {
    // Not the last one: its server calls itself by another name than the one it was asked by (RFC 8414 §3.3), which the next
    // suite has put right.
    let scenarios = people(OF_2025_11_25[..14].iter().chain(&OF_2026_07_28[..3]));
    pass("mcp-conformance-0.1", scenarios.chain([WITHOUT_METADATA])).await;
}

#[tokio::test]
async fn the_earlier_scenarios_of_the_next_suite_pass() {
    pass("@modelcontextprotocol/conformance", people(OF_2025_11_25.iter()).chain([WITHOUT_METADATA])).await;
}

#[tokio::test]
async fn the_later_scenarios_of_the_next_suite_pass() {
    pass("@modelcontextprotocol/conformance", people(OF_2026_07_28.iter())).await;
}

#[tokio::test]
async fn bound_tokens_and_clients_in_their_own_name_pass_the_suite_too() {
    pass("@modelcontextprotocol/conformance", OF_EXTENSIONS.into_iter()).await;
}

/// Nothing has to be said for a person who logs in.
fn people(
    scenarios: impl Iterator<Item = &'static &'static str>,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    scenarios.map(|scenario| (*scenario, ""))
}

/// Several at a time, because each mostly waits for processes to start.
async fn pass(suite: &str, scenarios: impl Iterator<Item = (&'static str, &'static str)>) {
    let all = scenarios.map(|(scenario, options)| passes(suite, scenario, options));
    futures::stream::iter(all).for_each_concurrent(3, |one| one).await;
}

/// One scenario, with these options for every login; all of its checks must pass without a warning.
async fn passes(suite: &str, scenario: &str, options: &str) {
    let homes = tempfile::tempdir().unwrap();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers");
    let command = format!(
        "BURSAR={} BURSAR_CLIENT_HOME={} BURSAR_CLIENT_OPTIONS={options} {} clients/bursar-client.mjs",
        env!("CARGO_BIN_EXE_bursar"),
        homes.path().display(),
        peers.join("node/run").display(),
    );
    let program = format!("node_modules/{suite}/dist/index.js");
    let scenario = format!("auth/{scenario}");
    // It tells what it sees on standard error, and ends well only if every check has passed without a warning.
    let arguments =
        [&program, "client", "--command", &command, "--scenario", &scenario, "--timeout", "60000"];
    ForeignProgram::of_node(&arguments).succeeded().await;
}
