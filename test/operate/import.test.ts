import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY, HOUR, MINUTE } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { matchByMap, readMap, matchBySubject } from '../../cli/owner/match-owner';
import { type ImportDeps, importUsers } from '../../cli/owner/import';
import { ownerCommand } from '../../cli/owner';
import type { SubscribedUser } from '../../cli/subscriptions';
import { journey, terraEvent } from '../support/journey';
import { NOON, referenceIdOf, terraUser, world } from '../support/world';
import { API_KEY, type RunningDeployment, runningDeployment } from './running';
import { run } from './terminal';

const user = (n: number, referenceId: string | undefined, more: Partial<SubscribedUser> = {}): SubscribedUser => ({
  terraUserId: terraUser(n),
  provider: 'GARMIN',
  referenceId,
  isActive: true,
  createdAt: NOON - 100 * DAY,
  scopes: ['DAILY'],
  ...more,
});

/** A world with these users at Terra, two a page, and an import of them. */
function importing(users: readonly SubscribedUser[], more: Partial<ImportDeps> = {}) {
  const here = world({ referenceId: 'subject' });
  for (const { terraUserId, provider, referenceId, createdAt } of users) {
    const told = { terraUserId, provider, referenceId, createdAt, scopes: undefined, authenticated: true };
    here.terra.users.set(terraUserId, told);
  }
  const asked: number[] = [];
  const deps: ImportDeps = {
    subscriptions: async page => {
      asked.push(page);
      const results = users.slice(page * 2, page * 2 + 2);
      return { users: results, unreadable: 0, next: (page + 1) * 2 < users.length ? page + 1 : undefined };
    },
    store: here.store,
    matchOwner: matchBySubject,
    rules: here.rules,
    clock: here.clock,
    apply: true,
    pace: async () => {},
    onPage: () => {},
    ...more,
  };
  return {
    here,
    asked,
    as: journey(here),
    go: (from = 0, again: Partial<ImportDeps> = {}) => importUsers(from, { ...deps, ...again }),
  };
}

test('an imported Terra user is connected, proved since its creation, and its subject is stored', async () => {
  const { here, go } = importing([user(1, 'alice')]);

  const { counts, samples } = await go();

  expect([counts.imported, samples]).toEqual([1, ['alice']]);
  const { connections } = await here.store.load('alice');
  expect(connections).toMatchObject([
    {
      sub: 'alice',
      facts: { auth: { at: NOON - 100 * DAY, via: 'import' }, proof: { at: NOON - 100 * DAY, via: 'import' } },
      history: [{ status: 'connected' }],
    },
  ]);
  expect(connections[0]).not.toHaveProperty('dueAt');
  expect(connections[0]).not.toHaveProperty('purgeAt');
});

test('a dry run counts the same and writes nothing', async () => {
  const { here, go } = importing([user(1, 'alice'), user(2, 'bob'), user(3, undefined)], { apply: false });

  const { counts, pages } = await go();

  expect([counts.imported, counts.no_reference_id, pages]).toEqual([2, 1, 2]);
  expect(here.store.items.size).toBe(0);
});

test('an imported Terra user survives every sweep', async () => {
  const { here, go, as } = importing([user(1, 'alice'), user(2, 'bob')]);
  await go(0, { matchOwner: await matchByMap([{ sub: 'alice', referenceId: undefined }], async sub => sub) });
  const before = structuredClone([...here.store.items.values()]);
  await as.deliver(terraEvent.auth(terraUser(2), { referenceId: 'bob' }));

  for (const time of [MINUTE, HOUR, HOUR, DAY, 30 * DAY, 365 * DAY]) {
    here.wait(time);
    await as.sweep();
  }

  expect(here.terra.asked('deauthenticate')).toEqual([]);
  expect([...here.terra.users.keys()]).toEqual([terraUser(1), terraUser(2)]);
  expect([...here.store.items.values()]).toEqual(before);
});

