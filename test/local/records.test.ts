import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { ConnectionFacts } from '../../functions/core/state/connection';
import { type DynamoDb, startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { factJournal, recordsPage, type StoredRecords } from '../../local/demo/records';
import { factsOf } from '../../local/demo/record-facts';
import { serve } from './fixture';
import { CANARY, connection, fullRows, tokenRecord, NOON, session } from './full-rows';

const LATER = NOON + 60_000;

describe('a row’s facts', () => {
  test('every fact of a connection is listed', () => {
    const told = factsOf(connection).map(({ fact }) => fact);

    // Those without an event: they are listed with others, or have no time.
    const beside = ['provider', 'firstAuthAt', 'standsAgain'];
    expect([...told, ...beside].toSorted()).toEqual(Object.keys(ConnectionFacts.shape).toSorted());
  });

  test('every fact of a session is listed, with its time and details', () => {
    expect(factsOf(session).map(({ fact, at }) => [fact, at - NOON])).toEqual([
      ['created', 0],
      ['returned', 2000],
      ['authorised', 1000],
      ['redeemed', 3000],
      ['failed', 5000],
      ['cancelled', 5000],
      ['wrongOwner', 4000],
      ['refused', 5500],
      ['closed', 6000],
    ]);
    expect(factsOf(session)[1]).toEqual({
      record: 'session',
      id: 's1',
      fact: 'returned',
      at: NOON + 2000,
      says: { terraUserId: 'u1' },
    });
  });

  test('an absent fact is not listed', () => {
    const { returned: _, redeemed: __, ...rest } = session;

    expect(factsOf({ ...rest, authorised: {} }).map(({ fact }) => fact)).toEqual([
      'created',
      'failed',
      'cancelled',
      'wrongOwner',
      'refused',
      'closed',
    ]);
  });

  test('links, secrets and their hashes are not listed', () => {
    expect(JSON.stringify(fullRows)).toContain(CANARY);
    expect(JSON.stringify(fullRows.map(factsOf))).not.toContain(CANARY);
  });

  test('an unreadable row, a claim and a counter have no facts', () => {
    const claim = {
      owner: 'o',
      item: 'session#s2',
      id: 's2',
      sub: 'alice',
      bodyHash: CANARY,
      claimedAt: 1,
      attempt: 'a',
    };

    expect(factsOf({ ...connection, facts: 'poison' })).toEqual([]);
    expect(factsOf({ ...claim, purgeAt: 1 })).toEqual([]);
    expect(factsOf({ owner: 'o', item: 'quota#sessions#1', uses: 1 })).toEqual([]);
  });
});

describe('GET /_local/records', () => {
  let dynamodb: DynamoDb;
  let client: DynamoDBClient;
  let page: Awaited<ReturnType<typeof serve>>;
  let now = LATER;

  beforeAll(async () => {
    const journal = factJournal(() => now);
    // What lay there before this run began to listen: the journal does not hear of it.
    let isListening = false;
    dynamodb = await startDynamoDb({ onChange: change => isListening && journal.changed(change) });
    client = new DynamoDBClient({
      endpoint: dynamodb.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    const answers = recordsPage(dynamodb, journal);
    page = await serve((request, response) => {
      if (!answers(request, response)) response.writeHead(404).end();
    });

    const { returned: _, ...opened } = session;
    await put(opened);
    await put({ ...tokenRecord, owner: 'owner-2', sub: 'bob' });
    await put({ owner: 'owner-2', item: 'erasure', requestedAt: NOON, purgeAt: 1, version: 1 });
    isListening = true;
    await put(session);
    now = LATER + 1000;
    await put(connection);
    await put({ ...connection, version: 2, facts: { ...connection.facts, data: { at: NOON + 99_000 } } });
  });

  afterAll(async () => {
    await page.close();
    client.destroy();
    await dynamodb.close();
  });

  const put = (row: object) =>
    client.send(
      new PutItemCommand({ TableName: dynamodb.tableName, Item: marshall(row, { removeUndefinedValues: true }) }),
    );
  const ask = async (query: string, init?: RequestInit) => {
    const answer = await fetch(`${page.url}/_local/records${query}`, init);
    return { status: answer.status, body: (await answer.json().catch(() => undefined)) as StoredRecords };
  };

  test('returns what is stored about one user, and nothing about others', async () => {
    const alice = (await ask('?sub=alice')).body;
    const bob = (await ask('?sub=bob')).body;

    expect(alice.referenceIds).toEqual(['owner-1']);
    expect(new Set(alice.facts.map(({ record }) => record))).toEqual(new Set(['session', 'connection']));
    // A row without a subject is found by its owner.
    expect(bob.facts.map(({ record, fact }) => `${record} ${fact}`).toSorted()).toEqual([
      'erasure requested',
      'mint created',
      'mint usedBy',
    ]);
    expect((await ask('?sub=nobody')).body).toEqual({ referenceIds: [], facts: [] });
  });

  test('returns when a fact was written, if this run wrote it, in addition to the fact’s time', async () => {
    const { facts } = (await ask('?sub=alice')).body;
    const timesOf = (record: string, name: string) => {
      const { at, storedAt } = facts.find(known => known.record === record && known.fact === name) ?? {};
      return { at, storedAt };
    };

    expect(timesOf('session', 'created')).toEqual({ at: '2026-07-01T12:00:00.000Z', storedAt: undefined });
    expect(timesOf('session', 'returned')).toEqual({
      at: '2026-07-01T12:00:02.000Z',
      storedAt: '2026-07-01T12:01:00.000Z',
    });
    expect(timesOf('connection', 'auth')).toEqual({
      at: '2026-07-01T12:00:01.000Z',
      storedAt: '2026-07-01T12:01:01.000Z',
    });
    expect(timesOf('connection', 'data').at).toBe('2026-07-01T12:01:39.000Z');
  });

  test('requires a user, and accepts no other method', async () => {
    expect(await ask('')).toEqual({
      status: 400,
      body: { message: 'The parameter sub is missing, for example ?sub=alice' },
    });
    expect((await ask('?sub=alice', { method: 'POST' })).status).toBe(404);
  });

  test('contains no secret', async () => {
    expect(JSON.stringify((await ask('?sub=alice')).body)).not.toContain(CANARY);
  });
});

test('the journal keeps the newest two thousand changes, each with only the facts it added', () => {
  let now = 0;
  const journal = factJournal(() => ++now);
  const keys = { owner: { S: 'owner-1' } };
  const image = (version: number) => marshall({ ...tokenRecord, version }, { removeUndefinedValues: true }) as never;

  journal.changed({ table: 't', keys, before: undefined, after: image(1), expired: false });
  journal.changed({ table: 't', keys, before: image(1), after: image(2), expired: false });
  journal.changed({ table: 't', keys, before: image(2), after: undefined, expired: true });

  expect(journal.writtenOf('owner-1').map(({ at, fact }) => [at, fact.fact])).toEqual([
    [1, 'created'],
    [1, 'usedBy'],
  ]);
  expect(journal.writtenOf('owner-2')).toEqual([]);
  for (let more = 0; more < 2000; more++) {
    journal.changed({ table: 't', keys, before: image(1), after: image(2), expired: false });
  }
  expect(journal.writtenOf('owner-1')).toEqual([]);
});
