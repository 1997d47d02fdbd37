// The product's HTTP API: a base address and a function that gives a token are all that it takes.

// A call that was refused. `message`: what to tell the host. `errors`: the broken rules, if it was about rules.
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || document.message || `The answer was ${status}`);
    this.status = status;
    this.errors = document.errors ?? [];
  }
}

const PATIENCE = 2; // tries of one act, all with its key, so that it has its effect once

// `token(renew)`: a promise of a bearer token; `renew` when the last one was not taken.
export function client(base, token) {
  async function send(method, path, body, headers) {
    const ask = async (renew) => fetch(`${base}${path}`, {
      method,
      cache: "no-store",
      headers: {
        authorization: `Bearer ${await token(renew)}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    let response = await ask(false);
    if (response.status === 401) response = await ask(true);
    const text = await response.text();
    const answer = parsed(text);
    if (!response.ok) throw new Problem(response.status, answer ?? {});
    return answer;
  }

  async function pages(path) {
    const items = [];
    let cursor = null;
    do {
      const more = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await send("GET", `${path}${more}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  // One act of a person. Lost on the way, it is sent again under its own key.
  async function act(method, path, body) {
    const headers = { "idempotency-key": crypto.randomUUID() };
    for (let left = PATIENCE - 1; ; left -= 1) {
      try {
        return await send(method, path, body, headers);
      } catch (error) {
        if (error instanceof Problem || left === 0) throw error;
      }
    }
  }

  return { read: (path) => send("GET", path), pages, act };
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // not the API's answer, but something's in between
  }
}
