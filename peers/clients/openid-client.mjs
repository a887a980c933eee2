// openid-client: registers itself, signs a user in with every check it has, and signs in on another device.
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";

import { backchannel, callback, done, expect, passed, settings, visit } from "./stage.mjs";

const issuer = new URL(settings.issuer);
const { redirectUri, answer, close } = await callback();
const { logoutUri, logoutToken } = await backchannel();
const execute = [client.allowInsecureRequests];

const metadata = {
  client_name: "openid-client",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  token_endpoint_auth_method: "client_secret_post",
  post_logout_redirect_uris: [redirectUri],
  backchannel_logout_uri: logoutUri,
  backchannel_logout_session_required: true,
};
const registered = await client.dynamicClientRegistration(issuer, metadata, undefined, { execute });
passed("registration");
const { client_id, client_secret } = registered.clientMetadata();
const method = client.ClientSecretPost(client_secret);
const config = await client.discovery(issuer, client_id, undefined, method, {
  execute: [...execute, client.enableNonRepudiationChecks],
});
expect(config.serverMetadata().supportsPKCE(), "PKCE");
passed("discovery");

const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
const parameters = {
  redirect_uri: redirectUri,
  scope: "openid email profile offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  max_age: "3600",
  state,
  nonce,
};
visit(client.buildAuthorizationUrl(config, parameters).href);
const signedIn = await client.authorizationCodeGrant(config, await answer(), {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  maxAge: 3600,
  idTokenExpected: true,
});
passed("code");
const { sub } = signedIn.claims();
const userinfo = await client.fetchUserInfo(config, signedIn.access_token, sub);
expect(userinfo.email === "ada@example.com", `the e-mail address of the user, not ${userinfo.email}`);
passed("userinfo");
const tokens = await client.refreshTokenGrant(config, signedIn.refresh_token);
passed("refresh");
expect((await client.tokenIntrospection(config, tokens.access_token)).active, "an active token");
passed("introspection");

const pushed = await client.buildAuthorizationUrlWithPAR(config, { ...parameters, prompt: "none" });
visit(pushed.href);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
expect((await client.authorizationCodeGrant(config, await answer(), checks)).claims().sub === sub, "the same user");
passed("pushed request");

const device = await client.initiateDeviceAuthorization(config, { scope: "openid" });
console.log(`device ${device.verification_uri} ${device.user_code}`);
const onDevice = await client.pollDeviceAuthorizationGrant(config, device);
expect(onDevice.claims().sub === sub, "the same user");
passed("device");

await client.tokenRevocation(config, tokens.refresh_token);
expect(!(await client.tokenIntrospection(config, tokens.access_token)).active, "a token that has ended");
passed("revocation");

const leaving = { id_token_hint: signedIn.id_token, post_logout_redirect_uri: redirectUri, state };
visit(client.buildEndSessionUrl(config, leaving).href);
expect((await answer()).searchParams.get("state") === state, "its state");
visit(client.buildAuthorizationUrl(config, { ...parameters, prompt: "none" }).href);
const nobody = await client.authorizationCodeGrant(config, await answer(), checks).catch((error) => error);
expect(nobody.error === "login_required", `nobody signed in, not ${nobody}`);
passed("logout");

// What OpenID Connect Back-Channel Logout 1.0 §2.6 has a client check.
expect(config.serverMetadata().backchannel_logout_session_supported, "sessions by their names");
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
const { payload, protectedHeader } = await jwtVerify(await logoutToken(), keys, {
  issuer: config.serverMetadata().issuer,
  audience: client_id,
  typ: "logout+jwt",
  algorithms: ["RS256"],
  maxTokenAge: "2 minutes",
  requiredClaims: ["iat", "exp", "jti", "events", "sid"],
});
expect(protectedHeader.kid, "the name of its key");
expect(payload.sub === sub && payload.sid === signedIn.claims().sid, "the user and the session that have ended");
expect(payload.events["http://schemas.openid.net/event/backchannel-logout"], "that it is a logout");
expect(!("nonce" in payload), "no nonce");
passed("back-channel logout");
close();
done();
