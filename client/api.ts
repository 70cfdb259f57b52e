import type { Confirmed, Connection, MintedToken, OpenedSession, Provider, Session, SessionRequest } from './answers';
import { ConnectError } from './error';
import { type Fetch, mayWithhold, platform, type Signal, sleep, untilAborted } from './platform';
import { pauses, repeat } from './repeat';
import { type Call, request } from './request';

/** The options of a client. Only the first two are required. */
export type ClientOptions = {
  /** The deployment's `ApiUrl`. */
  apiUrl: string;
  /**
   * Returns the signed-in user's access token. The client calls it before every request. If the API returns 401, the client
   * calls it again with `rejected` set to the old token; return a fresh one. The same happens once for a call if a browser
   * may have withheld a 401 from the page.
   */
  token: (wish: { rejected?: string }) => string | Promise<string>;
  /** The timeout of one HTTP request. Defaults to 20 seconds. */
  timeoutMs?: number;
  fetch?: Fetch;
  sleep?: (ms: number, signal?: Signal) => Promise<void>;
  now?: () => number;
  /** Creates idempotency keys. */
  newKey?: () => string;
};

/** An aborted call rejects immediately with the signal's reason. */
export type CallOptions = { signal?: Signal | undefined };

/** `patienceMs` is the longest time to wait before returning the current state. */
export type WaitOptions = CallOptions & { patienceMs?: number | undefined };

/** The API's calls, one method each. Each rejects with a `ConnectError`. */
export type Api = {
  /** Opens a session. Retries use the same idempotency key, so that only one session is created. */
  openSession(wish: SessionRequest & CallOptions & { idempotencyKey?: string | undefined }): Promise<OpenedSession>;
  session(id: string, options?: CallOptions): Promise<Session>;
  /** Redeems the one-time code of a return URL. Deployments without confirmation issue no code. */
  confirm(sessionId: string, code?: string, options?: WaitOptions): Promise<Confirmed>;
  /**
   * Polls until the session is neither pending nor returned, for at most 30 seconds by default. Returns its latest
   * state.
   */
  settle(sessionId: string, options?: WaitOptions): Promise<Session>;
  /** Returns all connections of the signed-in user, newest first. */
  connections(options?: CallOptions): Promise<Connection[]>;
  connection(id: string, options?: CallOptions): Promise<Connection>;
  /** Disconnects at once. The back end repeats the request to Terra until Terra confirms it. */
  disconnect(id: string, options?: CallOptions): Promise<Connection>;
  /** Disconnects all connections of the signed-in user and deletes all records. */
  eraseMe(options?: CallOptions): Promise<void>;
  /** Mints one token for the mobile SDK. Never retried automatically. */
  mintToken(wish?: CallOptions & { provider?: string | undefined }): Promise<MintedToken>;
  providers(options?: CallOptions): Promise<Provider[]>;
};

const TIMEOUT_MS = 20_000;
// Longer than the 15 seconds for which the API reserves the idempotency key of a failed attempt.
const REPEAT_MS = 20_000;
export const PATIENCE_MS = 30_000;

const sessionFields = ['id', 'status', 'flow', 'expiresAt'] as const;
const connectionFields = ['id', 'provider', 'status', 'scopes', 'updatedAt', 'version'] as const;

