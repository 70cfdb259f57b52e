import type { Connection, Session, SessionFailure, SessionRequest } from './answers';
import { type Api, type ClientOptions, createApi, PATIENCE_MS, type WaitOptions } from './api';
import { ConnectError } from './error';
import { type Signal, untilAborted } from './platform';
import { type Returned, readReturn } from './session-return';

/** What became of an attempt to connect. */
export type Outcome =
  /** Done. `connection.status` says how it stands now: the person may have disconnected since. */
  | { kind: 'connected'; sessionId: string; connection: Connection }
  /** Nothing was connected. */
  | { kind: 'failed'; sessionId: string; failure: SessionFailure }
  /** A provider was picked that lives on the phone: mint a token and use the mobile SDK. */
  | { kind: 'sdk_required'; sessionId: string; provider: string }
  /** The person came back, and Terra's word is still on its way: `settle()` later, or wait for the event. */
  | { kind: 'waiting'; sessionId: string }
  /** The person went away from it; the link may still be used until it expires. */
  | { kind: 'left'; sessionId: string };

/** What `open` may know of the attempt beside its link. */
export type Attempt = {
  sessionId: string;
  /** How the session stands now. */
  session: () => Promise<Session>;
  signal?: Signal | undefined;
};

/**
 * Shows the link to the person. Resolves with the URL the person came back to, or with undefined when the person left;
 * never, where the page itself goes away.
 */
export type Open = {
  (url: string, attempt: Attempt): Promise<string | undefined>;
  /** True where it is known in advance that nothing can be shown. */
  readonly blocked?: boolean;
  /** Called when there will be no link to show. */
  cancel?(): void;
};

export type ConnectOptions = SessionRequest & WaitOptions & { open: Open };

export type Client = Api & {
  /** Opens a session, lets `open` show its link, and finishes what comes back. */
  connect(options: ConnectOptions): Promise<Outcome>;
  /** Finishes a session on the return: redeems the code and waits for Terra's word, 30 seconds by default. */
  finish(returned: string | Returned, options?: WaitOptions): Promise<Outcome>;
};

/** A client of one deployment, for whoever is signed in. */
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
      // The API tells a stranger no more than this: the code is right, and the session is somebody else's. A gateway that
      // has no such route says not found as well, but without an id.
      if (error.code === 'not_found' && error.requestId !== undefined)
        return { kind: 'failed', sessionId, failure: 'wrong_owner' };
      const mayHaveEnded = error.code === 'session_closed' || error.code === 'code_invalid';
      const known = mayHaveEnded ? await knownOutcome(sessionId, signal) : undefined;
      if (known) return known;
      throw error;
    }
    return settled(sessionId, { patienceMs: Math.max(0, deadline - now()), signal }, 'waiting');
  }

  /** How the session ended, where it did and the API says so. */
  async function knownOutcome(sessionId: string, signal: Signal | undefined): Promise<Outcome | undefined> {
    try {
      return await outcomeOf(await api.session(sessionId, { signal }), { signal });
    } catch (error) {
      if (error instanceof ConnectError) return undefined;
      throw error;
    }
  }

  async function failed(sessionId: string, failure: SessionFailure, signal: Signal | undefined): Promise<Outcome> {
    // The URL may have been told less than the API has heard by now, or say what anybody wrote.
    const known = await knownOutcome(sessionId, signal);
    const saysMore = known && !(known.kind === 'failed' && known.failure === 'unknown');
    return saysMore ? known : { kind: 'failed', sessionId, failure };
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
      // Perhaps it was finished elsewhere meanwhile, or is being finished.
      const seen = await api.session(id, { signal });
      if (seen.status === 'returned') return settled(id, wait, 'left');
      return (await outcomeOf(seen, wait)) ?? { kind: 'left', sessionId: id };
    },
  };
}
