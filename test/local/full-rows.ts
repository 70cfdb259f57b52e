import type { ConnectionRow } from '../../functions/core/state/connection';
import type { ErasureRow } from '../../functions/core/state/tombstone';
import type { TokenRecord } from '../../functions/core/state/token-record';
import type { SessionRow } from '../../functions/core/state/session';

/** What must never be shown: the rows below hold it wherever they hold a link, a secret or a hash of one. */
export const CANARY = 'canary';

export const NOON = Date.parse('2026-07-01T12:00:00Z');

/** A session with every fact a session can have. */
export const session: SessionRow & { item: string } = {
  owner: 'owner-1',
  item: 'session#s1',
  id: 's1',
  sub: 'alice',
  flow: 'direct',
  providers: ['GARMIN'],
  returnTo: 'web',
  createdAt: NOON,
  expiresAt: NOON + 900_000,
  finishBy: NOON + 4_500_000,
  url: `https://terra.example/${CANARY}`,
  stateHash: CANARY,
  bodyHash: CANARY,
  terraSessionId: CANARY,
  terraUserId: 'u1',
  returned: {
    at: NOON + 2000,
    terraUserId: 'u1',
    codeHash: CANARY,
    browser: { cookieHash: CANARY, originHash: CANARY },
  },
  refusedUsers: ['u9'],
  refusedAt: [NOON + 5500],
  asked: 1,
  redeemed: { at: NOON + 3000 },
  authorised: { u1: { at: NOON + 1000, provider: 'GARMIN', scopes: ['daily'] } },
  wrongOwner: { at: NOON + 4000 },
  failed: { at: NOON + 5000, cause: 'denied' },
  cancelled: { at: NOON + 5000, cause: 'denied' },
  closed: { at: NOON + 6000 },
  purgeAt: 1,
  version: 1,
};

/** A connection with every fact a connection can have. */
export const connection: ConnectionRow & { item: string } = {
  owner: 'owner-1',
  item: 'connection#u1',
  terraUserId: 'u1',
  sub: 'alice',
  facts: {
    provider: 'GARMIN',
    firstAuthAt: NOON + 1000,
    auth: { at: NOON + 1000, via: 'session#s1' },
    proof: { at: NOON + 1000, via: 'session#s1' },
    gone: { at: NOON + 9000, reason: 'agreed' },
    error: { at: NOON + 4000 },
    data: { at: NOON + 5000 },
    reported: { at: NOON + 5000, via: '' },
    missed: { at: NOON + 6000 },
    seen: { at: NOON + 6500 },
    scopes: { at: NOON + 1000, list: ['daily'] },
    disconnect: { at: NOON + 8000, reason: 'owner' },
    wrongOwner: { at: NOON + 7000 },
    disproved: { at: NOON + 7200 },
    attempt: { at: NOON + 8500 },
    supersededBy: { at: NOON + 7500, terraUserId: 'u2' },
  },
  ids: ['c1'],
  history: [],
  updatedAt: NOON,
  version: 1,
};

export const tokenRecord: TokenRecord & { item: string } = {
  owner: 'owner-1',
  item: 'mint#m1',
  id: 'm1',
  sub: 'alice',
  provider: 'APPLE',
  createdAt: NOON,
  expiresAt: NOON + 180_000,
  usedBy: { terraUserId: 'u3', at: NOON + 1000, provider: 'APPLE' },
  purgeAt: 1,
  version: 1,
};

export const erasure: ErasureRow & { item: string } = {
  owner: 'owner-1',
  item: 'erasure',
  requestedAt: NOON,
  purgeAt: 1,
  version: 1,
};

export const fullRows = [session, connection, tokenRecord, erasure];