export function createApi(options: ClientOptions): Api {
  const apiUrl = options.apiUrl.replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s?#@]+$/i.test(apiUrl)) throw new TypeError('apiUrl must be an http(s) URL without a query');
  const deps = {
    apiUrl,
    fetch: options.fetch ?? ((url, init) => platform.fetch(url, init)),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    sleep: options.sleep ?? sleep,
    now: options.now ?? Date.now,
  };

  async function getToken(rejected: string | undefined, signal: Signal | undefined): Promise<string> {
    const requested = Promise.resolve(options.token(rejected === undefined ? {} : { rejected }));
    const token = await untilAborted(requested, signal);
    // An invalid token could end up in the platform's error message, so it is rejected before it reaches a header.
    if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) throw new ConnectError('unauthenticated');
    return token;
  }

  /**
   * Sends a request, and repeats it once with a fresh token after a 401. API Gateway may omit the CORS headers from its
   * own answers; a browser then reports a 401 as a network error. `withheld` says whether to renew the token and repeat
   * after such an error.
   */
  async function once<T>(
    call: Call<T>,
    signal: Signal | undefined,
    withheld: { mayRenew: boolean; readonly mayRepeat: boolean },
  ): Promise<T> {
    const token = await getToken(undefined, signal);
    try {
      return await request(call, token, signal, deps);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const isWithheld = error.code === 'network' && withheld.mayRenew && mayWithhold(apiUrl);
      if (error.status !== 401 && !isWithheld) throw error;
      withheld.mayRenew = false;
      const fresh = await getToken(token, signal).catch((failure: unknown) => {
        // Without a network the token cannot be renewed either; the first error is the more useful one.
        throw isWithheld && !signal?.aborted ? error : failure;
      });
      if (fresh === token || (isWithheld && !withheld.mayRepeat)) throw error;
      return request(call, fresh, signal, deps);
    }
  }

  function send<T>(call: Call<T>, { signal, patienceMs = REPEAT_MS }: WaitOptions = {}): Promise<T> {
    const withheld = { mayRenew: true, mayRepeat: true };
    return repeat(() => once(call, signal, withheld), { patienceMs, signal }, deps);
  }

  const one = (folder: string, id: string) => `${folder}/${encodeURIComponent(id)}`;

  async function session(id: string, wait?: WaitOptions): Promise<Session> {
    const call = { method: 'GET', path: one('sessions', id), answers: { 200: sessionFields } } as const;
    return withWebLink(await send<Session>(call, wait));
  }

  return {
    async openSession({ signal, idempotencyKey, ...body }) {
      const key = idempotencyKey ?? (options.newKey ?? newKey)();
      if (!isKey(key)) throw new TypeError('An idempotency key is 1 to 64 visible ASCII characters');
      return withWebLink(
        await send<OpenedSession>(
          { method: 'POST', path: 'sessions', body, idempotencyKey: key, answers: { 201: sessionFields } },
          { signal },
        ),
      );
    },
    session,
    confirm: (id, code, wait) =>
      send<Confirmed>(
        {
          method: 'POST',
          path: `${one('sessions', id)}/confirm`,
          body: code === undefined ? {} : { code },
          answers: { 200: ['id', 'status', 'connection'], 202: ['id', 'status'] },
        },
        wait,
      ),
    async settle(id, { patienceMs = PATIENCE_MS, signal } = {}) {
      const deadline = deps.now() + patienceMs;
      const nextPause = pauses();
      for (;;) {
        const left = Math.max(0, deadline - deps.now());
        const seen = await session(id, { patienceMs: left, signal });
        const pauseMs = nextPause();
        const isOpen = seen.status === 'pending' || seen.status === 'returned';
        if (!isOpen || deps.now() + pauseMs > deadline) return seen;
        await deps.sleep(pauseMs, signal);
      }
    },
    async connections(wait) {
      const call = { method: 'GET', path: 'connections', answers: { 200: ['connections'] } } as const;
      return (await send<{ connections: Connection[] }>(call, wait)).connections;
    },
    connection: (id, wait) =>
      send<Connection>({ method: 'GET', path: one('connections', id), answers: { 200: connectionFields } }, wait),
    disconnect: (id, wait) =>
      send<Connection>({ method: 'DELETE', path: one('connections', id), answers: { 202: connectionFields } }, wait),
    async eraseMe(wait) {
      await send<{ status: 'erasing' }>({ method: 'DELETE', path: 'me', answers: { 202: ['status'] } }, wait);
    },
    mintToken: ({ signal, ...body } = {}) =>
      once<MintedToken>(
        { method: 'POST', path: 'tokens', body, answers: { 201: ['token', 'referenceId', 'expiresIn', 'expiresAt'] } },
        signal,
        { mayRenew: true, mayRepeat: false },
      ),
    async providers(wait) {
      const call = { method: 'GET', path: 'providers', answers: { 200: ['providers'] } } as const;
      return (await send<{ providers: Provider[] }>(call, wait)).providers;
    },
  };
}

/** Rejects a link that is not http or https. */
function withWebLink<S extends OpenedSession>(session: S): S {
  if (session.url !== undefined && !/^https?:/i.test(session.url)) throw new ConnectError('unexpected_answer');
  return session;
}

/** Creates an idempotency key. It must be unique for each user but need not be secret, so `crypto` is not needed. */
export function newKey(): string {
  const random = () => Math.random().toString(36).slice(2, 13);
  return `${Date.now().toString(36)}-${random()}-${random()}`;
}

/** Returns whether the API accepts the key: 1 to 64 visible ASCII characters. */
export function isKey(key: string): boolean {
  return /^[!-~]{1,64}$/.test(key);
}
