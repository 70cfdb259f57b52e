/**
 * The calls this page makes: to the API, to the issuer and, where it runs, to the sandbox.
 *
 * @import { Call, Connection, Minted, Provider, Scenario, Session } from './types.js'
 *
 * @typedef {(call: Call) => void} Note
 */

const PATIENCE_MS = 40_000;

/** A call that was answered with a failure, or (status 0) not at all. */
export class CallFailed extends Error {
  /** @param {{ status: number, code?: string | undefined, retryAfterSeconds?: number | undefined }} answer */
  constructor({ status, code, retryAfterSeconds }) {
    super(`call failed: ${status} ${code ?? ''}`.trimEnd());
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The API as one signed-in user sees it. The token is asked for when needed and once more after a 401.
 *
 * @param {{ base: string, token: (fresh: boolean) => Promise<string>, note: Note }} options
 */
export function apiClient({ base, token, note }) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: unknown, headers?: Record<string, string> }} [more]
   */
  async function call(method, path, { body, headers = {} } = {}) {
    const ask = async (/** @type {boolean} */ fresh) => {
      const authorization = `Bearer ${await token(fresh)}`;
      return request(note, 'API', method, base, path, { body, headers: { ...headers, authorization } });
    };
    try {
      return await ask(false);
    } catch (error) {
      if (error instanceof CallFailed && error.status === 401) return ask(true);
      throw error;
    }
  }

  return {
    /** @returns {Promise<Provider[]>} */
    providers: async () => (await call('GET', '/v1/providers')).body.providers,
    /** @returns {Promise<Connection[]>} */
    connections: async () => (await call('GET', '/v1/connections')).body.connections,
    /** @returns {Promise<Session>} */
    openSession: async (/** @type {string | undefined} */ provider) => {
      const body = { returnTo: 'web', ...(provider !== undefined && { provider }) };
      const headers = { 'idempotency-key': crypto.randomUUID() };
      return withWebLink((await call('POST', '/v1/sessions', { body, headers })).body);
    },
    /** @returns {Promise<Session>} */
    session: async (/** @type {string} */ id) =>
      withWebLink((await call('GET', `/v1/sessions/${encodeURIComponent(id)}`)).body),
    /** Whether the session is completed now; otherwise Terra's word is still on its way. */
    confirm: async (/** @type {string} */ id, /** @type {string | undefined} */ code) => {
      const path = `/v1/sessions/${encodeURIComponent(id)}/confirm`;
      const { status } = await call('POST', path, { body: code === undefined ? {} : { code } });
      return status === 200;
    },
    /** @returns {Promise<Minted>} */
    mintToken: async (/** @type {string} */ provider) =>
      (await call('POST', '/v1/tokens', { body: { provider } })).body,
    disconnect: async (/** @type {string} */ id) => {
      await call('DELETE', `/v1/connections/${encodeURIComponent(id)}`);
    },
  };
}

/**
 * The browser is sent to no link but one of the web.
 *
 * @param {Session} session
 * @returns {Session}
 */
function withWebLink({ url, ...session }) {
  return url !== undefined && /^https?:/i.test(url) ? { ...session, url } : session;
}

/**
 * Signs in at the development issuer, which takes any name.
 *
 * @param {string} base
 * @param {string} username
 * @param {Note} note
 * @returns {Promise<string>}
 */
export async function signIn(base, username, note) {
  const body = new URLSearchParams({ grant_type: 'password', username });
  return (await request(note, 'Issuer', 'POST', base, '/token', { body })).body.access_token;
}

/**
 * The sandbox's control API, which only the local run has.
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
  const call = (method, path, body) => request(note, 'Terra', method, base, path, { body });
  const scenario = (/** @type {string} */ name) => `/sandbox/scenarios/${encodeURIComponent(name)}`;

  return {
    /** @returns {Promise<Scenario[]>} */
    scenarios: async () => (await call('GET', '/sandbox/scenarios')).body.scenarios,
    switchOn: (/** @type {string} */ name) => call('PUT', scenario(name), {}),
    switchOff: (/** @type {string} */ name) => call('DELETE', scenario(name)),
    send: (/** @type {string} */ terraUserId, /** @type {string} */ event) =>
      call('POST', `/sandbox/users/${encodeURIComponent(terraUserId)}/events`, { event }),
    advance: (/** @type {number} */ seconds) => call('POST', '/sandbox/clock/advance', { seconds }),
    /**
     * Redeems an SDK token as a phone does. The error's name where Terra refuses, nothing where all went well.
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
 * @param {Note} note
 * @param {Call['to']} to
 * @param {string} method
 * @param {string} base
 * @param {string} path
 * @param {{ body?: unknown, headers?: Record<string, string> }} options
 */
async function request(note, to, method, base, path, { body, headers = {} }) {
  const startedAt = performance.now();
  const isForm = body instanceof URLSearchParams;
  let status = 0;
  try {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && !isForm && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    status = response.status;
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer !== undefined) return { status, body: answer };
    throw new CallFailed({
      status: response.ok ? 500 : status,
      code: text(answer?.code) ?? text(answer?.error),
      retryAfterSeconds: Number(response.headers.get('retry-after')) || undefined,
    });
  } catch (error) {
    throw error instanceof CallFailed ? error : new CallFailed({ status: 0 });
  } finally {
    note({ to, method, path, status, ms: Math.round(performance.now() - startedAt) });
  }
}

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
function text(value) {
  return typeof value === 'string' ? value : undefined;
}
