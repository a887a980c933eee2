// A browser without a screen: keeps cookies, follows redirects, sends the one form that a page holds.

const HOPS = 20; // a login takes six; more means a loop

/** One person's browser window; every new one starts without cookies. */
export class Visitor {
  #origin;
  #cookies = new Map();

  /** `origin` is the only server that is visited; a redirect elsewhere ends the visit. */
  constructor(origin) {
    this.#origin = origin;
  }

  /** Opens an address. Returns `{ status, body }` of a page, or `{ redirect }` to another server. */
  async open(url, form) {
    let next = { url, form };
    for (let hop = 0; hop < HOPS; hop += 1) {
      if (new URL(next.url).origin !== this.#origin) return { redirect: next.url };
      const answer = await this.#fetch(next);
      const location = answer.headers.get('location');
      if (location === null) return { status: answer.status, url: next.url, body: await answer.text() };
      next = { url: new URL(location, next.url).href };
    }
    throw new Error(`more than ${HOPS} redirects from ${url}`);
  }

  /** Sends the first form of a page with its hidden fields and `extra` ones. */
  async submit(page, extra = {}) {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.body)?.[1];
    if (action === undefined) throw new Error(`no form on ${page.url}, status ${page.status}`);
    const hidden = page.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
    const fields = Object.fromEntries([...hidden].map(([, name, value]) => [name, value]));
    return this.open(new URL(action, page.url).href, { ...fields, ...extra });
  }

  async #fetch({ url, form }) {
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '), accept: 'text/html' },
      body: form === undefined ? undefined : new URLSearchParams(form),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';', 1)[0].split(/=(.*)/s);
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }
}
