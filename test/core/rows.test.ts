import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ConnectionRow } from '../../functions/core/state/connection';
import { dynamoStore } from '../../functions/core/store/dynamo-store';
import type { RowFindings } from '../../functions/core/store/items';
import { newErasure } from '../../functions/core/state/tombstone';
import type { TokenRecord } from '../../functions/core/state/token-record';
import type { Claim, SessionRow } from '../../functions/core/state/session';
import type { Store } from '../../functions/core/store/store';
import { fingerprintKey, itemKey, reconcileKey, SCHEMA } from '../../functions/core/store/table';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { memoryStore } from '../support/memory-store';

const NOON = Date.UTC(2026, 10, 22, 12);
const USER = '40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad';
const OTHER = '50f7b0e1-89e2-43ac-a5b8-1e29c8d47cad';

type Row = Record<string, unknown> & { owner: string; item: string };
/** A store, and its rows as they lie in it. */
type Table = {
  store: Store;
  put: (row: Row) => Promise<void>;
  get: (row: Pick<Row, 'owner' | 'item'>) => Promise<Row>;
};

let dynamo: { endpoint: string; tableName: string; close: () => Promise<void> };
let client: DynamoDBClient;
beforeAll(async () => {
  dynamo = await startDynamoDb();
  const { endpoint } = dynamo;
  client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
afterAll(async () => {
  client.destroy();
  await dynamo.close();
});

function inMemory(found: (findings: RowFindings) => void): Table {
  const store = memoryStore({ found });
  const keyOf = ({ owner, item }: Pick<Row, 'owner' | 'item'>) => JSON.stringify([owner, item]);
  return {
    store,
    put: async row => void store.items.set(keyOf(row), row),
    get: async row => store.items.get(keyOf(row)) as Row,
  };
}

function onDynamo(found: (findings: RowFindings) => void): Table {
  const TableName = dynamo.tableName;
  return {
    store: dynamoStore(client, TableName, found),
    put: async row => void (await client.send(new PutItemCommand({ TableName, Item: marshall(row) }))),
    get: async ({ owner, item }) => {
      const { Item } = await client.send(new GetItemCommand({ TableName, Key: marshall({ owner, item }) }));
      return (Item && unmarshall(Item)) as Row;
    },
  };
}

let owners = 0;
const LATER = { schema: SCHEMA + 1, tags: { team: 'blue' } };
const session = (owner: string): SessionRow => ({
  owner,
  id: 's',
  sub: 'alice',
  flow: 'widget',
  returnTo: 'web',
  createdAt: NOON,
  expiresAt: NOON + 900_000,
  finishBy: NOON + 4_500_000,
  stateHash: 'hash',
  authorised: {},
  dueAt: NOON + 4_500_001,
  purgeAt: 1_900_000_000,
  version: 1,
});
const connection = (owner: string): ConnectionRow => ({
  owner,
  terraUserId: USER,
  facts: {
    provider: 'GARMIN',
    firstAuthAt: NOON,
    auth: { at: NOON, via: 'session#s' },
    disconnect: { at: 1, reason: 'owner' },
  },
  ids: ['id-1'],
  history: [{ at: NOON, status: 'unconfirmed' }],
  updatedAt: NOON,
  version: NOON,
});
const mint = (owner: string): TokenRecord => ({
  owner,
  id: 'm',
  sub: 'alice',
  createdAt: NOON,
  expiresAt: NOON + 180_000,
  purgeAt: 1_900_000_000,
  version: 1,
});
const claim = (owner: string): Claim => ({
  owner,
  id: 's',
  sub: 'alice',
  bodyHash: 'hash',
  claimedAt: NOON,
  attempt: 'first',
  purgeAt: 1_900_000_000,
});

describe.each([
  ['memory', inMemory],
  ['DynamoDB', onDynamo],
])('rows on %s', (_kind, open) => {
  const given = () => {
    const findings: RowFindings[] = [];
    return { ...open(each => findings.push(each)), findings, owner: `owner-${++owners}` };
  };

  describe('of a later version survive every write', () => {
    const authorise = { kind: 'authorised', at: NOON, terraUserId: USER, version: 1 } as const;
    const returned = {
      kind: 'returned',
      at: NOON,
      terraUserId: USER,
      codeHash: 'code',
      stateHash: 'hash',
      evidence: 'not_asked',
    } as const;
    const writes: [string, (owner: string) => Row, (store: Store, owner: string) => Promise<unknown>][] = [
      [
        'a fact of a session',
        owner => ({ ...session(owner), item: itemKey.session('s') }),
        (store, owner) => store.addSessionFact(owner, 's', returned, NOON),
      ],
      [
        'the end of a session',
        owner => ({ ...session(owner), item: itemKey.session('s') }),
        (store, owner) =>
          store.addSessionFact(owner, 's', { kind: 'closed', at: NOON, version: 1, purgeAt: NOON / 1000 }, undefined),
      ],
      [
        'the authorisation of a session',
        owner => ({ ...session(owner), item: itemKey.session('s') }),
        (store, owner) =>
          store.addSessionFact(owner, 's', { ...authorise, authorisation: { at: NOON, provider: 'GARMIN' } }, NOON),
      ],
      [
        'another look at a row',
        owner => ({ ...session(owner), item: itemKey.session('s') }),
        (store, owner) => store.reschedule(itemKey.session('s'), { owner, version: 1 }, NOON),
      ],
      [
        'no further look at a row',
        owner => ({ ...session(owner), item: itemKey.session('s') }),
        (store, owner) => store.reschedule(itemKey.session('s'), { owner, version: 1 }, undefined),
      ],
      [
        'the use of a token',
        owner => ({ ...mint(owner), item: itemKey.mint('m') }),
        (store, owner) =>
          store.useTokenRecord(
            owner,
            'm',
            { terraUserId: USER, at: NOON, provider: 'APPLE' },
            { dueAt: NOON, purgeAt: NOON / 1000 },
          ),
      ],
      [
        'a newer erasure',
        owner => ({ ...newErasure(owner, NOON), item: itemKey.erasure }),
        (store, owner) => store.beginErasure(newErasure(owner, NOON + 1)),
      ],
      [
        'a counted use',
        owner => ({ owner, item: itemKey.quota('sessions', 1), used: 1 }),
        (store, owner) => store.countUse(owner, 'sessions', 1, 9, 1_900_000_000),
      ],
      [
        'a claim taken over',
        owner => ({ ...claim(owner), item: itemKey.session('s') }),
        (store, owner) => store.claimSession({ ...claim(owner), attempt: 'second' }, 'first'),
      ],
      [
        'a session opened under a claim',
        owner => ({ ...claim(owner), item: itemKey.session('s') }),
        (store, owner) => store.openSession(session(owner), 'first'),
      ],
    ];
    test.each(writes)('%s', async (_what, row, write) => {
      const { store, put, get, owner } = given();
      const stored = { ...row(owner), ...LATER };
      await put(stored);

      await write(store, owner);

      const after = await get(stored);
      expect(after).toMatchObject(LATER);
      expect(after).not.toEqual(stored);
    });

    test('a connection: attributes, facts, what is within other facts, and notes in its history', async () => {
      const { store, put, get, owner } = given();
      const row = connection(owner);
      const stored = {
        ...row,
        ...LATER,
        item: itemKey.connection(USER),
        facts: { ...row.facts, quiet: { at: 7 }, disconnect: { at: 1, reason: 'moved', by: 'server' } },
        history: [{ at: NOON, status: 'dormant', by: 'server' }],
      };
      await put(stored);
      const [read] = (await store.load(owner)).connections;
      if (!read) throw new Error('the row was not read');

      const history = [...read.history, { at: NOON + 1, status: 'connected' as const }];
      const next = { ...read, facts: { ...read.facts, data: { at: NOON + 1 } }, history, version: NOON + 1 };
      expect(await store.putConnection(next, read)).toBe(true);

      expect(await get(stored)).toEqual({
        ...stored,
        facts: { ...stored.facts, data: { at: NOON + 1 } },
        history: [...stored.history, { at: NOON + 1, status: 'connected' }],
        version: NOON + 1,
      });
    });
  });

  test('a row stores the schema version that wrote it, and a later version’s write raises it', async () => {
    const { store, put, get, owner } = given();
    await store.openSession(session(owner));
    await store.addTokenRecord(mint(owner));
    await store.putConnection(connection(owner), undefined);
    for (const item of [itemKey.session('s'), itemKey.mint('m'), itemKey.connection(USER)])
      expect(await get({ owner, item })).toHaveProperty('schema', SCHEMA);

    await put({ ...mint(owner), item: itemKey.mint('m'), schema: SCHEMA - 1 });
    await store.useTokenRecord(
      owner,
      'm',
      { terraUserId: USER, at: NOON, provider: 'APPLE' },
      { dueAt: NOON, purgeAt: NOON / 1000 },
    );
    expect(await get({ owner, item: itemKey.mint('m') })).toHaveProperty('schema', SCHEMA);
  });

  const unreadable: [string, (owner: string) => Row][] = [
    [
      'a session with a time that is none',
      owner => ({ ...session(owner), item: itemKey.session('s'), createdAt: 'noon' }),
    ],
    ['a claim without its attempt', owner => ({ owner, item: itemKey.session('s'), id: 's' })],
    ['a token record without its end', owner => ({ ...mint(owner), item: itemKey.mint('m'), expiresAt: null })],
    [
      'a connection whose facts are none',
      owner => ({ ...connection(owner), item: itemKey.connection(USER), facts: 'poison' }),
    ],
    ['a connection under the key of another', owner => ({ ...connection(owner), item: itemKey.connection('another') })],
    ['a tombstone without its time', owner => ({ owner, item: itemKey.erasure, version: 1 })],
    ['a row of a kind of tomorrow', owner => ({ owner, item: 'invitation#1', createdAt: NOON })],
  ];
  test.each(unreadable)('that cannot be read are found and counted, and stop no others: %s', async (_what, row) => {
    const { store, put, findings, owner } = given();
    const stored = row(owner);
    await put(stored);
    await store.putConnection({ ...connection(owner), terraUserId: OTHER }, undefined);

    const records = await store.load(owner);

    expect(records.connections.map(({ terraUserId }) => terraUserId)).toEqual([OTHER]);
    expect(records.unreadable).toEqual([{ item: stored.item, stored }]);
    expect(findings).toEqual([{ unreadableRows: 1, laterValues: 0 }]);
    const rows: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.scanConnections(cursor);
      rows.push(...page.rows.map(each => each.owner));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(rows).toContain(owner);
    expect((await store.scanUnreadable(undefined)).unreadable).toContainEqual({ owner, item: stored.item });
  });

  test('that cannot be read are never overwritten', async () => {
    const { store, put, get, owner } = given();
    const rows = [
      { ...session(owner), item: itemKey.session('s'), flow: 7 },
      { ...mint(owner), item: itemKey.mint('m'), sub: 7 },
      { ...connection(owner), item: itemKey.connection(USER), ids: 7 },
    ];
    for (const row of rows) await put(row);

    expect(await store.openSession(session(owner))).toBe(false);
    expect(await store.claimSession(claim(owner), undefined)).toBe(false);
    expect(await store.addTokenRecord(mint(owner))).toBe(false);
    expect(await store.putConnection(connection(owner), undefined)).toBe(false);

    for (const row of rows) expect(await get(row)).toEqual(row);
    expect(await store.findSession(owner, 's')).toBeUndefined();
    const redeemed = { kind: 'redeemed', at: NOON, codeHash: 'none' } as const;
    expect(await store.addSessionFact(owner, 's', redeemed, NOON)).toEqual({ written: false, session: undefined });
  });

  test('a tombstone that cannot be read is repaired by a new erasure request', async () => {
    const { store, put, owner } = given();
    await put({ owner, item: itemKey.erasure, requestedAt: 'noon', ...LATER });

    expect(await store.beginErasure(newErasure(owner, NOON))).toBe(true);

    expect((await store.load(owner)).erasure).toEqual({ ...newErasure(owner, NOON), schema: LATER.schema });
  });

  test('unknown values of a later version are counted and kept', async () => {
    const { store, put, findings, owner } = given();
    await put({ ...session(owner), item: itemKey.session('s'), flow: 'invitation' });

    expect((await store.load(owner)).sessions[0]?.flow).toBe('invitation');
    expect(findings).toEqual([{ unreadableRows: 0, laterValues: 1 }]);
  });
});

describe('the place of the daily check on DynamoDB', () => {
  test.each([
    ['has no time', { startedAt: 'yesterday', isDone: false }],
    ['goes on from what is no key', { startedAt: 1, isDone: false, cursor: '"here"' }],
    ['goes on from what is no text', { startedAt: 1, isDone: false, cursor: 7 }],
    ['does not say whether it is done', { startedAt: 1 }],
  ])('that %s counts as absent, is counted, and is overwritten', async (_what, stored) => {
    const findings: RowFindings[] = [];
    const { store, put } = onDynamo(each => findings.push(each));
    await put({ ...reconcileKey, ...stored });

    expect(await store.reconcileProgress()).toBeUndefined();
    expect(findings).toEqual([{ unreadableRows: 1, laterValues: 0 }]);
    expect((await store.scanUnreadable(undefined)).unreadable).toContainEqual({ ...reconcileKey });

    await store.saveReconcileProgress({ startedAt: NOON, cursor: undefined, isDone: true });
    expect(await store.reconcileProgress()).toEqual({ startedAt: NOON, cursor: undefined, isDone: true });
  });
});

test('the place of the daily check and the fingerprint keep attributes of a later version', async () => {
  const { store, put, get } = onDynamo(() => {});
  await put({ ...reconcileKey, startedAt: 1, isDone: true, ...LATER });
  await put({ ...fingerprintKey, fingerprint: 'key', ...LATER });

  await store.saveReconcileProgress({ startedAt: 2, cursor: undefined, isDone: false });
  await store.rememberFingerprint({ key: 'key', naming: 'opaque' });

  expect(await get(reconcileKey)).toMatchObject({ ...LATER, startedAt: 2, isDone: false });
  expect(await get(fingerprintKey)).toMatchObject({ ...LATER, fingerprint: 'key', naming: 'opaque' });
});

test('a number too large for JavaScript makes only its own row unreadable', async () => {
  const { store, put, owner } = { ...onDynamo(() => {}), owner: `owner-${++owners}` };
  await put({ ...connection(owner), item: itemKey.connection(USER) });
  const Item = { owner: { S: owner }, item: { S: itemKey.mint('m') }, createdAt: { N: '99999999999999999999999' } };
  await client.send(new PutItemCommand({ TableName: dynamo.tableName, Item }));

  const records = await store.load(owner);

  expect(records.connections).toHaveLength(1);
  expect(records.unreadable.map(({ item }) => item)).toEqual([itemKey.mint('m')]);
});
