// An independent authorization server for tests: the `oidc-provider` package, rotating every refresh
// token and revoking the grant when a spent one comes back.
//
// Usage: peers/oidc-provider, which chooses the Node.js that runs this file
// Prints one line `{"issuer": "...", "control": "..."}` once both listeners accept connections, and
// ends when its standard input closes, so that it can never outlive the test that started it.
// Clients, accounts and the control interface are described in peers/README.md.

// The first line of standard output is read by tests: notices of libraries go to standard error, and
// libraries are loaded only afterwards, because some have a notice while they load.
console.info = console.error;
console.log = console.error;

const { listen } = await import('./authorization-server/listener.mjs');
const { AuthorizationServer } = await import('./authorization-server/server.mjs');
const { controlInterface } = await import('./authorization-server/control.mjs');

// A pipe closes, a file such as /dev/null only ends.
for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => process.exit(0));
process.stdin.resume();

const issuer = await listen();
const control = await listen();
const server = new AuthorizationServer(issuer.url);
issuer.answerWith(server.handler());
control.answerWith(controlInterface(server));
process.stdout.write(`${JSON.stringify({ issuer: issuer.url, control: control.url })}\n`);
