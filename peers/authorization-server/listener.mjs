// A loopback HTTP listener whose address is known before its answers are.

import { createServer } from 'node:http';

/**
 * Binds a free port of 127.0.0.1.
 *
 * `url` is the base address without a trailing slash; requests that arrive before `answerWith` wait.
 */
export async function listen() {
  const { promise: handler, resolve: answerWith } = deferred();
  const server = createServer(async (request, response) => (await handler)(request, response));
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${server.address().port}`, answerWith };
}

function deferred() {
  let resolve;
  const promise = new Promise((resolved) => { resolve = resolved; });
  return { promise, resolve };
}
