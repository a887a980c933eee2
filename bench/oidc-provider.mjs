// The peer of the issuing side: npm's `oidc-provider` on a free port, with everything in memory.
//
// Usage: peers/node/run ../bench/oidc-provider.mjs
// Prints one line `{"issuer": "...", "refresh_tokens": [...]}` once it listens, and ends when its standard input closes.

// The first line of standard output is read: notices of libraries go to standard error.
console.info = console.error;
console.log = console.error;
console.warn = () => {};

const { generateKeyPairSync, randomBytes } = await import('node:crypto');
const { default: Provider } = await import(new URL('../peers/node_modules/oidc-provider/lib/index.js', import.meta.url));
const { listen } = await import('../peers/authorization-server/listener.mjs');

const LOGINS = 32; // one for each connection
const SIGNED = 'https://signed.example/';
const ACCOUNT = 'ada';
const HOURS = 3600;

for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => process.exit(0));
process.stdin.resume();

/** Records of one kind: two lookups and nothing else, which is as little as an adapter can do. */
class Adapter {
  #records = new Map();

  async upsert(id, payload) {
    this.#records.set(id, payload);
  }

  async find(id) {
    return this.#records.get(id);
  }

  async consume(id) {
    this.#records.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.#records.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [id, payload] of this.#records) if (payload.grantId === grantId) this.#records.delete(id);
  }
}

function signingKey(type, options, alg) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: alg };
}

const issuer = await listen();
const provider = new Provider(issuer.url, {
  adapter: Adapter,
  clients: [
    {
      client_id: 'service',
      client_secret: 'secret-of-the-bench-which-protects-nothing',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'app',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://app.example/callback'],
    },
  ],
  scopes: ['openid', 'offline_access', 'read'],
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  jwks: {
    keys: [signingKey('rsa', { modulusLength: 2048 }, 'RS256'), signingKey('ed25519', {}, 'EdDSA')],
  },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  rotateRefreshToken: true,
  expiresWithSession: () => false,
  ttl: { AccessToken: 12 * HOURS, ClientCredentials: 12 * HOURS, Grant: 24 * HOURS, RefreshToken: 24 * HOURS },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: 'read',
        ...(resource === SIGNED
          ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'EdDSA' } } }
          : { accessTokenFormat: 'opaque' }),
      }),
      useGrantedResource: () => true,
    },
  },
});
provider.on('server_error', (_context, error) => console.error(error));

/** A login as it is when its code has been redeemed. */
async function logIn() {
  const grant = new provider.Grant({ accountId: ACCOUNT, clientId: 'app' });
  grant.addResourceScope(SIGNED, 'read');
  const token = new provider.RefreshToken({
    accountId: ACCOUNT,
    authTime: Math.floor(Date.now() / 1000),
    client: await provider.Client.find('app'),
    expiresWithSession: false,
    grantId: await grant.save(),
    gty: 'authorization_code',
    resource: SIGNED,
    rotations: 0,
    scope: 'read',
  });
  return token.save();
}

const refreshTokens = await Promise.all(Array.from({ length: LOGINS }, logIn));
issuer.answerWith(provider.callback());
process.stdout.write(`${JSON.stringify({ issuer: issuer.url, refresh_tokens: refreshTokens })}\n`);
