import { CallFailed } from './failure.js';

/**
 * The parts that only the local run has: an issuer that accepts any name, the sandbox's control API, and the data
 * behind the API. The client calls the API itself.
 *
 * @import { Call, Scenario } from './types.js'
 * @import { Delivery, PublishedEvent, StoredFact } from './happened.js'
 *
 * @typedef {(call: Call) => void} Note
 */

const PATIENCE_MS = 40_000;
const DELIVERIES_SEEN = 200;

/**
 * Returns a `fetch` for the client that reports each call to `note`.
 *
 * @param {Note} note
 * @returns {typeof fetch}
 */
export function notedFetch(note) {
  return async (input, init) => {
    const startedAt = performance.now();
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    let status = 0;
    try {
      const answer = await fetch(input, init);
      status = answer.status;
      return answer;
    } finally {
      note({ to: 'API', method: init?.method ?? 'GET', path: pathname, status, ms: msSince(startedAt) });
    }
  };
}

/**
 * Gets an access token from the development issuer, which accepts any name.
 *
 * @param {string} base
 * @param {string} username
 * @param {Note} note
 * @returns {Promise<string>}
 */
export async function signIn(base, username, note) {
  const body = new URLSearchParams({ grant_type: 'password', username });
  return (await request(note, 'Issuer', 'POST', base, '/token', body)).access_token;
}

/**
 * The sandbox's control API.
 *
 * @param {string} base
 * @param {Note} note
 */
export function sandboxClient(base, note) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  const call = (method, path, body) => request(note, 'Terra', method, base, path, body);
  const scenario = (/** @type {string} */ name) => `/sandbox/scenarios/${encodeURIComponent(name)}`;

  return {
    /** @returns {Promise<Scenario[]>} */
    scenarios: async () => (await call('GET', '/sandbox/scenarios')).scenarios,
    switchOn: (/** @type {string} */ name) => call('PUT', scenario(name), {}),
    switchOff: (/** @type {string} */ name) => call('DELETE', scenario(name)),
    send: (/** @type {string} */ terraUserId, /** @type {string} */ event) =>
      call('POST', `/sandbox/users/${encodeURIComponent(terraUserId)}/events`, { event }),
    advance: (/** @type {number} */ seconds) => call('POST', '/sandbox/clock/advance', { seconds }),
    /**
     * Redeems an SDK token as a phone does. Returns the name of Terra's error, or undefined on success.
     *
     * @returns {Promise<string | undefined>}
     */
    connectPhone: async (
      /** @type {{ token: string, provider: string, device: string }} */ { token, provider, device },
    ) => {
      try {
        await call('POST', '/sandbox/phone/connect', { token, provider, device_id: device });
        return undefined;
      } catch (error) {
        if (error instanceof CallFailed && error.code !== undefined) return error.code;
        throw error;
      }
    },
  };
}

/**
 * Loads the data behind the API about one user. An app has no such access, so these calls are not shown.
 *
 * @param {string} base
 * @param {string} sandboxUrl
 */
export function behindTheApi(base, sandboxUrl) {
  const quiet = () => {};
  return {
    /** @returns {Promise<{ referenceIds: string[], facts: StoredFact[] }>} */
    records: (/** @type {string} */ user) =>
      request(quiet, 'API', 'GET', base, `/_local/records?sub=${encodeURIComponent(user)}`),
    /** @returns {Promise<{ events: PublishedEvent[], receivedAt: string[] }>} */
    events: (/** @type {string} */ user) =>
      request(quiet, 'API', 'GET', base, `/_local/events?sub=${encodeURIComponent(user)}`),
    /** Returns the deliveries of all users. @returns {Promise<Delivery[]>} */
    deliveries: async () => {
      const path = `/sandbox/history?kind=delivery&last=${DELIVERIES_SEEN}`;
      return (await request(quiet, 'Terra', 'GET', sandboxUrl, path)).history;
    },
  };
}

/**
 * @param {Note} note
 * @param {Call['to']} to
 * @param {string} method
 * @param {string} base
 * @param {string} path
 * @param {unknown} [body]
 */
async function request(note, to, method, base, path, body) {
  const startedAt = performance.now();
  const isForm = body instanceof URLSearchParams;
  let status = 0;
  try {
    const response = await fetch(`${base}${path}`, {
      method,
      ...(body !== undefined && !isForm && { headers: { 'content-type': 'application/json' } }),
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    status = response.status;
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return answer;
    const code = typeof answer?.error === 'string' ? answer.error : undefined;
    throw new CallFailed({ status: response.ok ? 500 : status, code });
  } catch (error) {
    throw error instanceof CallFailed ? error : new CallFailed({ status: 0 });
  } finally {
    note({ to, method, path: path.split('?')[0] ?? path, status, ms: msSince(startedAt) });
  }
}

/** @param {number} startedAt */
function msSince(startedAt) {
  return Math.round(performance.now() - startedAt);
}
