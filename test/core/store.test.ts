import { randomUUID } from 'node:crypto';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { ConnectionRow } from '../../functions/core/state/connection';
import { dynamoStore } from '../../functions/core/store/dynamo-store';
import { shardOf } from '../../functions/core/store/items';
import type { TokenRecord } from '../../functions/core/state/token-record';
import {
  AUTHORISED_LIMIT,
  type Claim,
  REFUSAL_LIMIT,
  RETURN_LOOKUP_LIMIT,
  type SessionRow,
} from '../../functions/core/state/session';
import type { Fingerprint, SessionFact, Store } from '../../functions/core/store/store';
import { fingerprintKey, itemKey } from '../../functions/core/store/table';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { connectTable } from '../../local/aws/dynamodb/tables';
import { memoryStore } from '../support/memory-store';

const NOON = Date.UTC(2026, 10, 22, 12);

const session: SessionRow = {
  owner: 'owner-1',
  id: 'session-1',
  sub: 'alice',
  flow: 'widget',
  returnTo: 'web',
  createdAt: NOON,
  expiresAt: NOON + 900_000,
  finishBy: NOON + 4_500_000,
  url: 'https://widget.example/1',
  stateHash: 'hash-of-state',
  terraSessionId: 'terra-session-1',
  authorised: {},
  dueAt: NOON + 4_500_001,
  purgeAt: NOON / 1000 + 172_800,
  version: 1,
};
const user = '40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad';
const returned: SessionFact = {
  kind: 'returned',
  at: NOON + 1,
  terraUserId: user,
  codeHash: 'hash-of-code',
  stateHash: 'hash-of-state',
  evidence: 'not_asked',
};
const garmin = (at: number) => ({ at, provider: 'GARMIN', firstAuthAt: at, lastAuthAt: at });
const authorised = (terraUserId: string, at: number, version: number): SessionFact => ({
  kind: 'authorised',
  at,
  terraUserId,
  authorisation: garmin(at),
  version,
});
const connection: ConnectionRow = {
  owner: 'owner-1',
  terraUserId: user,
  facts: {
    provider: 'GARMIN',
    firstAuthAt: NOON,
    auth: { at: NOON, via: 'session#session-1' },
    scopes: { at: NOON, list: [] },
  },
  ids: ['id-1'],
  history: [{ at: NOON, status: 'connected' }],
  updatedAt: NOON,
  version: NOON,
};
/** A key of the table, as a scan names where it goes on. */
const PLACE = JSON.stringify({ owner: { S: 'owner-1' }, item: { S: 'connection#1' } });
const tokenRecord: TokenRecord = {
  owner: 'owner-1',
  id: 'mint-1',
  sub: 'alice',
  createdAt: NOON,
  expiresAt: NOON + 180_000,
  purgeAt: NOON / 1000 + 172_800,
  version: 1,
};

// With LOCAL_DDB=java the suite runs on Amazon's own DynamoDB Local, started by hand: docs/testing.md says how.
const byHand = process.env.LOCAL_DDB === 'java' ? process.env.LOCAL_DDB_ENDPOINT : undefined;

