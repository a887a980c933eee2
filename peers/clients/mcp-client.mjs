// The client half of the MCP SDK for TypeScript against an MCP server: everything it needs it finds out by itself, from the
// first 401 on.
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { callback, done, expect, passed, settings, visit } from "./stage.mjs";

const { redirectUri, answer, close } = await callback();

/** What the SDK asks an application to keep for it. */
class Application {
  redirectUrl = redirectUri;
  clientMetadata = {
    client_name: "MCP SDK for TypeScript",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  signIns = 0;
  saved = [];
  state = () => "state-of-the-application";
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.saved.at(-1);
  saveTokens = (tokens) => void this.saved.push(tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  redirectToAuthorization = (url) => {
    this.signIns += 1;
    visit(url.href);
  };
}

const application = new Application();
const url = new URL(settings.resource);
const connect = async () => {
  const transport = new StreamableHTTPClientTransport(url, { authProvider: application });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport).catch((error) => {
    error.transport = transport;
    throw error;
  });
  return client;
};
const whoami = async (client) => (await client.callTool({ name: "whoami" })).content[0].text;

const refused = await connect().catch((error) => error);
expect(refused instanceof UnauthorizedError, `a sign-in, not ${refused}`);
expect(application.client?.client_id, "a registered client");
passed("registration");
const back = await answer();
expect(back.searchParams.get("state") === application.state(), `its state, not ${back}`);
expect(back.searchParams.get("iss") === settings.issuer, `the issuer, not ${back}`);
await refused.transport.finishAuth(back.searchParams.get("code"));
passed("code");
const client = await connect();
const who = await whoami(client);
expect(who.startsWith("usr_"), `a user, not ${who}`);
passed("call");
expect(application.tokens().refresh_token, "a refresh token");
await fetch(new URL("/expire", url), { method: "POST" });
expect((await whoami(client)) === who, "the same user");
expect(application.saved.length === 2 && application.signIns === 1, "a refresh without another sign-in");
expect(application.saved[0].refresh_token !== application.saved[1].refresh_token, "a new refresh token");
passed("refresh");
await client.close();
close();
done();
