// An MCP server that takes tokens of the authorization server, made of the server half of the MCP SDK.
//
// With the setting `control`, that server is `oidc-provider` with its opaque tokens, about which it is asked there. The tool `whoami` needs the scope `mcp:read`, its tool `write` needs `mcp:write` too. `POST /expire` makes it treat every
// token it has seen so far as expired, as time would.
import crypto from "node:crypto";
import http from "node:http";

import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import {
  getOAuthProtectedResourceMetadataUrl as metadataUrlOf,
  mcpAuthMetadataRouter,
} from "@modelcontextprotocol/sdk/server/auth/router.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

import { addResource, listening, settings } from "./stage.mjs";

const [READ, WRITE] = settings.control ? ["api:read", "api:write"] : ["mcp:read", "mcp:write"];
const application = express();
const port = await listening(http.createServer(application));
const url = new URL(`http://127.0.0.1:${port}/mcp`);

const place = settings.control ? "openid-configuration" : "oauth-authorization-server";
const metadata = await (await fetch(`${settings.issuer}/.well-known/${place}`)).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const seen = new Set();
const expired = new Set();

/** Whether `oidc-provider` would honour an opaque token. */
async function verifyByAsking(token) {
  const answer = await fetch(`${settings.control}/live`, { method: "POST", body: JSON.stringify({ token }) });
  if (!(await answer.json()).live) throw new InvalidTokenError("Token is not live");
  return { token, clientId: "", scopes: [READ], expiresAt: Date.now() / 1000 + 60, extra: { subject: "ada" } };
}

/** RFC 9068 §4, with the means of the SDK. */
async function verifyAccessToken(token) {
  const id = crypto.hash("sha256", token);
  seen.add(id);
  if (expired.has(id)) throw new InvalidTokenError("Token has expired");
  if (settings.control) return verifyByAsking(token);
  const checks = { issuer: settings.issuer, audience: url.href, typ: "at+jwt" };
  const { payload } = await jwtVerify(token, keys, checks).catch((error) => {
    throw new InvalidTokenError(error.message);
  });
  const scopes = payload.scope.split(" ");
  return { token, clientId: payload.client_id, scopes, expiresAt: payload.exp, extra: { subject: payload.sub } };
}

application.use(
  mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: url, scopesSupported: [READ] }),
);
application.post("/expire", (_request, response) => {
  for (const id of seen) expired.add(id);
  response.json({ expired: expired.size });
});
const guarded = (requiredScopes) =>
  requireBearerAuth({
    verifier: { verifyAccessToken },
    requiredScopes,
    resourceMetadataUrl: metadataUrlOf(url),
  });
const [guard, writeGuard] = [guarded([READ]), guarded([READ, WRITE])];
const guardOf = (request) => (request.body.params?.name === "write" ? writeGuard : guard);
const guardCall = (request, ...others) => guardOf(request)(request, ...others);
application.post("/mcp", guard, express.json(), guardCall, async (request, response) => {
  const server = new McpServer({ name: "whoami", version: "1.0.0" });
  const tool = (name, description, text) =>
    server.registerTool(name, { description }, () => ({ content: [{ type: "text", text }] }));
  tool("whoami", "Who the token belongs to", request.auth.extra.subject);
  tool("write", "Needs another scope", "written");
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on("close", () => transport.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
application.all("/mcp", guard, (_request, response) => response.status(405).end());

await addResource(url.href);
console.log("open");
// It ends when the test closes standard input.
process.stdin.on("end", () => process.exit(0)).resume();
