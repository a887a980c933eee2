// The records of the authorization server, in memory. Nothing is evicted, and a refresh token can be
// spent once: the adapter that comes with the package lets two simultaneous refreshes both pass.

import { errors } from 'oidc-provider';

const NEVER = Number.POSITIVE_INFINITY;

/** All records by model name and id, with the refresh tokens that were ever spent. */
export class Records {
  #entries = new Map();
  #spent = new Set();

  /** The adapter that `oidc-provider` asks for, one per model. */
  adapter = (model) => new Adapter(this, model);

  find(model, id) {
    const entry = this.#entries.get(`${model}:${id}`);
    return entry !== undefined && entry.expiresAt > Date.now() ? entry.payload : undefined;
  }

  findBy(model, field, value) {
    const prefix = `${model}:`;
    for (const [key, entry] of this.#entries) {
      if (key.startsWith(prefix) && entry.payload[field] === value && entry.expiresAt > Date.now()) {
        return entry.payload;
      }
    }
    return undefined;
  }

  put(model, id, payload, seconds) {
    const expiresAt = seconds === undefined ? NEVER : Date.now() + seconds * 1000;
    this.#entries.set(`${model}:${id}`, { payload, expiresAt });
  }

  remove(model, id) {
    this.#entries.delete(`${model}:${id}`);
  }

  /** Marks a record as spent. A refresh token that is spent already takes its whole grant with it. */
  consume(model, id) {
    const payload = this.find(model, id);
    if (payload === undefined || payload.consumed) {
      if (payload?.grantId) this.revokeGrant(payload.grantId);
      throw new errors.InvalidGrant('token was spent by a simultaneous request');
    }
    if (model === 'RefreshToken') this.#spent.add(id);
    payload.consumed = Math.floor(Date.now() / 1000);
  }

  revokeGrant(grantId) {
    this.removeOfGrant(grantId);
    this.remove('Grant', grantId);
  }

  removeOfGrant(grantId, model) {
    for (const [key, entry] of this.#entries) {
      if (entry.payload.grantId === grantId && (model === undefined || key.startsWith(`${model}:`))) {
        this.#entries.delete(key);
      }
    }
  }

  /** Whether this refresh token was spent at any time, even if its grant is gone since. */
  wasSpent(refreshToken) {
    return this.#spent.has(refreshToken);
  }

  /** Whether the server would still honour this access or refresh token. */
  isLive(token) {
    return ['AccessToken', 'ClientCredentials', 'RefreshToken'].some((model) => {
      const payload = this.find(model, token);
      return payload !== undefined && !payload.consumed
        && (payload.grantId === undefined || this.find('Grant', payload.grantId) !== undefined);
    });
  }
}

/** Translates the calls of `oidc-provider` for one model. */
class Adapter {
  #records;
  #model;

  constructor(records, model) {
    this.#records = records;
    this.#model = model;
  }

  async upsert(id, payload, seconds) {
    this.#records.put(this.#model, id, payload, seconds);
  }

  async find(id) {
    return this.#records.find(this.#model, id);
  }

  async findByUserCode(userCode) {
    return this.#records.findBy(this.#model, 'userCode', userCode);
  }

  async findByUid(uid) {
    return this.#records.findBy(this.#model, 'uid', uid);
  }

  async consume(id) {
    this.#records.consume(this.#model, id);
  }

  async destroy(id) {
    this.#records.remove(this.#model, id);
  }

  async revokeByGrantId(grantId) {
    this.#records.removeOfGrant(grantId, this.#model);
  }
}