let dynamo: { endpoint: string; tableName: string; close: () => Promise<void> };
let client: DynamoDBClient;
beforeAll(async () => {
  dynamo =
    byHand === undefined
      ? await startDynamoDb()
      : { endpoint: byHand, tableName: `terra-connect-${randomUUID()}`, close: async () => {} };
  client = new DynamoDBClient({
    endpoint: dynamo.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  if (byHand === undefined) return;
  const { TimeToLiveSpecification: _, ...table } = connectTable;
  const asked = { ...table, TableName: dynamo.tableName, BillingMode: 'PAY_PER_REQUEST' };
  await client.send(new CreateTableCommand(asked as CreateTableCommandInput));
});
afterAll(async () => {
  client.destroy();
  await dynamo.close();
});

let owners = 0;
describe.each([
  ['memory', (): Store => memoryStore()],
  ['DynamoDB', (): Store => dynamoStore(client, dynamo.tableName)],
])('the store on %s', (_kind, open) => {
  const world = async (...facts: SessionFact[]) => {
    const store = open();
    const owner = `owner-${++owners}`;
    await store.openSession({ ...session, owner });
    for (const fact of facts) await store.addSessionFact(owner, session.id, fact, undefined);
    return {
      store,
      owner,
      add: (fact: SessionFact, dueAt?: number, seenDueAt?: number) =>
        store.addSessionFact(owner, session.id, fact, dueAt, seenDueAt),
    };
  };

  test('an unknown owner has no records', async () => {
    expect(await open().load('nobody')).toEqual({
      owner: 'nobody',
      known: false,
      sessions: [],
      claims: [],
      tokenRecords: [],
      quotas: [],
      erasure: undefined,
      connections: [],
      unreadable: [],
    });
  });

  test('reading an owner returns all records of that owner and none of another', async () => {
    const { store, owner } = await world();
    await store.addTokenRecord({ ...tokenRecord, owner });
    await store.putConnection({ ...connection, owner }, undefined);
    await store.openSession({ ...session, owner: `${owner}-other` });

    const records = await store.load(owner);

    expect(records.known).toBe(true);
    expect(records.sessions).toEqual([{ ...session, owner }]);
    expect(records.tokenRecords).toEqual([{ ...tokenRecord, owner }]);
    expect(records.connections).toEqual([{ ...connection, owner }]);
  });

  test('a session is opened once under one id', async () => {
    const { store, owner } = await world();

    expect(await store.openSession({ ...session, owner })).toBe(false);
  });

  test('a return is written once, removes the link and keeps the due time', async () => {
    const { add } = await world();

    const first = await add(returned);
    const second = await add({ ...returned, at: NOON + 2, terraUserId: 'another' });

    expect(first.written).toBe(true);
    expect(first.session?.url).toBeUndefined();
    expect(first.session?.dueAt).toBe(session.dueAt);
    expect(second).toEqual({ written: false, session: first.session });
  });

  test.each<[string, SessionFact]>([
    ['with another state', { ...returned, stateHash: 'another' }],
    ['after its time', { ...returned, at: session.finishBy + 1 }],
  ])('a return %s is not written', async (_what, fact) => {
    const { add, store, owner } = await world();

    expect((await add(fact)).written).toBe(false);
    expect(await store.findSession(owner, session.id)).toEqual({ ...session, owner });
  });

  test('a fact of an unknown session is not written', async () => {
    expect(await open().addSessionFact('nobody', 'none', returned, undefined)).toEqual({
      written: false,
      session: undefined,
    });
  });

  test('a session that is due soon enough keeps its due time', async () => {
    const { add, store, owner } = await world();
    await add(authorised('one', NOON, 1), NOON + 10);

    const { written, session: after } = await add(authorised('two', NOON, 2), NOON + 20, NOON + 10);

    expect([written, after?.dueAt]).toEqual([true, NOON + 10]);
    expect((await store.due(shardOf(owner), NOON + 10)).due).toContainEqual(
      expect.objectContaining({ owner, item: `session#${session.id}` }),
    );
  });

  test.each<[string, number | undefined, number | undefined]>([
    ['was seen to be due later', session.dueAt, session.dueAt],
    ['was put off since it was seen', NOON + 5, session.dueAt],
    ['is due no more since it was seen', NOON + 5, undefined],
  ])('a session that %s becomes due as the fact requires', async (_what, seen, now) => {
    const { add, store, owner } = await world(returned);
    await store.reschedule(`session#${session.id}`, { owner, version: 2 }, now);

    const fact = { kind: 'redeemed', at: NOON + 3, codeHash: 'hash-of-code' } as const;

    expect(await add(fact, NOON + 20, seen)).toMatchObject({ written: true, session: { dueAt: NOON + 20 } });
  });

  test('a fact whose condition fails is not written, whatever the due time', async () => {
    const { add, store, owner } = await world(returned);
    const fact = { kind: 'redeemed', at: NOON + 3, codeHash: 'another' } as const;

    expect((await add(fact, NOON + 20, NOON + 5)).written).toBe(false);
    expect(await store.findSession(owner, session.id)).toMatchObject({ dueAt: session.dueAt });
  });

  test('a code is redeemed once, and only the right one', async () => {
    const { add } = await world(returned);

    expect((await add({ kind: 'redeemed', at: NOON + 3, codeHash: 'another' })).written).toBe(false);
    expect(
      (await add({ kind: 'redeemed', at: NOON + 3, codeHash: 'hash-of-code' }, NOON + 60_000)).session,
    ).toMatchObject({
      redeemed: { at: NOON + 3 },
      dueAt: NOON + 60_000,
    });
    expect((await add({ kind: 'redeemed', at: NOON + 4, codeHash: 'hash-of-code' })).written).toBe(false);
  });

  test('a code that a different user sent cannot be redeemed', async () => {
    const { add } = await world(returned, { kind: 'wrongOwner', at: NOON + 2, codeHash: 'hash-of-code' });

    expect((await add({ kind: 'redeemed', at: NOON + 3, codeHash: 'hash-of-code' })).written).toBe(false);
  });

  test('a redeemed session is rejected by another browser’s navigation, not by a different user', async () => {
    const { add } = await world(returned, { kind: 'redeemed', at: NOON + 3, codeHash: 'hash-of-code' });

    expect((await add({ kind: 'wrongOwner', at: NOON + 4, codeHash: 'hash-of-code' })).written).toBe(false);
    expect((await add({ kind: 'otherBrowser', at: NOON + 4, codeHash: 'another' })).written).toBe(false);
    expect((await add({ kind: 'otherBrowser', at: NOON + 4, codeHash: 'hash-of-code' })).session).toMatchObject({
      wrongOwner: { at: NOON + 4 },
    });
  });

  test('an unreadable row is postponed only while its due time is unchanged', async () => {
    const { store, owner, add } = await world();
    await add(returned, NOON + 60_000);
    const key = { owner, item: `session#${session.id}`, dueAt: NOON + 60_000 };
    const before = await store.findSession(owner, session.id);

    expect(await store.postpone({ ...key, dueAt: key.dueAt - 1 }, key.dueAt + 5)).toBe(false);
    expect(await store.postpone({ ...key, item: 'session#none' }, key.dueAt + 5)).toBe(false);
    expect(await store.postpone(key, key.dueAt + 5)).toBe(true);
    expect((await store.due(shardOf(owner), key.dueAt + 5)).due).toContainEqual({ ...key, dueAt: key.dueAt + 5 });
    expect(await store.findSession(owner, session.id)).toEqual({ ...before, dueAt: key.dueAt + 5 });
  });

  test('a return that requires a recorded authentication is written only with one', async () => {
    const { add } = await world();

    expect((await add({ ...returned, evidence: 'recorded' })).written).toBe(false);
    await add(authorised(user, NOON, 1));
    expect((await add({ ...returned, evidence: 'recorded' })).session?.returned).toMatchObject({ terraUserId: user });
  });

  test('a return adds the looked-up authentication, unless an event added one before', async () => {
    const found: SessionFact = { ...returned, evidence: { foundNow: { ...garmin(NOON), foundAt: NOON + 1 } } };

    expect((await (await world()).add(found)).session?.authorised).toEqual({
      [user]: { ...garmin(NOON), foundAt: NOON + 1 },
    });
    expect((await (await world(authorised(user, NOON, 1))).add(found)).written).toBe(false);
  });

  test('a return stores what identifies the browser', async () => {
    const browser = { cookieHash: 'hash-of-cookie', originHash: 'hash-of-origin' };

    expect((await (await world()).add({ ...returned, browser })).session?.returned?.browser).toEqual(browser);
  });

  test('lookups of one session are limited, and stop after its return', async () => {
    const asked: SessionFact = { kind: 'asked', at: NOON + 1, stateHash: 'hash-of-state' };
    const { add } = await world();

    expect((await add({ ...asked, stateHash: 'another' })).written).toBe(false);
    for (let n = 0; n < RETURN_LOOKUP_LIMIT; n++) expect((await add(asked)).written).toBe(true);
    expect((await add(asked)).written).toBe(false);
    expect((await (await world(returned)).add(asked)).written).toBe(false);
  });

  test('an authorisation is written at the version that was read, for a limited number of Terra users', async () => {
    const { add } = await world();

    expect((await add(authorised('user-0', NOON + 5, 1))).written).toBe(true);
    expect((await add(authorised('user-0', NOON + 6, 1))).written).toBe(false);
    expect((await add(authorised('user-0', NOON + 6, 2))).session?.authorised['user-0']).toEqual(garmin(NOON + 6));
    for (let n = 1; n < AUTHORISED_LIMIT; n++) {
      expect((await add(authorised(`user-${n}`, NOON, 2 + n))).written).toBe(true);
    }
    expect((await add(authorised('one-too-many', NOON, 2 + AUTHORISED_LIMIT))).written).toBe(false);
    expect((await add(authorised('user-0', NOON + 7, 2 + AUTHORISED_LIMIT))).written).toBe(true);
  });

  test('the Terra user that the browser returned with is always added', async () => {
    const { add } = await world();
    for (let n = 0; n < AUTHORISED_LIMIT; n++) await add(authorised(`user-${n}`, NOON, 1 + n));
    await add(returned);

    expect((await add(authorised(user, NOON, 2 + AUTHORISED_LIMIT))).session?.authorised[user]).toEqual(garmin(NOON));
  });

  test('a session is closed at the version that was judged, and accepts no facts afterwards', async () => {
    const { add } = await world();
    await add({ kind: 'refused', at: NOON + 1, terraUserId: undefined, cause: 'denied' });

    expect((await add({ kind: 'closed', at: NOON + 9, version: 1, purgeAt: 7 })).written).toBe(false);
    const closed = await add({ kind: 'closed', at: NOON + 9, version: 2, purgeAt: 7 });
    expect(closed.session).toMatchObject({
      closed: { at: NOON + 9 },
      cancelled: { at: NOON + 1, cause: 'denied' },
      purgeAt: 7,
    });
    expect(closed.session?.dueAt).toBeUndefined();
    expect((await add(returned)).written).toBe(false);
    expect((await add(authorised(user, NOON, 3))).written).toBe(false);
  });

  test('the first failure is kept, each refused Terra user is added once, and none after a return', async () => {
    const at = NOON + 1;
    const failed: SessionFact = { kind: 'failed', at, cause: 'denied', terraUserId: user, stateHash: 'hash-of-state' };
    const { add } = await world(failed);

    expect((await add({ ...failed, cause: 'unknown' })).written).toBe(false);
    expect((await add({ ...failed, cause: 'unknown', terraUserId: undefined })).written).toBe(false);
    expect((await add({ ...failed, cause: 'unknown', terraUserId: 'another' })).session).toMatchObject({
      failed: { at, cause: 'denied', terraUserId: user },
      refusedUsers: [user, 'another'],
    });
    expect((await add(returned)).written).toBe(true);
    expect((await (await world(returned)).add(failed)).written).toBe(false);
  });

  test('refusals that Terra reports are kept by Terra user or by time, once each, up to a limit, even after a return', async () => {
    const refused = (at: number, more: object = {}): SessionFact => ({
      kind: 'refused',
      at,
      terraUserId: undefined,
      cause: undefined,
      ...more,
    });
    const { add } = await world(returned);

    expect((await add(refused(NOON + 1))).session?.refusedAt).toEqual([NOON + 1]);
    expect((await add(refused(NOON + 1))).written).toBe(false);
    expect((await add(refused(NOON + 1, { cause: 'denied' }))).session?.cancelled).toEqual({
      at: NOON + 1,
      cause: 'denied',
    });
    for (let n = 3; n <= REFUSAL_LIMIT; n++) expect((await add(refused(NOON + n))).written).toBe(true);
    expect((await add(refused(NOON + REFUSAL_LIMIT + 1))).written).toBe(false);
    expect((await add(refused(NOON, { terraUserId: user }))).session?.refusedUsers).toEqual([user]);
    expect((await add(refused(NOON + 9, { terraUserId: user }))).written).toBe(false);
  });

  test('a connection is written only at the version that was read', async () => {
    const { store, owner } = await world();
    const row = { ...connection, owner };

    expect(await store.putConnection(row, { ...row, version: 7 })).toBe(false);
    expect(await store.putConnection(row, undefined)).toBe(true);
    expect(await store.putConnection({ ...row, version: NOON + 1 }, undefined)).toBe(false);
    expect(await store.putConnection({ ...row, version: NOON + 1 }, row)).toBe(true);
    expect(await store.putConnection({ ...row, version: NOON + 2 }, row)).toBe(false);
  });

  test('a token record is used by one Terra user', async () => {
    const { store, owner } = await world();
    await store.addTokenRecord({ ...tokenRecord, owner });
    const use = { terraUserId: user, at: NOON + 1, provider: 'APPLE' };
    const due = { dueAt: NOON + 60_000, purgeAt: 7 };

    expect(await store.useTokenRecord(owner, tokenRecord.id, use, due)).toMatchObject({ usedBy: use, ...due });
    expect((await store.useTokenRecord(owner, tokenRecord.id, { ...use, terraUserId: 'other' }, due))?.usedBy).toEqual(
      use,
    );
    expect(await store.useTokenRecord(owner, 'no-such-mint', use, due)).toBeUndefined();
  });

  test('of many simultaneous uses exactly the limit succeeds', async () => {
    const { store, owner } = await world();

    const counted = await Promise.all(Array.from({ length: 50 }, () => store.countUse(owner, 'mints', 1, 20, 0)));

    expect(counted.filter(Boolean)).toHaveLength(20);
    expect(await store.countUse(owner, 'mints', 2, 20, 0)).toBe(true);
  });

  test('a claim reserves a session until it is taken over or opened', async () => {
    const store = open();
    const claim: Claim = {
      owner: `owner-${++owners}`,
      id: session.id,
      sub: 'alice',
      bodyHash: 'hash',
      claimedAt: NOON,
      attempt: 'first',
      purgeAt: session.purgeAt,
    };
    const opened = { ...session, owner: claim.owner, bodyHash: 'hash' };

    expect(await store.claimSession(claim, undefined)).toBe(true);
    expect(await store.claimSession({ ...claim, attempt: 'second' }, undefined)).toBe(false);
    expect((await store.load(claim.owner)).claims).toEqual([claim]);
    expect(await store.claimSession({ ...claim, attempt: 'second' }, 'first')).toBe(true);
    expect(await store.openSession(opened, 'first')).toBe(false);
    expect(await store.openSession(opened, 'second')).toBe(true);
    expect(await store.openSession(opened, 'second')).toBe(false);
    expect(await store.claimSession({ ...claim, attempt: 'third' }, 'second')).toBe(false);
    expect(await store.load(claim.owner)).toMatchObject({ sessions: [opened], claims: [] });
  });

  test('the due index contains only due rows, earliest first', async () => {
    const { store, owner } = await world();
    await store.addTokenRecord({ ...tokenRecord, owner });
    await store.putConnection({ ...connection, owner, dueAt: NOON - 5 }, undefined);
    const dueBy = async (until: number) =>
      (await store.due(shardOf(owner), until)).due.filter(key => key.owner === owner).map(({ item }) => item);

    expect(await dueBy(NOON)).toEqual([itemKey.connection(user)]);
    expect(await dueBy(session.finishBy + 1)).toEqual([itemKey.connection(user), itemKey.session(session.id)]);
    expect(await store.reschedule(itemKey.connection(user), { owner, version: 1 }, undefined)).toBe(false);
    expect(await store.reschedule(itemKey.connection(user), { owner, version: NOON }, undefined)).toBe(true);
    expect(await store.reschedule(itemKey.session(session.id), { owner, version: 1 }, NOON - 1)).toBe(true);
    expect(await dueBy(NOON)).toEqual([itemKey.session(session.id)]);
  });

  test('a row is deleted only at the version that was read, and only if it exists', async () => {
    const { store, owner } = await world();
    await store.countUse(owner, 'mints', 1, 20, NOON);
    const { quotas } = await store.load(owner);

    expect(await store.remove(owner, itemKey.session(session.id), 2)).toBe(false);
    expect(await store.remove(owner, itemKey.session(session.id), 1)).toBe(true);
    expect(await store.remove(owner, itemKey.session(session.id), 1)).toBe(false);
    expect(await store.remove(owner, quotas[0] ?? '', undefined)).toBe(true);
    expect(await store.remove(owner, quotas[0] ?? '', undefined)).toBe(false);
    expect(await store.load(owner)).toMatchObject({ known: false });
  });

  test('a tombstone is replaced only by a newer request', async () => {
    const store = open();
    const erasure = { owner: `owner-${++owners}`, requestedAt: NOON, dueAt: NOON, purgeAt: 1, version: NOON };

    expect(await store.beginErasure(erasure)).toBe(true);
    expect(await store.beginErasure(erasure)).toBe(false);
    expect(await store.beginErasure({ ...erasure, requestedAt: NOON + 1, version: NOON + 1 })).toBe(true);
    expect((await store.load(erasure.owner)).erasure).toEqual({ ...erasure, requestedAt: NOON + 1, version: NOON + 1 });
    expect(await store.reschedule(itemKey.erasure, { owner: erasure.owner, version: NOON + 1 }, undefined)).toBe(true);
  });

  test('a scan returns every connection once and nothing else', async () => {
    const { store, owner } = await world();
    for (let n = 0; n < 60; n++)
      await store.putConnection({ ...connection, owner, terraUserId: `${user}-${n}` }, undefined);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.scanConnections(cursor);
      seen.push(...page.rows.filter(row => row.owner === owner).map(row => row.terraUserId));
      ({ cursor } = page);
    } while (cursor !== undefined);

    expect(seen).toHaveLength(60);
    expect(new Set(seen).size).toBe(60);
  });

  test('the place of the daily check is stored, and an older run cannot move it', async () => {
    const store = open();
    await store.saveReconcileProgress({ startedAt: NOON, cursor: PLACE, isDone: false });
    await store.saveReconcileProgress({ startedAt: NOON - 1, cursor: undefined, isDone: true });

    expect(await store.reconcileProgress()).toEqual({ startedAt: NOON, cursor: PLACE, isDone: false });
  });

  test('the ends to search for are written only at the version that was read', async () => {
    const store = open();
    const end = { terraUserId: user, reason: 'revoked', at: NOON, notedAt: NOON + 1 } as const;
    const ends = { ends: [end], purgeAt: NOON / 1000, version: 1 };
    const searched = { ends: [], search: { startedAt: NOON, cursor: '"here"' }, purgeAt: NOON / 1000, version: 2 };

    expect(await store.reportedEnds()).toBeUndefined();
    expect(await store.saveReportedEnds(ends, 0)).toBe(true);
    expect(await store.saveReportedEnds(ends, 0)).toBe(false);
    expect(await store.reportedEnds()).toEqual(ends);
    expect(await store.saveReportedEnds(searched, 1)).toBe(true);
    expect(await store.saveReportedEnds(ends, 1)).toBe(false);
    expect(await store.reportedEnds()).toEqual(searched);
  });

  test('the first fingerprint is stored', async () => {
    const store = open();
    await forget(store);

    expect(await store.findFingerprint()).toBeUndefined();
    expect(await store.rememberFingerprint({ key: 'first', naming: 'a' })).toEqual({ key: 'first', naming: 'a' });
    expect(await store.rememberFingerprint({ key: 'first', naming: 'b' })).toEqual({ key: 'first', naming: 'a' });
    expect(await store.rememberFingerprint({ key: 'second', naming: 'b' })).toEqual({ key: 'first', naming: 'a' });
    expect(await store.findFingerprint()).toEqual({ key: 'first', naming: 'a' });
  });

  test('a fingerprint of only the key is extended once, and only if the key is the same', async () => {
    const store = open();
    await forget(store);
    await rememberKeyOnly(store, 'first');

    expect(await store.findFingerprint()).toEqual({ key: 'first' });
    expect(await store.rememberFingerprint({ key: 'second', naming: 'b' })).toEqual({ key: 'first' });
    expect(await store.rememberFingerprint({ key: 'first', naming: 'a' })).toEqual({ key: 'first', naming: 'a' });
    expect(await store.rememberFingerprint({ key: 'first', naming: 'b' })).toEqual({ key: 'first', naming: 'a' });
    expect(await rememberKeyOnly(store, 'second')).toBe('first');
    expect(await store.findFingerprint()).toEqual({ key: 'first', naming: 'a' });
  });

  test('of simultaneous first fingerprints one is stored, and every caller gets it', async () => {
    const store = open();
    await forget(store);

    const told = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.rememberFingerprint({ key: 'first', naming: `${n}` })),
    );

    expect(new Set(told.map(({ naming }) => naming)).size).toBe(1);
    expect(await store.findFingerprint()).toEqual(told[0]);
  });
});

async function forget(store: Store): Promise<void> {
  await store.remove(fingerprintKey.owner, fingerprintKey.item, undefined);
}

/** Does what a version does that knows the key only; on DynamoDB by the very command of that version. Returns what it reads. */
async function rememberKeyOnly(store: Store, key: string): Promise<string | undefined> {
  if ('items' in store) return (await store.rememberFingerprint({ key } as Required<Fingerprint>)).key;
  const { Attributes } = await client.send(
    new UpdateItemCommand({
      TableName: dynamo.tableName,
      Key: { owner: { S: fingerprintKey.owner }, item: { S: fingerprintKey.item } },
      UpdateExpression: 'SET fingerprint = if_not_exists(fingerprint, :fingerprint)',
      ExpressionAttributeValues: { ':fingerprint': { S: key } },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return Attributes?.fingerprint?.S;
}
