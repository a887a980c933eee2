// The authorization server itself: configuration of `oidc-provider`, and a user who agrees to everything.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import Provider from 'oidc-provider';

import { API_SCOPES, CLIENTS, signingClient } from './clients.mjs';
import { Counters } from './counters.mjs';
import { Records } from './records.mjs';

const INTERACTION = /^\/interaction\/[^/]+$/;

/** One running issuer with everything that tests can change while it runs. */
export class AuthorizationServer {
  /** Seconds that access tokens issued from now on live. */
  accessLifetime = 3600;
  /** Milliseconds between processing a token request and answering it; widens races on purpose. */
  tokenDelay = 0;
  /** Who is in front of the browser, `sub` and `email`. */
  account = { sub: 'ada', email: 'ada@example.com' };

  #accounts = new Map();
  #records = new Records();
  #counters;
  #provider;

  constructor(issuer) {
    this.#provider = new Provider(issuer, this.#configuration());
    this.#counters = new Counters(this.#provider, this.#records);
    this.#provider.use((context, next) => this.#watch(context, next));
    this.#provider.on('server_error', (_context, error) => console.error(error));
    this.issuer = issuer;
    this.signIn(this.account);
  }

  /** Request handler of the issuer; the interaction page finishes itself. */
  handler() {
    const answer = this.#provider.callback();
    return (request, response) => {
      if (!INTERACTION.test(request.url)) return answer(request, response);
      return this.#agree(request, response).catch((error) => {
        response.writeHead(error.statusCode ?? 500, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
      });
    };
  }

  /** From now on this person answers the login page. Known accounts keep their claims. */
  signIn(account) {
    this.account = account;
    this.#accounts.set(account.sub, account);
  }

  /** Registers the public keys of the client `service-jwt`, replacing earlier ones. */
  registerKeys(jwks) {
    this.#records.put('Client', 'service-jwt', signingClient(jwks));
  }

  isLive(token) {
    return this.#records.isLive(token);
  }

  state() {
    return this.#counters.snapshot();
  }

  #configuration() {
    return {
      adapter: this.#records.adapter,
      clients: CLIENTS,
      claims: { email: ['email', 'email_verified'], profile: ['name'] },
      scopes: ['openid', 'offline_access', 'email', 'profile', ...API_SCOPES],
      // Many real issuers put the claims of the granted scopes into the ID Token as well.
      conformIdTokenClaims: false,
      // A token that is over is over at once, or tests of expiry would have to wait.
      clockTolerance: 0,
      cookies: { keys: [randomBytes(32).toString('base64url')] },
      jwks: { keys: [signingKey('rsa', { modulusLength: 2048 }, 'RS256'), signingKey('ec', { namedCurve: 'P-256' }, 'ES256')] },
      findAccount: (_context, sub) => this.#findAccount(sub),
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
      expiresWithSession: () => false,
      rotateRefreshToken: true,
      pkce: { required: () => true },
      ttl: {
        AccessToken: () => this.accessLifetime,
        ClientCredentials: () => this.accessLifetime,
        RefreshToken: 14 * 24 * 3600,
        AuthorizationCode: 60,
        DeviceCode: 600,
        IdToken: 3600,
        Interaction: 600,
        Grant: 14 * 24 * 3600,
        Session: 24 * 3600,
      },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        deviceFlow: { enabled: true },
        // Whoever proves a key at all proves it with the nonce of the day.
        dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
        introspection: { enabled: true },
        registration: { enabled: true },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ scope: API_SCOPES.join(' '), accessTokenFormat: 'opaque' }),
          useGrantedResource: () => true,
        },
      },
    };
  }

  #findAccount(sub) {
    const account = this.#accounts.get(sub);
    if (account === undefined) return undefined;
    return {
      accountId: sub,
      claims: () => ({ sub, email: account.email, email_verified: true, name: account.name ?? sub }),
    };
  }

  async #watch(context, next) {
    if (context.path === '/token/revocation') this.#counters.revocationReceived();
    await next();
    if (context.path === '/token' && this.tokenDelay > 0) await pause(this.tokenDelay);
  }

  /** Logs the current account in and grants all that was asked for, in one step. */
  async #agree(request, response) {
    const interaction = await this.#provider.interactionDetails(request, response);
    const accountId = this.account.sub;
    await this.#forgetOtherSession(interaction, accountId);
    const grant = new this.#provider.Grant({ accountId, clientId: interaction.params.client_id });
    grant.addOIDCScope(interaction.params.scope ?? 'openid');
    for (const resource of [interaction.params.resource ?? []].flat()) {
      grant.addResourceScope(resource, API_SCOPES.join(' '));
    }
    const grantId = await grant.save();
    this.#counters.loginFinished();
    await this.#provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } });
  }

  /** A browser that is still signed in as somebody else is signed out first, without a question. */
  async #forgetOtherSession(interaction, accountId) {
    const { session } = interaction;
    if (session?.accountId === undefined || session.accountId === accountId) return;
    await (await this.#provider.Session.findByUid(session.uid))?.destroy();
    interaction.session = undefined;
    await interaction.save(interaction.exp - Math.floor(Date.now() / 1000));
  }
}

function signingKey(type, parameters, algorithm) {
  const { privateKey } = generateKeyPairSync(type, parameters);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: algorithm, kid: algorithm.toLowerCase() };
}
