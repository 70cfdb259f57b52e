import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { type Bus, startBus } from '../../local/aws/eventbridge/bus';
import { serve } from './fixture';

let bus: Bus;
let client: EventBridgeClient;
beforeEach(async () => {
  bus = await startBus({ names: ['bus-1'] });
  client = new EventBridgeClient({
    endpoint: bus.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await bus.close();
});

const entry = (more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
  EventBusName: 'bus-1',
  Source: 'terra-connect',
  DetailType: 'connection.connected',
  Detail: '{"n":1}',
  Time: new Date('2026-11-22T12:00:00Z'),
  ...more,
});
const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));

test('an event is kept in the form that a rule’s target receives', async () => {
  const { FailedEntryCount, Entries } = await put(entry());

  expect(FailedEntryCount).toBe(0);
  expect(bus.events()).toEqual([
    {
      version: '0',
      id: Entries?.[0]?.EventId,
      'detail-type': 'connection.connected',
      source: 'terra-connect',
      account: '000000000000',
      time: '2026-11-22T12:00:00Z',
      region: 'us-east-1',
      resources: [],
      detail: { n: 1 },
      bus: 'bus-1',
    },
  ]);
});

test('each entry is accepted or refused by itself', async () => {
  const { FailedEntryCount, Entries } = await put(
    entry({ Detail: '{' }),
    entry(),
    entry({ DetailType: undefined }),
    entry({ Source: 'aws.made-up' }),
    entry({ EventBusName: 'another' }),
    entry({ EventBusName: 'arn:aws:events:us-east-1:000000000000:event-bus/bus-1' }),
  );

  expect(FailedEntryCount).toBe(4);
  expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'MalformedDetail',
    undefined,
    'InvalidArgument',
    'NotAuthorizedForSource',
    'InvalidArgument',
    undefined,
  ]);
  expect(bus.events()).toHaveLength(2);
});

test('a call with more than ten entries or 256 KB is refused completely', async () => {
  await expect(put(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await expect(put(entry(), entry({ Detail: `"${'x'.repeat(270_000)}"` }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  expect(bus.events()).toEqual([]);
});

test('the last thousand events are kept, and shown at the local API', async () => {
  for (let call = 0; call < 101; call++) {
    await put(...Array.from({ length: 10 }, (_, n) => entry({ Detail: `{"n":${call * 10 + n}}` })));
  }
  const page = await serve((request, response) => {
    if (!bus.answers(request, response)) response.writeHead(404).end();
  });

  const shown = await fetch(`${page.url}/_local/events?x=1`);
  const { events } = (await shown.json()) as { events: { detail: { n: number } }[] };

  expect([events.length, events[0]?.detail.n, events.at(-1)?.detail.n]).toEqual([1000, 10, 1009]);
  expect((await fetch(`${page.url}/other`)).status).toBe(404);
  expect((await fetch(`${page.url}/_local/events`, { method: 'POST' })).status).toBe(404);
  await page.close();
});

test('the page shows the events of one user on request, with their arrival times', async () => {
  const of = (sub: string) => JSON.stringify({ owner: { sub, referenceId: `r-${sub}` } });
  const before = Date.now();
  await put(entry({ Detail: of('alice') }), entry({ Detail: of('bob') }), entry(), entry({ Detail: '{"owner":null}' }));
  const page = await serve((request, response) => void bus.answers(request, response));

  const asked = async (query: string) =>
    (await (await fetch(`${page.url}/_local/events${query}`)).json()) as {
      events: { detail: { owner: { sub: string } } }[];
      receivedAt: string[];
    };
  const alice = await asked('?sub=alice');

  expect(alice.events.map(({ detail }) => detail.owner.sub)).toEqual(['alice']);
  expect(alice.receivedAt).toHaveLength(1);
  expect(Date.parse(alice.receivedAt[0] ?? '')).toBeGreaterThanOrEqual(before);
  expect(await asked('?sub=carol')).toEqual({ events: [], receivedAt: [] });
  expect((await asked('')).events).toHaveLength(4);
  expect((await asked('')).receivedAt).toHaveLength(4);
  await page.close();
});
