//! The conformance suite of the Model Context Protocol, with this program as the client: a small MCP client gets every token
//! from `bursar login URL` and `bursar token`, and hands over what servers answer.

use std::path::Path;

use futures::StreamExt as _;

use crate::issuing_peers::foreign_program::ForeignProgram;

/// Everything both versions of the suite ask of clients that log people in, by revision of the specification.
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
    // Of 2025-03-26. The scenario beside it wants logins at servers that publish no metadata at all, and so do not promise
    // PKCE: that is refused here.
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

#[tokio::test]
async fn the_scenarios_of_the_published_suite_pass() {
    // Not the last one: its server calls itself by another name than the one it was asked by (RFC 8414 §3.3), which the next
    // suite has put right.
    pass("mcp-conformance-0.1", OF_2025_11_25[..14].iter().chain(&OF_2026_07_28[..3])).await;
}

#[tokio::test]
async fn the_earlier_scenarios_of_the_next_suite_pass() {
    pass("@modelcontextprotocol/conformance", OF_2025_11_25.iter()).await;
}

#[tokio::test]
async fn the_later_scenarios_of_the_next_suite_pass() {
    pass("@modelcontextprotocol/conformance", OF_2026_07_28.iter()).await;
}

/// Several at a time, because each mostly waits for processes to start.
async fn pass(suite: &str, scenarios: impl Iterator<Item = &&'static str>) {
    let all = scenarios.map(|scenario| passes(suite, scenario));
    futures::stream::iter(all).for_each_concurrent(3, |one| one).await;
}

/// One scenario, all of whose checks must pass without a warning.
async fn passes(suite: &str, scenario: &str) {
    let homes = tempfile::tempdir().unwrap();
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers");
    let command = format!(
        "BURSAR={} BURSAR_CLIENT_HOME={} {} clients/bursar-client.mjs",
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
