// What every client here has: its settings, a person with a browser, and a place for the answer.
//
// The first line of standard input is JSON: `issuer`, `resource`, and the clients that are registered. What is written to
// standard output is for the test: `visit URL` (the person opens it), `resource URL` (to be added at the server, which the
// next line of standard input confirms), `passed STEP`.
import http from "node:http";
import readline from "node:readline";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line of standard input. */
async function line() {
  const { value, done } = await lines.next();
  if (done) throw new Error("standard input has ended");
  return value;
}

/** What the test knows. */
export const settings = JSON.parse(await line());

/** A step that worked. */
export function passed(step) {
  console.log(`passed ${step}`);
}

/** A step that did not. */
export function expect(fact, what) {
  if (!fact) throw new Error(`expected: ${what}`);
}

/** Has a resource added at the server. */
export async function addResource(url) {
  console.log(`resource ${url}`);
  await line();
}

/** The person opens an address in the browser. */
export function visit(url) {
  console.log(`visit ${url}`);
}

/** Waits for the browser to come back: `redirectUri`, and `answer()` with the address it came to, once for every call. */
export async function callback() {
  const arrived = [];
  const waiting = [];
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, redirectUri);
    response.end("You can close this page.");
    const next = waiting.shift();
    if (next) next(url);
    else arrived.push(url);
  });
  const port = await listening(server);
  const redirectUri = `http://127.0.0.1:${port}/callback`;
  const answer = () => new Promise((resolve) => (arrived.length ? resolve(arrived.shift()) : waiting.push(resolve)));
  return { redirectUri, answer, close: () => server.close() };
}

/** Waits to be told of logouts: `logoutUri`, and `logoutToken()` with the next token that was posted to it. */
export async function backchannel() {
  let hear;
  const heard = new Promise((resolve) => (hear = resolve));
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    response.writeHead(200, { "cache-control": "no-store" }).end();
    hear(new URLSearchParams(body).get("logout_token"));
  });
  const port = await listening(server);
  return { logoutUri: `http://127.0.0.1:${port}/backchannel`, logoutToken: () => heard };
}

/** Opens a server on a free port of 127.0.0.1. */
export async function listening(server) {
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

/** The client is done: nothing it left open keeps the process. */
export function done() {
  passed("done");
  process.exit(0);
}
