import { randomUUID } from 'node:crypto';
import { sign } from '../../../functions/core/terra/signature';
import type { SignedInOwner } from './loaded-stack';
import type { Shot } from './volley';

/** Shares of a hundred deliveries: new Terra users, and changes of known ones; the rest are repetitions. */
export type Mix = { readonly fresh: number; readonly changes: number };

/** Deliveries as Terra makes them, each truly signed; and which of them were taken. */
export type Deliveries = {
  next(): Shot;
  /** Terra users whose first delivery was answered 2xx. */
  readonly accepted: ReadonlySet<string>;
};

const PATH = '/v1/webhooks/terra';
const PROVIDERS = ['GARMIN', 'OURA', 'FITBIT', 'POLAR'];
/** Of the latest deliveries, those that are sent once more. */
const REPEATABLE = 500;

export function deliveries(
  { signingSecret, owners }: { signingSecret: string; owners: readonly SignedInOwner[] },
  { fresh, changes }: Mix,
): Deliveries {
  const users: { userId: string; owner: SignedInOwner | undefined; isBroken: boolean }[] = [];
  const accepted = new Set<string>();
  const sent: Shot[] = [];
  let count = 0;

  function signed(event: object): Shot {
    const now = Date.now();
    const body = JSON.stringify(event);
    return {
      method: 'POST',
      path: PATH,
      headers: {
        'content-type': 'application/json',
        'x-terra-signature': sign(body, signingSecret, Math.floor(now / 1000)),
        'x-terra-ordering-timestamp': `${now}`,
      },
      body,
    };
  }

  const told = (userId: string, owner: SignedInOwner | undefined) => ({
    user_id: userId,
    provider: PROVIDERS[userId.charCodeAt(0) % PROVIDERS.length],
    reference_id: owner?.referenceId ?? null,
    scopes: 'DAILY, ACTIVITY',
    active: true,
    created_at: null,
  });

  function ofNewUser(): Shot {
    const userId = randomUUID();
    const owner = owners[count % owners.length];
    const shot = signed({ type: 'auth', status: 'success', user: told(userId, owner) });
    return {
      ...shot,
      answered(status) {
        if (status < 200 || status > 299) return;
        accepted.add(userId);
        users.push({ userId, owner, isBroken: false });
      },
    };
  }

  /** A connection that broke mends, and the other way about: each of these is written. */
  function ofKnownUser(): Shot {
    const user = users[count % users.length];
    if (user === undefined) return ofNewUser();
    user.isBroken = !user.isBroken;
    const about = { user: told(user.userId, user.owner) };
    return signed(
      user.isBroken
        ? { type: 'connection_error', status: 'warning', ...about }
        : { type: 'auth', status: 'success', ...about },
    );
  }

  return {
    accepted,
    next() {
      count += 1;
      // Spread over the hundred, so that every short stretch has the mix.
      const place = (count * 37) % 100;
      if (place >= fresh + changes) return sent[count % sent.length] ?? ofNewUser();
      const shot = place < fresh ? ofNewUser() : ofKnownUser();
      const { answered: _, ...again } = shot;
      sent[count % REPEATABLE] = again;
      return shot;
    },
  };
}

/** Sessions opened by these owners in turn; each can open at most ten in ten minutes. */
export function sessionRequests(owners: readonly SignedInOwner[]): () => Shot {
  let count = 0;
  return () => {
    count += 1;
    return {
      method: 'POST',
      path: '/v1/sessions',
      headers: {
        authorization: `Bearer ${owners[count % owners.length]?.token}`,
        'content-type': 'application/json',
      },
      body: '{"returnTo":"web"}',
    };
  };
}
