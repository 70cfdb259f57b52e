import type { Confirmed, Connection, MintedToken, OpenedSession, Provider, Session, SessionRequest } from './answers';
import { ConnectError } from './error';
import { type Fetch, mayWithhold, platform, type Signal, sleep, untilAborted } from './platform';
import { pauses, repeat } from './repeat';
import { type Call, request } from './request';

/** What a client is made of. Only the first two are needed; the rest has the platform's as default. */
export type ClientOptions = {
  /** The deployment's `ApiUrl`. */
  apiUrl: string;
  /**
   * Returns the signed-in user's access token. The client calls it before every request. If the API returns 401, the client
   * calls it again with `rejected` set to the old token; return a fresh one. The same happens once for a call if a browser
   * may have withheld a 401 from the page.
   */
  token: (wish: { rejected?: string }) => string | Promise<string>;
  /** How long one attempt of a request may take. 20 seconds by default. */
  timeoutMs?: number;
  fetch?: Fetch;
  sleep?: (ms: number, signal?: Signal) => Promise<void>;
  now?: () => number;
  /** Makes idempotency keys. */
  newKey?: () => string;
};

/** An aborted call rejects at once with the signal's reason. */
export type CallOptions = { signal?: Signal | undefined };

/** `patienceMs`: how long to wait altogether before taking what there is. */
export type WaitOptions = CallOptions & { patienceMs?: number | undefined };

/** The API's calls, one method each. Each rejects with a `ConnectError`. */
export type Api = {
  /** Opens a session. It is repeated by itself with the same idempotency key, so that only one session comes of it. */
  openSession(wish: SessionRequest & CallOptions & { idempotencyKey?: string | undefined }): Promise<OpenedSession>;
  session(id: string, options?: CallOptions): Promise<Session>;
  /** Redeems the one-time code of a return URL; deployments without confirmation give none. */
  confirm(sessionId: string, code?: string, options?: WaitOptions): Promise<Confirmed>;
  /** Asks until the session is neither pending nor returned, or patience (30 seconds) ends: then as it stands. */
  settle(sessionId: string, options?: WaitOptions): Promise<Session>;
  /** All of the signed-in user's, newest first. */
  connections(options?: CallOptions): Promise<Connection[]>;
  connection(id: string, options?: CallOptions): Promise<Connection>;
  /** Stops the connection at once; Terra is asked until it agrees. */
  disconnect(id: string, options?: CallOptions): Promise<Connection>;
  /** Disconnects everything of the signed-in user and deletes every record. */
  eraseMe(options?: CallOptions): Promise<void>;
  /** Mints one token for the mobile SDK. Not repeated by itself. */
  mintToken(wish?: CallOptions & { provider?: string | undefined }): Promise<MintedToken>;
  providers(options?: CallOptions): Promise<Provider[]>;
};

const TIMEOUT_MS = 20_000;
// Longer than the 15 seconds for which the API holds the place of an attempt that died.
const REPEAT_MS = 20_000;
export const PATIENCE_MS = 30_000;

const sessionFields = ['id', 'status', 'flow', 'expiresAt'] as const;
const connectionFields = ['id', 'provider', 'status', 'scopes', 'updatedAt', 'version'] as const;

/** The plain calls of the API. */
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

  async function askToken(rejected: string | undefined, signal: Signal | undefined): Promise<string> {
    const asked = Promise.resolve(options.token(rejected === undefined ? {} : { rejected }));
    const token = await untilAborted(asked, signal);
    // Also keeps a token that would break out of its header from reaching an error message of the platform's.
    if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) throw new ConnectError('unauthenticated');
    return token;
  }

  /**
   * Sends once, and once more with a fresh token after 401. API Gateway may leave the CORS headers out of its own answers:
   * a browser then shows a 401 as a network error. `withheld` says what to do after one that may be such a 401.
   */
  async function once<T>(
    call: Call<T>,
    signal: Signal | undefined,
    withheld: { mayRenew: boolean; readonly mayRepeat: boolean },
  ): Promise<T> {
    const token = await askToken(undefined, signal);
    try {
      return await request(call, token, signal, deps);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      const isWithheld = error.code === 'network' && withheld.mayRenew && mayWithhold(apiUrl);
      if (error.status !== 401 && !isWithheld) throw error;
      withheld.mayRenew = false;
      const fresh = await askToken(token, signal).catch((failure: unknown) => {
        // Without a network no token can be renewed: the failed request says so better.
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

/** People are sent to no link but one of the web. */
function withWebLink<S extends OpenedSession>(session: S): S {
  if (session.url !== undefined && !/^https?:/i.test(session.url)) throw new ConnectError('unexpected_answer');
  return session;
}

/** A new Idempotency-Key. It need not be secret, only never the same twice for one person: no `crypto` needed. */
export function newKey(): string {
  const random = () => Math.random().toString(36).slice(2, 13);
  return `${Date.now().toString(36)}-${random()}-${random()}`;
}

/** Whether the API takes it: visible ASCII, 1 to 64 characters. */
export function isKey(key: string): boolean {
  return /^[!-~]{1,64}$/.test(key);
}
