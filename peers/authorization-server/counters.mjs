// What tests ask about afterwards: how often the server was asked to refresh, and with what result.

/** Counts from now on, by listening to the events of `provider`. */
export class Counters {
  #counts = {
    refreshes: 0,
    refresh_successes: 0,
    reuse_detected: 0,
    invalid_grants: 0,
    grants_revoked: 0,
    revocations: 0,
    logins: 0,
    token_requests: {},
  };

  constructor(provider, records) {
    provider.on('grant.success', (context) => this.#tokenAnswered(context));
    provider.on('grant.error', (context, error) => {
      this.#tokenAnswered(context, error);
      const refreshToken = context.oidc?.params?.refresh_token;
      if (refreshToken !== undefined && records.wasSpent(refreshToken)) this.#counts.reuse_detected += 1;
    });
    provider.on('grant.revoked', () => { this.#counts.grants_revoked += 1; });
  }

  /** One more request to the revocation endpoint, whatever came of it. */
  revocationReceived() {
    this.#counts.revocations += 1;
  }

  /** One more login that was finished by the automatic user. */
  loginFinished() {
    this.#counts.logins += 1;
  }

  snapshot() {
    return structuredClone(this.#counts);
  }

  #tokenAnswered(context, error) {
    const grantType = context.oidc?.params?.grant_type ?? 'unknown';
    const requests = this.#counts.token_requests;
    requests[grantType] = (requests[grantType] ?? 0) + 1;
    if (error?.error === 'invalid_grant') this.#counts.invalid_grants += 1;
    if (grantType !== 'refresh_token') return;
    this.#counts.refreshes += 1;
    if (error === undefined) this.#counts.refresh_successes += 1;
  }
}
