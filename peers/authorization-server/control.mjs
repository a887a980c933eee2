// The control interface: how a test steers the authorization server from another process.

import { Visitor } from './visitor.mjs';

/** Request handler of the control address; every route answers JSON. See peers/README.md for the table. */
export function controlInterface(server) {
  const routes = {
    'GET /state': () => server.state(),
    'POST /ttl': ({ access }) => { server.accessLifetime = positive(access, 'access'); },
    'POST /delay': ({ token }) => { server.tokenDelay = token; },
    'POST /account': (account) => server.signIn({ sub: text(account.sub, 'sub'), ...account }),
    'POST /jwks': (jwks) => server.registerKeys(jwks),
    'POST /live': ({ token }) => ({ live: server.isLive(token) }),
    'POST /authorize': ({ url }) => authorize(server, url),
    'POST /approve-device': ({ user_code: userCode }) => answerDevice(server, userCode, 'confirm'),
    'POST /deny-device': ({ user_code: userCode }) => answerDevice(server, userCode, 'abort'),
  };
  return async (request, response) => {
    const answer = await respond(routes[`${request.method} ${request.url}`], request);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  };
}

async function respond(route, request) {
  if (route === undefined) return { status: 404, body: { error: 'no such control route' } };
  try {
    const chunks = await request.toArray();
    const input = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks));
    return { status: 200, body: (await route(input)) ?? {} };
  } catch (error) {
    return { status: 400, body: { error: error.message } };
  }
}

/** Walks an authorization request to its end, as a browser of a person who agrees would. */
async function authorize(server, url) {
  const end = await new Visitor(server.issuer).open(url);
  if (end.redirect === undefined) throw new Error(`no redirect to the client, status ${end.status}: ${end.body}`);
  return { redirect: end.redirect };
}

/** Types the user code into the real pages of RFC 8628 §3.3 and presses one button. */
async function answerDevice(server, userCode, button) {
  const visitor = new Visitor(server.issuer);
  const entry = await visitor.open(`${server.issuer}/device?user_code=${encodeURIComponent(text(userCode, 'user_code'))}`);
  const question = await visitor.submit(entry);
  if (!question.body.includes('name="confirm"')) throw new Error(`user code ${userCode} was not accepted`);
  const end = await visitor.submit(question, button === 'abort' ? { abort: 'yes' } : {});
  return { status: end.status };
}

function positive(value, name) {
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name} must be a whole number of seconds above zero`);
}

function text(value, name) {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`${name} must be a text`);
}
