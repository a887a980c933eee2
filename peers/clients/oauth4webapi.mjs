// oauth4webapi: a client with a secret, one that registers itself with a key, one that is known by a document at its address,
// and a public one whose tokens are bound to a key (DPoP).
import http from "node:http";

import * as oauth from "oauth4webapi";

import { callback, done, expect, listening, passed, settings, visit } from "./stage.mjs";

// The issuer is on this machine.
const plain = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(settings.issuer);
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...plain }),
);
passed("discovery");
const { redirectUri, answer, close } = await callback();

/** Authorization code with PKCE; what comes back with it. */
async function signIn(client, authentication, scope, { resource, proof, pushed } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  let parameters = new URLSearchParams({
    client_id: client.client_id,
    response_type: "code",
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...(resource && { resource }),
  });
  if (pushed) {
    const request = await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, plain);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, request);
    parameters = new URLSearchParams({ client_id: client.client_id, request_uri });
  }
  visit(`${server.authorization_endpoint}?${parameters}`);
  const back = oauth.validateAuthResponse(server, client, await answer(), state);
  const options = { DPoP: proof, ...plain };
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, back, redirectUri, verifier, options,
  );
  const expected = scope.includes("openid") ? { expectedNonce: nonce, requireIdToken: true } : undefined;
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
  if (expected) await oauth.validateApplicationLevelSignature(server, response, plain);
  return tokens;
}

async function refreshed(client, authentication, tokens, proof) {
  const options = { DPoP: proof, ...plain };
  const response = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options);
  return await oauth.processRefreshTokenResponse(server, client, response);
}

async function introspected(client, authentication, token) {
  const response = await oauth.introspectionRequest(server, client, authentication, token, plain);
  return await oauth.processIntrospectionResponse(server, client, response);
}

/** What an API does with what it is sent (RFC 9068 §4). */
async function accepted(token, proof, url) {
  const headers = new Headers();
  if (proof) {
    // A request that the library makes by itself carries the proof; the API sees it as it was sent.
    let seen;
    await oauth.protectedResourceRequest(token, "GET", new URL(url), undefined, undefined, {
      DPoP: proof,
      [oauth.customFetch]: async (address, init) => {
        seen = new Request(address, { method: init.method, headers: init.headers });
        return new Response();
      },
      ...plain,
    });
    return await oauth.validateJwtAccessToken(server, seen, url, { requireDPoP: true, ...plain });
  }
  headers.set("authorization", `Bearer ${token}`);
  return await oauth.validateJwtAccessToken(server, new Request(url, { headers }), url, plain);
}

// A confidential client.
{
  const client = { client_id: settings.confidential.id };
  const authentication = oauth.ClientSecretBasic(settings.confidential.secret);
  let tokens = await signIn(client, authentication, "openid email offline_access");
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  passed("code");
  const userinfo = await oauth.userInfoRequest(server, client, tokens.access_token, plain);
  const claims = await oauth.processUserInfoResponse(server, client, sub, userinfo);
  expect(claims.email === "ada@example.com", `the e-mail address of the user, not ${claims.email}`);
  passed("userinfo");
  const before = tokens;
  tokens = await refreshed(client, authentication, tokens);
  expect(tokens.refresh_token !== before.refresh_token, "a new refresh token");
  passed("refresh");
  expect((await introspected(client, authentication, tokens.access_token)).active, "an active token");
  passed("introspection");
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, tokens.refresh_token, plain),
  );
  expect(!(await introspected(client, authentication, tokens.access_token)).active, "a token that has ended");
  passed("revocation");
  const pushed = await signIn(client, authentication, "mcp:read", { resource: settings.resource, pushed: true });
  expect((await accepted(pushed.access_token, undefined, settings.resource)).sub === sub, "a token of the same user");
  passed("pushed request");
  const machine = await oauth.processClientCredentialsResponse(
    server,
    client,
    await oauth.clientCredentialsGrantRequest(
      server, client, authentication, { resource: settings.resource, scope: "mcp:read" }, plain,
    ),
  );
  await accepted(machine.access_token, undefined, settings.resource);
  passed("client credentials");
}

// A client that proves itself with a key, and registers it.
{
  const keys = await oauth.generateKeyPair("EdDSA", { crv: "Ed25519" });
  const { kty, crv, x } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  const response = await oauth.dynamicClientRegistrationRequest(
    server,
    {
      client_name: "oauth4webapi",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "EdDSA",
      jwks: { keys: [{ kty, crv, x, kid: "first", use: "sig", alg: "EdDSA" }] },
    },
    plain,
  );
  const client = await oauth.processDynamicClientRegistrationResponse(response);
  const authentication = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "first" });
  let tokens = await signIn(client, authentication, "openid mcp:read", { resource: settings.resource });
  expect((await accepted(tokens.access_token, undefined, settings.resource)).client_id === client.client_id, "its id");
  passed("code with a key");
  tokens = await refreshed(client, authentication, tokens);
  passed("refresh with a key");
}

// A client that nobody registers: its id is the address of what it says about itself.
{
  const documents = http.createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        client_id: id,
        client_name: "oauth4webapi",
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
        token_endpoint_auth_method: "none",
      }),
    );
  });
  const id = `http://127.0.0.1:${await listening(documents)}/client.json`;
  const client = { client_id: id };
  const tokens = await signIn(client, oauth.None(), "mcp:read", { resource: settings.resource });
  expect((await accepted(tokens.access_token, undefined, settings.resource)).client_id === id, "its id");
  await refreshed(client, oauth.None(), tokens);
  passed("metadata document");
  documents.close();
}

// A public client whose tokens are bound to a key.
{
  const client = { client_id: settings.public.id };
  const authentication = oauth.None();
  const proof = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  let tokens = await signIn(client, authentication, "mcp:read offline_access", { resource: settings.resource, proof });
  expect(tokens.token_type === "dpop", `a bound token, not ${tokens.token_type}`);
  await accepted(tokens.access_token, proof, settings.resource);
  passed("bound code");
  tokens = await refreshed(client, authentication, tokens, proof);
  await accepted(tokens.access_token, proof, settings.resource);
  passed("bound refresh");
  const thief = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const stolen = await refreshed(client, authentication, tokens, thief).catch((error) => error);
  expect(stolen instanceof oauth.ResponseBodyError && stolen.error === "invalid_grant", `a refusal, not ${stolen}`);
  passed("another key is refused");
  // The attempt has not harmed the owner of the key.
  tokens = await refreshed(client, authentication, tokens, proof);
  passed("bound refresh after an attempt");
}
close();
done();
