import { type Instant, MINUTE, SECOND } from '../../functions/core/platform/clock';
import type { ConnectionRow } from '../../functions/core/state/connection';
import type { TokenRecord } from '../../functions/core/state/token-record';
import { OWNER_ROWS } from '../../functions/core/state/owner-records';
import { AUTHORISED_LIMIT, REFUSAL_LIMIT, type SessionRow } from '../../functions/core/state/session';
import { itemKey } from '../../functions/core/store/table';
import { journey, terraEvent } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, world } from '../support/world';
import { startCountedTable } from './counted-table';
import type { OwnerCount } from './flow-counts';

const times = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const id = (kind: string, n: number) => `${kind}${n}`.padEnd(22, '-');
const HASH = 'h'.repeat(43);
const SCOPES = ['ACTIVITY', 'BODY', 'DAILY', 'MENSTRUATION', 'NUTRITION', 'SLEEP', 'ACTIVITY_WRITE', 'PLANNED_WORKOUT'];

/** What calls about one user need: of a user with one connection, and of one with as many rows as are kept, each as large as it gets. */
export async function countOwners(): Promise<OwnerCount[]> {
  const ordinary = await countOwner(1);
  const largest = await countOwner(OWNER_ROWS);
  return ordinary.map((count, at) => ({ ...count, ofLargest: largest[at]?.ofOrdinary ?? Number.NaN }));
}

async function countOwner(rows: number): Promise<OwnerCount[]> {
  const counted = await startCountedTable();
  try {
    const here = world();
    const steps = journey({ ...here, store: counted.store });
    const owner = referenceIdOf('lena');
    for (const n of times(rows)) {
      await counted.store.putConnection(largestConnection(owner, n, rows, here.clock()), undefined);
      await counted.store.openSession(largestSession(owner, n, rows, here.clock()));
      await counted.store.addTokenRecord(largestMint(owner, n, here.clock()));
    }
    here.wait(MINUTE);
    const known = { sub: 'lena', provider: 'GARMIN' };
    const calls: [string, () => Promise<unknown>][] = [
      ['a session', () => steps.session('lena', id('s', 0))],
      ['the list of connections', () => steps.connections('lena')],
      ['a data event', () => steps.deliver(terraEvent.data(terraUser(0), known))],
      ['an authentication that nothing asked for', () => steps.deliver(terraEvent.auth(terraUser(0), known))],
      ['a new session', () => codeOf(steps.open('lena'))],
      ['a disconnect', () => steps.disconnect('lena', id('c', 0))],
    ];
    const counts: OwnerCount[] = [];
    for (const [call, act] of calls) {
      const { readUnits } = await counted.count(act);
      counts.push({ call, ofOrdinary: readUnits, ofLargest: Number.NaN });
    }
    return counts;
  } finally {
    await counted.close();
  }
}

function largestSession(owner: string, n: number, rows: number, now: Instant): SessionRow {
  const users = times(Math.min(rows, AUTHORISED_LIMIT)).map(at => terraUser((n + at) % rows));
  const authorisation = {
    at: now,
    provider: 'GARMIN',
    scopes: SCOPES,
    createdAt: now,
    firstAuthAt: now,
    lastAuthAt: now,
  };
  const mark = { signedAt: now, bodyHash: 'b'.repeat(12), hasOwnTime: true };
  return {
    owner,
    id: id('s', n),
    sub: 'lena',
    flow: 'widget',
    returnTo: 'web',
    createdAt: now - MINUTE,
    expiresAt: now + 14 * MINUTE,
    finishBy: now + 74 * MINUTE,
    stateHash: HASH,
    bodyHash: HASH,
    terraSessionId: `terra-${id('s', n)}`,
    returned: {
      at: now,
      terraUserId: users[0] ?? '',
      codeHash: HASH,
      browser: { cookieHash: HASH, originHash: HASH },
    },
    redeemed: { at: now },
    authorised: Object.fromEntries(
      users.map(user => [user, { ...authorisation, isNamed: true as const, delivery: mark }]),
    ),
    ...(rows > 1 && {
      refusedUsers: times(REFUSAL_LIMIT - 1).map(at => terraUser(900 + at)),
      cancelled: { at: now, cause: 'provider_error' },
    }),
    purgeAt: Math.ceil(now / SECOND) + 172_800,
    version: 5,
  };
}

function largestConnection(owner: string, n: number, rows: number, now: Instant): ConnectionRow {
  const auth = { at: now, via: itemKey.session(id('s', n)) };
  const change = (at: number) => ({ at: now - at, status: 'unconfirmed' as const, reason: 'awaiting_confirmation' });
  return {
    owner,
    terraUserId: terraUser(n),
    sub: 'lena',
    facts: {
      provider: 'GARMIN',
      firstAuthAt: now,
      auth,
      proof: auth,
      scopes: { at: now, list: SCOPES },
      ...(rows > 1 && { error: { at: now }, data: { at: now }, seen: { at: now }, missed: { at: now - 1 } }),
    },
    ids: rows > 1 ? times(8).map(at => id('c', n + at * 1_000)) : [id('c', n)],
    history: rows > 1 ? times(20).map(change) : [change(1)],
    connectedAt: now,
    updatedAt: now,
    version: now,
  };
}

const largestMint = (owner: string, n: number, now: Instant): TokenRecord => ({
  owner,
  id: id('m', n),
  sub: 'lena',
  provider: 'HEALTH_CONNECT',
  createdAt: now,
  expiresAt: now + 3 * MINUTE,
  usedBy: { terraUserId: terraUser(n), at: now, provider: 'HEALTH_CONNECT' },
  purgeAt: Math.ceil(now / SECOND) + 21_600,
  version: 2,
});
