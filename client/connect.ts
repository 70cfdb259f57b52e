import type { Connection, Session, SessionFailure, SessionRequest } from './answers';
import { type Api, type ClientOptions, createApi, PATIENCE_MS, type WaitOptions } from './api';
import { ConnectError } from './error';
import { type Signal, untilAborted } from './platform';
import { type Returned, readReturn } from './session-return';

/** The outcome of an attempt to connect. */
export type Outcome =
  /** Connected. `connection.status` is the current status: the user may have disconnected since. */
  | { kind: 'connected'; sessionId: string; connection: Connection }
  /** Nothing was connected. */
  | { kind: 'failed'; sessionId: string; failure: SessionFailure }
  /** The user picked a provider that connects on the phone: mint a token and use the mobile SDK. */
  | { kind: 'sdk_required'; sessionId: string; provider: string }
  /**
   * The user came back, but Terra has not reported the authentication yet: call `settle()` later, or wait for the
   * event.
   */
  | { kind: 'waiting'; sessionId: string }
  /** The user left. The link can still be used until it expires. */
  | { kind: 'left'; sessionId: string };

/** What `open` receives in addition to the link. */
export type Attempt = {
  sessionId: string;
  /** Returns the session's current state. */
  session: () => Promise<Session>;
  signal?: Signal | undefined;
};

/**
 * Shows the link to the user. Resolves with the return URL, or with undefined if the user left. Never resolves if the
 * page itself navigates away.
 */
export type Open = {
  (url: string, attempt: Attempt): Promise<string | undefined>;
  /** True if it is already known that nothing can be shown. */
  readonly blocked?: boolean;
  /** Called if there is no link to show. */
  cancel?(): void;
};

export type ConnectOptions = SessionRequest & WaitOptions & { open: Open };

export type Client = Api & {
  /** Opens a session, passes its link to `open` and finishes the return. */
  connect(options: ConnectOptions): Promise<Outcome>;
  /**
   * Finishes a session after the return: redeems the code and waits until Terra reports the authentication, for 30
   * seconds by default.
   */
  finish(returned: string | Returned, options?: WaitOptions): Promise<Outcome>;
};

/** Creates a client of one deployment for the signed-in user. */
export function createClient(options: ClientOptions): Client {
  const api = createApi(options);
  const now = options.now ?? Date.now;

  async function outcomeOf(session: Session, wait: WaitOptions): Promise<Outcome | undefined> {
    const { id: sessionId, status, connectionId, failure } = session;
    switch (status) {
      case 'completed':
        if (connectionId === undefined) return { kind: 'waiting', sessionId };
        return { kind: 'connected', sessionId, connection: await api.connection(connectionId, wait) };
      case 'failed':
        return { kind: 'failed', sessionId, failure: failure ?? 'unknown' };
      case 'expired':
        return { kind: 'failed', sessionId, failure: failure ?? 'expired' };
      case 'rejected':
        return { kind: 'failed', sessionId, failure: failure ?? 'wrong_owner' };
      default:
        return undefined;
    }
  }

  async function settled(sessionId: string, wait: WaitOptions, otherwise: 'waiting' | 'left'): Promise<Outcome> {
    const session = await api.settle(sessionId, wait);
    return (await outcomeOf(session, wait)) ?? { kind: otherwise, sessionId };
  }

  async function redeem(sessionId: string, code: string | undefined, wait: WaitOptions): Promise<Outcome> {
    const { patienceMs = PATIENCE_MS, signal } = wait;
    const deadline = now() + patienceMs;
    try {
      const { connection } = await api.confirm(sessionId, code, { patienceMs, signal });
      if (connection) return { kind: 'connected', sessionId, connection };
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      // The API answers not_found if the code is valid but the session belongs to another user. A gateway without this
      // route also answers 404, but without a request id.
      if (error.code === 'not_found' && error.requestId !== undefined)
        return { kind: 'failed', sessionId, failure: 'wrong_owner' };
      const mayHaveEnded = error.code === 'session_closed' || error.code === 'code_invalid';
      const known = mayHaveEnded ? await knownOutcome(sessionId, signal) : undefined;
      if (known) return known;
      throw error;
    }
    return settled(sessionId, { patienceMs: Math.max(0, deadline - now()), signal }, 'waiting');
  }

  /** Returns the session's final outcome, or undefined if it is unknown. */
  async function knownOutcome(sessionId: string, signal: Signal | undefined): Promise<Outcome | undefined> {
    try {
      return await outcomeOf(await api.session(sessionId, { signal }), { signal });
    } catch (error) {
      if (error instanceof ConnectError) return undefined;
      throw error;
    }
  }

  async function failed(sessionId: string, failure: SessionFailure, signal: Signal | undefined): Promise<Outcome> {
    // The URL may be older than the API's state, and anyone can write a URL.
    const known = await knownOutcome(sessionId, signal);
    const isMoreSpecific = known && !(known.kind === 'failed' && known.failure === 'unknown');
    return isMoreSpecific ? known : { kind: 'failed', sessionId, failure };
  }

  async function finish(from: string | Returned, wait: WaitOptions = {}): Promise<Outcome> {
    const returned = typeof from === 'string' ? readReturn(from) : from;
    if (!returned) throw new TypeError('This URL is not the return of a session');
    const { sessionId } = returned;
    switch (returned.status) {
      case 'returned':
        return redeem(sessionId, returned.code, wait);
      case 'failed':
        return failed(sessionId, returned.error, wait.signal);
      case 'sdk_required':
        return { kind: 'sdk_required', sessionId, provider: returned.provider };
      default:
        return returned satisfies never;
    }
  }

  return {
    ...api,
    finish,
    async connect({ open, patienceMs, signal, ...wish }) {
      if (open.blocked) throw new ConnectError('popup_blocked');
      const wait = { patienceMs, signal };
      const { id, url } = await api.openSession({ ...wish, signal }).catch((error: unknown) => {
        open.cancel?.();
        throw error;
      });
      if (url === undefined) {
        open.cancel?.();
        return settled(id, wait, 'waiting');
      }
      const attempt: Attempt = { sessionId: id, session: () => api.session(id, { signal }), signal };
      const returnUrl = await untilAborted(open(url, attempt), signal);
      const returned = returnUrl === undefined ? undefined : readReturn(returnUrl);
      if (returned?.sessionId === id) return finish(returned, wait);
      // The session may have been finished elsewhere in the meantime.
      const seen = await api.session(id, { signal });
      if (seen.status === 'returned') return settled(id, wait, 'left');
      return (await outcomeOf(seen, wait)) ?? { kind: 'left', sessionId: id };
    },
  };
}