test('Terra’s later events about an imported Terra user are applied', async () => {
  const { here, go, as } = importing([user(1, 'alice')]);
  await go();

  expect(await as.deliver(terraEvent.data(terraUser(1), { referenceId: 'alice' }))).toBe('applied');
  here.wait(HOUR);
  expect(await as.deliver(terraEvent.revoked(terraUser(1), { referenceId: 'alice' }))).toBe('applied');

  const { connections } = await here.store.load('alice');
  expect(connections[0]?.history.map(({ status }) => status)).toEqual(['connected', 'disconnected']);
});

test('existing rows are not changed: repeating the import changes nothing, and an ended connection stays ended', async () => {
  const { here, go, as } = importing([user(1, 'alice'), user(2, 'bob')]);
  await go();
  await as.deliver(terraEvent.deauth(terraUser(1), { referenceId: 'alice' }));
  const before = structuredClone([...here.store.items.values()]);
  here.wait(DAY);

  const { counts } = await go();

  expect([counts.imported, counts.known]).toEqual([0, 2]);
  expect([...here.store.items.values()]).toEqual(before);
});

test('a user who connected before the import is recognized, even by a dry run', async () => {
  const { go, as } = importing([user(1, referenceIdOf('alice'))], { apply: false });
  await as.open('alice');
  await as.deliver(terraEvent.auth(terraUser(1), { session: 'terra-session-1' }));

  expect((await go()).counts).toMatchObject({ imported: 0, known: 1 });
});

test('a row that is created between reading and writing is not changed', async () => {
  const { here, go } = importing([user(1, 'alice')]);
  const late: ImportDeps['store'] = {
    load: owner => here.store.load(owner),
    putConnection: async (row, version) => {
      await here.store.putConnection({ ...row, ids: ['somebody-else-was-first'] }, undefined);
      return here.store.putConnection(row, version);
    },
  };

  const { counts } = await go(0, { store: late });

  expect(counts).toMatchObject({ imported: 0, known: 1 });
  expect((await here.store.load('alice')).connections[0]?.ids).toEqual(['somebody-else-was-first']);
});

test('an erased user is not imported', async () => {
  const { here, go, as } = importing([user(1, referenceIdOf('alice'))]);
  await as.open('alice');
  await as.erase('alice');
  const before = here.store.items.size;

  const { counts } = await go();

  expect([counts.erased, counts.imported]).toEqual([1, 0]);
  expect(here.store.items.size).toBe(before);
});

test.each([
  ['inactive', user(1, 'alice', { isActive: false })],
  ['no_reference_id', user(1, '')],
  ['not_an_owner', user(1, '#reference-key')],
  ['not_an_owner', user(1, '#reconcile')],
  ['not_an_owner', user(1, 'x'.repeat(256))],
] as const)('skipped as %s', async (fate, left) => {
  const { here, go } = importing([left]);

  expect((await go()).counts).toMatchObject({ [fate]: 1, imported: 0 });
  expect(here.store.items.size).toBe(0);
});

test('a map cannot name the keys of the table’s internal rows', async () => {
  const keys = ['#reference-key', '#reconcile', 'x'.repeat(256)];
  const lines = keys.map(sub => ({ sub, referenceId: undefined }));
  const { go, here } = importing(
    keys.map((key, n) => user(n, key)),
    { matchOwner: await matchByMap(lines, async sub => sub) },
  );

  expect((await go()).counts).toMatchObject({ not_an_owner: 3, imported: 0 });
  expect(here.store.items.size).toBe(0);
});

test('an interrupted import continues at its page', async () => {
  const { asked, go, here } = importing([1, 2, 3, 4, 5].map(n => user(n, `owner-${n}`)));
  let failures = 1;
  const { store } = here;
  const failing = async (owner: string) => {
    if (owner === 'owner-3' && failures-- > 0) throw new Problem('unavailable', 'away');
    return store.load(owner);
  };

  await expect(go(0, { store: { ...store, load: failing } })).rejects.toThrow('away');
  const { counts } = await go(1);

  expect(asked).toEqual([0, 1, 1, 2]);
  expect([counts.imported, store.items.size]).toEqual([3, 5]);
});

