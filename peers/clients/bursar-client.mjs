// An MCP client whose tokens come from the program `bursar` alone: it logs in by the URL of the MCP server, calls every tool,
// and does what a server asks for meanwhile: another login at a 401, more scopes at a 403. The conformance suite starts it
// with the URL as its last argument; what it knows of the scenario is in MCP_CONFORMANCE_CONTEXT.
//
// Environment: BURSAR, the program; BURSAR_CLIENT_HOME, where homes are made, one for each start; BURSAR_CLIENT_OPTIONS, more
// options for every login.
import { spawn } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const serverUrl = process.argv.at(-1);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const folder = fs.mkdtempSync(path.join(process.env.BURSAR_CLIENT_HOME, "client-"));
const secretFile = (name, text) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
};
const environment = {
  PATH: "/usr/bin:/bin",
  HOME: folder,
  BURSAR_HOME: path.join(folder, "home"),
  BURSAR_MASTER_KEY_FILE: secretFile("key", crypto.randomBytes(32).toString("base64")),
  BURSAR_AGENT_ON_DEMAND: "false",
  // What the suite expects of clients that have such a page; nobody reads it.
  BURSAR_LOGIN_CLIENT_METADATA_URL: "https://conformance-test.local/client-metadata.json",
};
const identity = (process.env.BURSAR_CLIENT_OPTIONS ?? "").split(" ").filter(Boolean);
if (context.client_id) identity.push("--client-id", context.client_id);
const secret = context.client_secret ?? context.private_key_pem;
if (secret) identity.push("--client-secret-file", secretFile("secret", secret));

/** Runs the program; a person opens the address it shows. */
function bursar(parameters, input = "") {
  return new Promise((resolve) => {
    const child = spawn(process.env.BURSAR, parameters, { env: environment });
    let [stdout, stderr, visited] = ["", "", false];
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => {
      stderr += data;
      const url = /^\s*(https?:\S*[?&]state=\S+)$/m.exec(stderr)?.[1];
      if (!url || visited) return;
      visited = true;
      fetch(url).catch((error) => console.error(`the browser: ${error}`));
    });
    child.stdin.end(input);
    child.on("close", (code) => {
      console.error(`bursar ${parameters.join(" ")}: ${code}\n${stderr}`);
      resolve({ code, stdout });
    });
  });
}

let account;

async function login(parameters = [], input = "") {
  const line = ["login", serverUrl, "--no-browser", "--json", "--timeout", "20s", ...identity, ...parameters];
  const { code, stdout } = await bursar(line, input);
  if (code !== 0) throw new Error(`the login ended with ${code}`);
  account = JSON.parse(stdout).ref;
}

/** The fields that one request goes with: `Authorization`, and a proof where the token is bound to a key. */
async function fields(method, url, nonce) {
  const { code, stdout } = await bursar(["token", account, "--dpop", method, url, ...(nonce ? ["--dpop-nonce", nonce] : [])]);
  return code === 0 ? stdout.trim().split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)) : [];
}

/** Whether there is another token than this refused one. */
async function hasReplaced(refused) {
  const { code, stdout } = await bursar(["token", account, "--rejected-file", "-"], refused);
  return code === 0 && stdout.trim() !== refused;
}

/** What an MCP client does about refusals, with the program's help. */
async function authorized(url, init = {}) {
  let token, nonce;
  const send = async () => {
    const headers = new Headers(init.headers);
    for (const [name, value] of account ? await fields(init.method ?? "GET", String(url), nonce) : []) headers.set(name, value);
    token = headers.get("authorization")?.split(" ").at(-1);
    return fetch(url, { ...init, headers });
  };
  let response = await send();
  let hasAnother = false;
  for (let attempts = 0; attempts < 3; attempts += 1) {
    const challenge = response.headers.get("www-authenticate") ?? "";
    if (response.status === 401 && challenge.includes("use_dpop_nonce")) {
      nonce = response.headers.get("dpop-nonce");
    } else if (response.status === 401) {
      if (!token || hasAnother || !(await hasReplaced(token))) {
        await login(challenge ? ["--challenge-file", "-"] : [], challenge);
      }
      hasAnother = true;
    } else if (response.status === 403 && challenge.includes("insufficient_scope")) {
      await login(["--challenge-file", "-"], challenge);
    } else {
      return response;
    }
    response = await send();
  }
  return response;
}

/** A server of the versions with sessions, by the MCP SDK. */
async function callByTheSdk() {
  const client = new Client({ name: "bursar-client", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(serverUrl), { fetch: authorized }));
  const { tools } = await client.listTools();
  for (const tool of tools) await client.callTool({ name: tool.name, arguments: {} });
  await client.close();
}

/** A server of a version without sessions, which the SDK does not speak yet. */
async function callWithoutSession() {
  let id = 0;
  const ask = async (method, parameters) => {
    const headers = {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": version,
      "mcp-method": method,
      ...(parameters.name && { "mcp-name": parameters.name }),
    };
    const meta = {
      "io.modelcontextprotocol/protocolVersion": version,
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "bursar-client", version: "1.0.0" },
    };
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params: { ...parameters, _meta: meta } });
    const response = await authorized(serverUrl, { method: "POST", headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method}: ${response.status} ${text}`);
    return JSON.parse(text.startsWith("{") ? text : /^data: (.*)$/m.exec(text)[1]).result;
  };
  const { tools } = await ask("tools/list", {});
  for (const tool of tools) await ask("tools/call", { name: tool.name, arguments: {} });
}

const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? "2025-11-25";
await (version < "2026" ? callByTheSdk() : callWithoutSession());
process.exit(0);
