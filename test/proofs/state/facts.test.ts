import * as fc from 'fast-check';
import {
  type ConnectionFacts,
  connectionState,
  needsDeauthentication,
  mergeFacts,
} from '../../../functions/core/state/connection';
import { anyFacts, time, via } from './facts';
import { holds, same } from './proof';

const merged = (all: readonly ConnectionFacts[]) => all.reduce(mergeFacts, {});
const stateOf = (...facts: ConnectionFacts[]) => connectionState(merged(facts));
const isLive = (facts: ConnectionFacts) => ['connected', 'error'].includes(connectionState(facts).status);
const newestEnd = ({ gone, disconnect }: ConnectionFacts) => Math.max(gone?.at ?? 0, disconnect?.at ?? 0);

describe('facts of a connection', () => {
  test('merge to the same value in any order, in any grouping and with repetitions', async () => {
    await holds(
      fc.property(anyFacts, anyFacts, anyFacts, (a, b, c) => {
        const all = mergeFacts(mergeFacts(a, b), c);
        expect(same(mergeFacts(c, mergeFacts(b, a)), all)).toBe(true);
        same(mergeFacts(mergeFacts(c, a), b), all);
        same(mergeFacts(all, b), all);
        same(mergeFacts(a, a), a);
      }),
      4_000,
      150_000,
    );
  });

  test('only grow', async () => {
    await holds(
      fc.property(anyFacts, anyFacts, (a, b) => {
        const after = mergeFacts(a, b);
        for (const kind of ['auth', 'proof', 'gone', 'error', 'data', 'scopes', 'disconnect', 'wrongOwner'] as const) {
          expect(after[kind]?.at ?? 0).toBe(Math.max(a[kind]?.at ?? 0, b[kind]?.at ?? 0));
        }
      }),
      1_000,
      50_000,
    );
  });
});

describe('a status', () => {
  const statuses = fc.array(anyFacts, { minLength: 1, maxLength: 4 }).map(merged);
  const always = (claim: (facts: ConnectionFacts) => void) => holds(fc.property(statuses, claim), 2_000, 100_000);

  test('is live only with Terra’s authentication, and with a proof newer than every end (I1, I8, I9)', () =>
    always(facts => {
      if (!isLive(facts)) return;
      expect(facts.auth).toBeDefined();
      expect(facts.proof?.at ?? 0).toBeGreaterThan(newestEnd(facts));
    }));

  test('is never live again once a different user sent the code (I2)', () =>
    always(facts => {
      const { status } = connectionState({ ...facts, wrongOwner: { at: 1 } });
      expect(['disconnecting', 'disconnected', 'superseded', 'unseen', 'unwanted']).toContain(status);
    }));

  test('is not live if an end is as new as the newest authentication (I3, I5)', () =>
    always(facts => {
      expect(isLive(facts) && newestEnd(facts) >= (facts.auth?.at ?? 0)).toBe(false);
    }));

  test('is not live once another Terra user superseded it (I4)', () =>
    always(facts => {
      expect(isLive({ ...facts, supersededBy: { at: 1, terraUserId: 'a' } })).toBe(false);
    }));

  test('is disconnected after the newest authentication ended, unless it is not shown (I6)', () =>
    always(({ supersededBy: _, ...facts }) => {
      const gone = { at: Math.max(8, facts.auth?.at ?? 0), reason: 'revoked' as const };
      const { status } = connectionState({ ...facts, gone });
      expect(status).toBe(facts.auth ? 'disconnected' : 'unseen');
    }));

  test('asks Terra to end a Terra user only after the deployment decided so (I13)', () =>
    always(facts => {
      const isDecided = (facts.disconnect ?? facts.wrongOwner) !== undefined;
      expect(needsDeauthentication(connectionState(facts)) && !isDecided).toBe(false);
    }));

  test('is not reopened by data, by permissions or by an older authentication', async () => {
    await holds(
      fc.property(statuses, time, via, (facts, at, by) => {
        if (isLive(facts)) return;
        expect(isLive(mergeFacts(facts, { data: { at: at + 9 }, scopes: { at: at + 9, list: [] } }))).toBe(false);
        if (at <= newestEnd(facts)) expect(isLive(mergeFacts(facts, { auth: { at, via: by } }))).toBe(false);
      }),
      2_000,
      100_000,
    );
  });

  test('a new authentication without a proof makes an ended connection unconfirmed, in either order', () => {
    const proved = { auth: { at: 1, via: 'session#1' }, proof: { at: 1, via: 'session#1' } };
    const ended = { gone: { at: 2, reason: 'revoked' as const } };
    const again = { auth: { at: 3, via: 'session#2' } };

    expect(stateOf(proved, ended, again)).toEqual({ status: 'unconfirmed', reason: 'awaiting_confirmation' });
    expect(stateOf(again, proved, ended)).toEqual({ status: 'unconfirmed', reason: 'awaiting_confirmation' });
  });
});