test('with opaque reference ids only the deployment’s own Terra users are imported, and only if they were confirmed', async () => {
  const opaque = { ...world().rules, referenceId: 'opaque' as const };
  const matchOwner = await matchByMap(
    [
      { sub: 'alice', referenceId: undefined },
      { sub: 'bob', referenceId: 'our-old-id-of-bob' },
    ],
    async sub => referenceIdOf(sub),
  );
  const { go, here } = importing([
    user(1, referenceIdOf('alice')),
    user(2, 'our-old-id-of-bob'),
    user(3, referenceIdOf('alice'), { createdAt: NOON - DAY }),
    user(4, referenceIdOf('alice'), { createdAt: undefined }),
    user(5, referenceIdOf('carol')),
  ]);

  const { counts } = await go(0, { rules: opaque, matchOwner });

  expect(counts).toMatchObject({ imported: 1, mapped_elsewhere: 1, too_young: 2, not_in_map: 1 });
  expect((await here.store.load(referenceIdOf('alice'))).connections.map(({ terraUserId }) => terraUserId)).toEqual([
    terraUser(1),
  ]);
});

test('a map is CSV with a heading, quotes and empty fields', () => {
  const text = '\uFEFFreference_id,sub\r\n,alice\r\n"a,b","say ""bob"""\n\nr3,carol\n';

  expect(readMap(text)).toEqual([
    { referenceId: undefined, sub: 'alice' },
    { referenceId: 'a,b', sub: 'say "bob"' },
    { referenceId: 'r3', sub: 'carol' },
  ]);
  expect(readMap('sub\nalice')).toEqual([{ referenceId: undefined, sub: 'alice' }]);
  expect(() => readMap('alice,bob\n')).toThrow(/first line of the map/);
  expect(() => readMap('reference_id,sub\nr1,\n')).toThrow(/Line 2 of the map/);
  expect(() => readMap('sub\na,b\n')).toThrow(/Line 2 of the map/);
});

describe('against the running stack', () => {
  let deployed: RunningDeployment;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'terra-connect-test-'));
    const many = Array.from({ length: 230 }, (_, n) => ({ referenceId: `other-${n}` }));
    deployed = await runningDeployment({ referenceId: 'subject' }, [
      { referenceId: 'alice' },
      { referenceId: 'bob', provider: 'OURA' },
      { referenceId: null },
      ...many,
    ]);
  });
  afterAll(async () => {
    await deployed.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const owner = (line: string) => run(ownerCommand, `${line} --local ${deployed.port} --rate 1000`);

  test('after a dry run and the import the app sees the connection, and both Terra users survive every sweep and check', async () => {
    const map = join(folder, 'map.csv');
    writeFileSync(map, 'sub\nalice\n');
    const alice = await deployed.person('alice');

    const dry = await owner('import');
    expect(await alice.connections()).toEqual([]);
    const { code, out, err } = await owner(`import --map ${map} --apply`);

    expect(dry.out).toMatch(
      /^Dry run, 2 page\(s\); nothing was written:\n +232 {2}imported as connected\n +1 {2}without/,
    );
    expect([code, out]).toEqual([0, expect.stringMatching(/^Imported, 2 page\(s\):\n +1 {2}imported as/)]);
    expect(await alice.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected', scopes: ['DAILY'] }]);

    for (const schedule of ['sweep-stale', 'reconcile', 'sweep-stale']) {
      expect((await deployed.running.invokeSchedule(schedule)).outcome).toMatchObject({ ok: true });
    }
    expect(deployed.sandbox.users().map(({ userId }) => userId)).toEqual(deployed.users.map(({ userId }) => userId));
    expect(await alice.connections()).toMatchObject([{ status: 'connected' }]);
    expect(dry.out + out + err).not.toContain(API_KEY);
  });

  test('if Terra fails during the import, the message says where to continue', async () => {
    deployed.sandbox.switchOn('503');

    const { code, err } = await owner('import --from-page 1');

    deployed.sandbox.switchOff('503');
    expect(code).toBe(1);
    expect(err).toMatch(/Stopped at page 1: Terra answered 503\.\n.*continue with --from-page 1\./);
  });
});
