import { manualClock } from '../../local/sandbox/clock';
import type { DeliveryEntry } from '../../local/sandbox/history';
import { type Sandbox, startSandbox } from '../../local/sandbox/sandbox';

const YEAR_2100 = Date.parse('2100-01-01T00:00:00Z');

let sandbox: Sandbox;

beforeAll(async () => {
  // Nobody listens there: each delivery is attempted, and refused.
  const webhookUrl = 'http://127.0.0.1:9/';
  const clock = manualClock(YEAR_2100);
  sandbox = await startSandbox({ port: 0, devId: 'd', apiKey: 'k', signingSecret: 's', webhookUrl, clock });
  await fetch(`${sandbox.apiUrl}/subscriptions`, { headers: { 'dev-id': 'd', 'x-api-key': 'k' } });
  await sandbox.sendPlain('healthcheck');
});

afterAll(() => sandbox.close());

const history = async (query: string) => {
  const answer = await fetch(`${sandbox.url}/sandbox/history${query}`);
  return ((await answer.json()) as { history: (DeliveryEntry | { kind: 'request' })[] }).history;
};

test('the history can be limited to one kind of entry', async () => {
  expect((await history('')).map(({ kind }) => kind)).toEqual(['request', 'delivery']);
  expect((await history('?kind=delivery&last=5')).map(({ kind }) => kind)).toEqual(['delivery']);
  expect((await history('?kind=request')).map(({ kind }) => kind)).toEqual(['request']);
  expect(await history('?kind=other')).toEqual([]);
});

test('a delivery has its time by the sandbox’s clock and by the machine’s', async () => {
  const [delivery] = (await history('?kind=delivery')) as DeliveryEntry[];
  const [attempt] = delivery?.attempts ?? [];

  for (const { at, realAt } of [delivery, attempt].filter(one => one !== undefined)) {
    expect(Date.parse(at)).toBeGreaterThanOrEqual(YEAR_2100);
    expect(Math.abs(Date.parse(realAt) - Date.now())).toBeLessThan(60_000);
  }
  expect(attempt).toMatchObject({ status: 503, cause: 'refused_or_reset' });
});
