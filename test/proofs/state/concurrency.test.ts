import { RETURN_LOOKUP_LIMIT } from '../../../functions/core/state/session';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { MINUTE } from '../../../functions/core/platform/clock';
import { dynamoStore } from '../../../functions/core/store/dynamo-store';
import type { Store } from '../../../functions/core/store/store';
import { startDynamoDb } from '../../../local/aws/dynamodb/dynamodb';
import { journey, terraEvent } from '../../support/journey';
import { codeOf, referenceIdOf, terraUser, world as newWorld } from '../../support/world';
import { size } from './proof';
import { clear } from './scenario';

let emulator: Awaited<ReturnType<typeof startDynamoDb>>;
let client: DynamoDBClient;
beforeAll(async () => {
  emulator = await startDynamoDb();
  client = new DynamoDBClient({
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
afterAll(async () => {
  client.destroy();
  await emulator.close();
});

const onDynamoDb = async (): Promise<Store> => {
  const store = dynamoStore(client, emulator.tableName);
  await clear(store);
  return store;
};

describe.each([
  ['memory', 1_000, async (): Promise<Store> => newWorld().store],
  ['DynamoDB', size(200, 1_000), onDynamoDb],
])('%s, %i simultaneous callers:', (_kind, many, open) => {
  const all = <T>(ask: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: many }, (_, n) => codeOf(ask(n))));
  const setting = async () => {
    const world = newWorld();
    const store = await open();
    return { world, store, go: journey({ ...world, store }) };
  };

  test('a user gets exactly as many tokens as the limit, and Terra is asked for no more', async () => {
    const { go, world, store } = await setting();

    const answers = await all(() => go.mint('alice'));

    expect(answers.filter(answer => answer === 'rate_limited')).toHaveLength(many - 10);
    expect(world.terra.asked('mintToken')).toHaveLength(10);
    expect((await store.load(referenceIdOf('alice'))).tokenRecords).toHaveLength(10);
  });

  test('one Idempotency-Key opens one session with one request to Terra', async () => {
    const { go, world, store } = await setting();

    const answers = await all(() => go.open('alice', {}, { 'idempotency-key': 'the-same' }));

    const others = answers.filter(answer => typeof answer === 'string');
    const opened = answers.filter(answer => typeof answer === 'object') as { id: string }[];
    // Those that come while the first is under way count against the quota too.
    expect([...new Set(others)].filter(code => code !== 'in_progress' && code !== 'rate_limited')).toEqual([]);
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
    expect(world.terra.asked('openWidget')).toHaveLength(1);
    expect((await store.load(referenceIdOf('alice'))).sessions).toHaveLength(1);
  });

  test('callbacks with different Terra users give one of them a code, at the latest after a reload', async () => {
    const { go, world } = await setting();
    const { state } = await go.open('alice');
    const codesOf = async () =>
      ((await all(n => go.comeBack(state, { user_id: terraUser(n % 10) }))) as { code?: string }[]).flatMap(
        ({ code }) => code ?? [],
      );

    const first = await codesOf();
    const again = await codesOf();

    expect(first.length).toBeGreaterThan(0);
    expect(again).toHaveLength(many / 10);
    expect(new Set([...first, ...again]).size).toBe(1);
    expect(world.terra.asked('findUser').length).toBeLessThanOrEqual(RETURN_LOOKUP_LIMIT);
  });

  test('simultaneous events about one connection are all recorded', async () => {
    const facts = [];
    for (const how of ['one by one', 'at once']) {
      const { go, world, store } = await setting();
      await go.open('alice');
      await go.deliver(terraEvent.auth(terraUser(1), { session: 'terra-session-1' }));
      world.wait(MINUTE);
      const { error, revoked, permissions, data } = terraEvent;
      const events = [
        error(terraUser(1)),
        permissions(terraUser(1), 'BODY'),
        data(terraUser(1)),
        revoked(terraUser(1)),
      ];
      const repeated = Array.from({ length: 12 }, (_, n) => async () => {
        const event = events[n % events.length] ?? {};
        // Terra repeats an event that could not be stored.
        while ((await codeOf(go.deliver(event, { ordering: world.clock() - n * 1_000 }))) === 'unavailable');
      });
      if (how === 'at once') await Promise.all(repeated.map(deliver => deliver()));
      else for (const deliver of repeated) await deliver();
      facts.push((await store.load(referenceIdOf('alice'))).connections[0]?.facts);
    }

    expect(facts[1]).toEqual(facts[0]);
  });

  test('one token proves one phone', async () => {
    const { go, store } = await setting();
    await go.mint('alice');

    await Promise.all([1, 2, 3, 4].map(n => go.deliver(terraEvent.auth(terraUser(n), { provider: 'APPLE' }))));

    const statuses = (await go.connections('alice')).map(({ status }) => status).toSorted();
    expect(statuses).toEqual(['connected', 'unconfirmed', 'unconfirmed', 'unconfirmed']);
    expect((await store.load(referenceIdOf('alice'))).tokenRecords).toHaveLength(1);
  });
});
