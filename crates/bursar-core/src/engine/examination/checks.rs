//! The table of lines: what is asked, which rule asks it, why it matters, what to change.

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable, for scripts.
    pub name: &'static str,
    /// What has to be there before it can be tried.
    pub stage: Stage,
    /// What it means if it is broken.
    pub weight: Weight,
    /// The rule, and where it stands.
    pub rule: &'static str,
    /// What happens to clients otherwise.
    pub why: &'static str,
    /// What to change.
    pub remedy: &'static str,
}

/// Lines that need the same things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The MCP server alone.
    Resource,
    /// The authorization server's description.
    Server,
    /// Becoming a client.
    Client,
    /// The authorization endpoint, before anybody signs in.
    Authorization,
    /// The token endpoint, with nothing to give.
    Token,
    /// A person signs in.
    SignIn,
}

/// What a broken line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Against a requirement, or no client gets in.
    Must,
    /// Against a recommendation.
    Should,
}

use Stage::{Authorization, Client, Resource, Server, SignIn, Token};
use Weight::{Must, Should};

const fn check(
    (name, stage, weight): (&'static str, Stage, Weight),
    rule: &'static str,
    why: &'static str,
    remedy: &'static str,
) -> Check {
    Check { name, stage, weight, rule, why, remedy }
}

pub(super) static CHALLENGE: Check = check(
    ("challenge", Resource, Must),
    "MUST, RFC 6750 §3, MCP authorization",
    "a client begins to log in when it is told 401; any other answer is an error or an open door to it",
    "answer requests without a token with 401 and `WWW-Authenticate: Bearer`",
);
pub(super) static CHALLENGE_METADATA: Check = check(
    ("challenge-metadata", Resource, Should),
    "SHOULD, RFC 9728 §5.1",
    "clients that look only where the challenge points do not find who issues the tokens",
    "add `resource_metadata=\"URL\"` to the challenge",
);
pub(super) static RESOURCE_METADATA: Check = check(
    ("resource-metadata", Resource, Must),
    "MUST, MCP authorization, RFC 9728 §3",
    "without it no client knows who issues the tokens",
    "serve resource metadata as JSON, and name it in the challenge",
);
pub(super) static RESOURCE_METADATA_PLACE: Check = check(
    ("resource-metadata-place", Resource, Should),
    "SHOULD, RFC 9728 §3.1",
    "clients that know only the URL look at the place with the path inserted",
    "serve the document at /.well-known/oauth-protected-resource followed by the resource's path",
);
pub(super) static RESOURCE_NAME: Check = check(
    ("resource-name", Resource, Must),
    "MUST, RFC 9728 §3.3",
    "clients refuse a document that speaks of another resource: it could be an attacker's",
    "make `resource` the URL that clients use, in the same spelling",
);
pub(super) static RESOURCE_ISSUERS: Check = check(
    ("resource-issuers", Resource, Must),
    "MUST, MCP authorization",
    "without an issuer there is nobody to log in to",
    "name the issuer in `authorization_servers`",
);
pub(super) static RESOURCE_BROWSERS: Check = check(
    ("resource-browsers", Resource, Should),
    "practice of browser clients, Fetch standard",
    "clients that run in a page cannot read the document",
    "send `Access-Control-Allow-Origin: *` with the resource metadata",
);
pub(super) static SERVER_METADATA: Check = check(
    ("server-metadata", Server, Must),
    "MUST, RFC 8414 §3, MCP authorization",
    "clients find no endpoint",
    "serve metadata at the issuer's well-known places",
);
pub(super) static SERVER_METADATA_PLACE: Check = check(
    ("server-metadata-place", Server, Should),
    "SHOULD, RFC 8414 §3.1, MCP authorization",
    "clients that know OAuth and not OpenID look at one place only",
    "serve the same document at /.well-known/oauth-authorization-server, the issuer's path after it",
);
pub(super) static ISSUER_NAME: Check = check(
    ("issuer-name", Server, Must),
    "MUST, RFC 8414 §3.3",
    "clients refuse metadata that names another issuer: it could be an attacker's",
    "make `issuer` exactly what the resource names, slash by slash",
);
pub(super) static ENDPOINTS: Check = check(
    ("endpoints", Server, Must),
    "MUST, RFC 8414 §2, RFC 6749 §3.1.2.1",
    "codes and tokens would travel in the clear, or nowhere",
    "name `authorization_endpoint` and `token_endpoint` as https URLs",
);
pub(super) static PKCE_ANNOUNCED: Check = check(
    ("pkce-announced", Server, Must),
    "MUST, MCP authorization, RFC 8414 §2",
    "MCP clients refuse to go on with a server that does not promise PKCE",
    "add `\"code_challenge_methods_supported\": [\"S256\"]` to the metadata",
);
pub(super) static ISSUER_ANNOUNCED: Check = check(
    ("issuer-announced", Server, Should),
    "SHOULD, RFC 9207 §3, RFC 9700 §4.4.2",
    "a client of several servers cannot tell whose answer it got, and may give a code to an attacker",
    "send `iss` with every answer and announce `authorization_response_iss_parameter_supported`",
);
pub(super) static SERVER_BROWSERS: Check = check(
    ("server-browsers", Server, Should),
    "practice of browser clients, Fetch standard",
    "clients that run in a page, such as inspectors, cannot call the server",
    "answer with `Access-Control-Allow-Origin: *` at metadata, token and registration endpoint",
);
pub(super) static CLIENT_WAYS: Check = check(
    ("client-ways", Client, Must),
    "SHOULD, MCP authorization; without it no client gets in by the URL alone",
    "a client that nobody registered beforehand cannot get in",
    "understand client metadata documents, or offer a `registration_endpoint`",
);
pub(super) static REGISTRATION: Check = check(
    ("registration", Client, Must),
    "MUST, RFC 7591 §3.2.1",
    "a program on somebody's computer cannot become a client",
    "register public clients (`token_endpoint_auth_method` `none`) with redirects on loopback; answer 201",
);
pub(super) static REGISTRATION_ANSWER: Check = check(
    ("registration-answer", Client, Must),
    "MUST, RFC 7591 §3.2.1",
    "the client does not learn what it was given, and uses a redirect or a method that is refused later",
    "answer with all metadata as registered, `redirect_uris` and `token_endpoint_auth_method` among it",
);
pub(super) static REGISTRATION_REFUSES: Check = check(
    ("registration-refuses", Client, Must),
    "MUST, MCP authorization (communication security)",
    "codes would be sent in the clear to any host",
    "refuse redirects that are neither https nor on loopback, with `invalid_redirect_uri`",
);
pub(super) static CLIENT_DOCUMENT: Check = check(
    ("client-document", Client, Must),
    "MUST, draft-ietf-oauth-client-id-metadata-document §4",
    "clients that are named by a URL cannot get in, or anybody's URL gets in unseen",
    "fetch the document behind the client id; refuse, without a redirect, if it is not there",
);
pub(super) static AUTHORIZE: Check = check(
    ("authorize", Authorization, Must),
    "MUST, RFC 6749 §4.1.1",
    "nobody gets as far as the sign-in page",
    "accept code requests with PKCE, state, scope and resource from the client that was just registered",
);
pub(super) static LOOPBACK_PORT: Check = check(
    ("loopback-port", Authorization, Must),
    "MUST, RFC 8252 §7.3",
    "programs get another free port at each login, and are refused from the second login on",
    "compare redirects on loopback without their port",
);
pub(super) static LOOPBACK_NO_PORT: Check = check(
    ("loopback-no-port", Authorization, Must),
    "MUST, RFC 8252 §7.3",
    "programs that register once, before they know their port, are refused at every login",
    "register redirects on loopback without a port, and let the request name any",
);
pub(super) static LOOPBACK_LOCALHOST: Check = check(
    ("loopback-localhost", Authorization, Should),
    "practice of MCP clients; RFC 8252 §8.3 advises them to use 127.0.0.1",
    "programs that call this computer `localhost` cannot get in",
    "treat redirects to `localhost` as those to 127.0.0.1: http is fine, and any port",
);
pub(super) static REDIRECT_EXACT: Check = check(
    ("redirect-exact", Authorization, Must),
    "MUST, RFC 9700 §4.1.3",
    "an attacker sends codes to a place of their own on the same host",
    "compare redirects character by character (the port of loopback alone is free), and show a page",
);
pub(super) static UNKNOWN_CLIENT: Check = check(
    ("unknown-client", Authorization, Must),
    "MUST NOT redirect, RFC 6749 §4.1.2.1",
    "the server is an open redirector: people follow a link to you and arrive at an attacker",
    "show an error page, and send nobody to a redirect that was never registered",
);
pub(super) static PKCE_REQUIRED: Check = check(
    ("pkce-required", Authorization, Must),
    "MUST, OAuth 2.1 §4.1.1, MCP authorization",
    "whoever steals a code can redeem it",
    "refuse requests of public clients without `code_challenge`, with `invalid_request`",
);
pub(super) static PKCE_PLAIN: Check = check(
    ("pkce-plain", Authorization, Should),
    "SHOULD, RFC 9700 §2.1.1",
    "whoever sees the request can redeem its code",
    "refuse `code_challenge_method=plain`, which is also what a missing method means",
);
pub(super) static IMPLICIT: Check = check(
    ("implicit", Authorization, Should),
    "SHOULD NOT, RFC 9700 §2.1.2; gone in OAuth 2.1",
    "tokens would travel in addresses, and stay in histories and logs",
    "refuse `response_type=token` with `unsupported_response_type`",
);
pub(super) static ERROR_STATE: Check = check(
    ("error-state", Authorization, Must),
    "MUST, RFC 6749 §4.1.2.1",
    "the client cannot tell which login failed, and waits for ever",
    "send `state` back with errors too, unchanged",
);
pub(super) static ERROR_ISSUER: Check = check(
    ("error-issuer", Authorization, Must),
    "MUST, RFC 9207 §2",
    "clients drop answers without the `iss` that was announced, and people never learn what went wrong",
    "send `iss` with errors too",
);
pub(super) static DEAD_CLIENT: Check = check(
    ("dead-client", Token, Must),
    "MUST, RFC 6749 §5.2",
    "a client that is gone does not learn that it must register again, and fails for ever",
    "answer unknown clients with 401 and `invalid_client`",
);
pub(super) static BAD_CODE: Check = check(
    ("bad-code", Token, Must),
    "MUST, RFC 6749 §5.2",
    "clients take another answer for trouble of the server and try again for ever",
    "answer codes you do not know with 400 and `invalid_grant`",
);
pub(super) static BAD_REFRESH_TOKEN: Check = check(
    ("bad-refresh-token", Token, Must),
    "MUST, RFC 6749 §5.2",
    "clients do not learn that a new login is needed",
    "answer refresh tokens you do not know with 400 and `invalid_grant`",
);
pub(super) static TOKEN_BY_POST: Check = check(
    ("token-by-post", Token, Must),
    "MUST, RFC 6749 §3.2",
    "codes and tokens would stand in addresses, and stay in logs",
    "refuse everything but POST at the token endpoint",
);
pub(super) static ANSWER_STATE: Check = check(
    ("answer-state", SignIn, Must),
    "MUST, RFC 6749 §4.1.2",
    "clients drop the answer: somebody else could have begun the login",
    "send `state` back unchanged",
);
pub(super) static ANSWER_ISSUER: Check = check(
    ("answer-issuer", SignIn, Must),
    "MUST, RFC 9207 §2",
    "clients drop answers whose `iss` is missing although announced, or is another's",
    "send `iss` with the exact text of the metadata's `issuer`",
);
pub(super) static TOKEN_ANSWER: Check = check(
    ("token-answer", SignIn, Must),
    "MUST, RFC 6749 §5.1",
    "clients cannot use the answer, or something on the way keeps the tokens",
    "answer with `access_token` and `token_type` as JSON, and `Cache-Control: no-store`",
);
pub(super) static REFRESH_TOKEN: Check = check(
    ("refresh-token", SignIn, Should),
    "practice of MCP clients; OpenID Connect §11 for `offline_access`",
    "people have to sign in again whenever an access token ends",
    "issue a refresh token to clients that registered the grant or asked for `offline_access`",
);
pub(super) static RESOURCE_ACCEPTS: Check = check(
    ("resource-accepts", SignIn, Must),
    "MUST, MCP authorization",
    "the login succeeds and nothing works after it",
    "make the MCP server accept tokens of the issuer it names, for the resource it names",
);
pub(super) static AUDIENCE: Check = check(
    ("audience", SignIn, Must),
    "MUST, RFC 8707 §2, RFC 9068 §3",
    "a token for one server works at another: whoever runs one of them can use them all",
    "put the requested `resource` into `aud`, and nothing else",
);
pub(super) static ALTERED_TOKEN: Check = check(
    ("altered-token", SignIn, Must),
    "MUST, RFC 6750 §3.1, MCP authorization",
    "anybody can make tokens",
    "verify the signature, or ask the issuer, for every token; answer 401 `invalid_token`",
);
pub(super) static TOKEN_IN_ADDRESS: Check = check(
    ("token-in-address", SignIn, Must),
    "MUST NOT, MCP authorization; RFC 9700 §4.3.2",
    "tokens stay in histories, logs and `Referer` fields",
    "take tokens from the `Authorization` field alone",
);
pub(super) static REFRESH_AT_ONCE: Check = check(
    ("refresh-at-once", SignIn, Must),
    "RFC 6749 §6 names no minimum age",
    "clients that refresh ahead, or after a restart, are logged out",
    "accept a refresh token from the moment it was issued",
);
pub(super) static REFRESH_PLAIN: Check = check(
    ("refresh-plain", SignIn, Must),
    "MUST, RFC 6749 §6, RFC 8707 §2.2",
    "most clients send neither: they would lose scopes, or get a token for nothing",
    "without `scope` and `resource`, grant what was granted before",
);
pub(super) static ROTATION: Check = check(
    ("rotation", SignIn, Must),
    "MUST, RFC 9700 §2.2.2, OAuth 2.1 §4.3.1",
    "a stolen refresh token of a public client works for as long as the grant",
    "give public clients a new refresh token at each refresh, or bind it to a key",
);
pub(super) static OLD_REFRESH_TOKEN: Check = check(
    ("old-refresh-token", SignIn, Must),
    "MUST, RFC 9700 §4.14.2",
    "rotation that honours old tokens detects no theft",
    "refuse a refresh token whose successor's successor is in use, and end its family",
);
pub(super) static WRONG_VERIFIER: Check = check(
    ("wrong-verifier", SignIn, Must),
    "MUST, RFC 7636 §4.6",
    "PKCE protects nothing: whoever steals a code can redeem it",
    "compare the verifier's digest with the challenge; answer `invalid_grant`",
);
pub(super) static CODE_ONCE: Check = check(
    ("code-once", SignIn, Must),
    "MUST NOT, RFC 6749 §4.1.2",
    "a code that leaks after its use is as good as a login",
    "refuse a code that was redeemed, and revoke what it brought",
);

/// All lines, in the order they are told.
pub static CHECKS: [&Check; 48] = [
    &CHALLENGE,
    &CHALLENGE_METADATA,
    &RESOURCE_METADATA,
    &RESOURCE_METADATA_PLACE,
    &RESOURCE_NAME,
    &RESOURCE_ISSUERS,
    &RESOURCE_BROWSERS,
    &SERVER_METADATA,
    &SERVER_METADATA_PLACE,
    &ISSUER_NAME,
    &ENDPOINTS,
    &PKCE_ANNOUNCED,
    &ISSUER_ANNOUNCED,
    &SERVER_BROWSERS,
    &CLIENT_WAYS,
    &REGISTRATION,
    &REGISTRATION_ANSWER,
    &REGISTRATION_REFUSES,
    &CLIENT_DOCUMENT,
    &AUTHORIZE,
    &LOOPBACK_PORT,
    &LOOPBACK_NO_PORT,
    &LOOPBACK_LOCALHOST,
    &REDIRECT_EXACT,
    &UNKNOWN_CLIENT,
    &PKCE_REQUIRED,
    &PKCE_PLAIN,
    &IMPLICIT,
    &ERROR_STATE,
    &ERROR_ISSUER,
    &DEAD_CLIENT,
    &BAD_CODE,
    &BAD_REFRESH_TOKEN,
    &TOKEN_BY_POST,
    &ANSWER_STATE,
    &ANSWER_ISSUER,
    &TOKEN_ANSWER,
    &REFRESH_TOKEN,
    &RESOURCE_ACCEPTS,
    &AUDIENCE,
    &ALTERED_TOKEN,
    &TOKEN_IN_ADDRESS,
    &REFRESH_AT_ONCE,
    &REFRESH_PLAIN,
    &ROTATION,
    &OLD_REFRESH_TOKEN,
    &WRONG_VERIFIER,
    &CODE_ONCE,
];
