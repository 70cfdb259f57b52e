import { manualClock } from '../../local/sandbox/clock';
import { type Setting, sandboxWithReceiver } from './setting';

const NOON_MS = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3600_000;

let setting: Setting;

beforeEach(async () => {
  setting = await sandboxWithReceiver({ clock: manualClock(NOON_MS) });
});
afterEach(() => setting.close());

const deliveries = () => setting.sandbox.history().filter(entry => entry.kind === 'delivery');
const header = (index: number, name: string) => setting.receiver.received[index]?.headers[name];

test('a delivery has every documented header', async () => {
  await setting.connected('GARMIN', 'alice');

  expect(setting.receiver.received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'x-terra-signature': expect.stringMatching(/^t=1795348800,v1=[0-9a-f]{64}$/),
    'terra-signature': header(0, 'x-terra-signature'),
    'terra-reference': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'x-terra-trace-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'x-terra-ordering-timestamp': String(NOON_MS),
  });
});

test('a refused delivery is retried ten times, after 30 s and then with doubled delays, and then given up', async () => {
  setting.receiver.answerWith(500);
  await setting.connected('GARMIN', 'alice');
  await setting.sandbox.advance(9 * HOUR_MS);

  const [delivery] = deliveries();
  const secondsAfterNoon = delivery?.attempts.map(({ at }) => (Date.parse(at) - NOON_MS) / 1000);
  expect(secondsAfterNoon).toEqual([0, 30, 90, 210, 450, 930, 1890, 3810, 7650, 15_330, 30_690]);
  expect(delivery).toMatchObject({ state: 'gave_up', type: 'auth' });
});

test('a retry keeps body, trace id and ordering timestamp and is signed again', async () => {
  setting.receiver.answerWith(302);
  await setting.connected('GARMIN', 'alice');
  setting.receiver.answerWith(204);
  await setting.sandbox.advance(30_000);
  await setting.sandbox.advance(9 * HOUR_MS);

  const [first, second] = setting.receiver.received;
  expect(setting.receiver.received).toHaveLength(2);
  expect(second?.body).toBe(first?.body);
  expect(header(1, 'x-terra-trace-id')).toBe(header(0, 'x-terra-trace-id'));
  expect(header(1, 'x-terra-ordering-timestamp')).toBe(header(0, 'x-terra-ordering-timestamp'));
  expect(header(1, 'x-terra-signature')).toMatch(/^t=1795348830,/);
  expect(deliveries()).toMatchObject([{ state: 'delivered', attempts: [{ status: 302 }, { status: 204 }] }]);
});

test('a retry can keep the first signature', async () => {
  setting.sandbox.switchOn('original-timestamp');
  setting.receiver.answerWith(503);
  await setting.connected('GARMIN', 'alice');
  await setting.sandbox.advance(30_000);

  expect(header(1, 'x-terra-signature')).toBe(header(0, 'x-terra-signature'));
});

test('no answer in time counts as 504, a closed port as 503; both are retried', async () => {
  await setting.close();
  setting = await sandboxWithReceiver({ clock: manualClock(NOON_MS), deliveryTimeoutMs: 60 });
  setting.receiver.answerWith('never');
  await setting.connected('GARMIN', 'alice');
  setting.sandbox.setWebhookUrl('http://127.0.0.1:9/');
  await setting.sandbox.advance(30_000);

  expect(deliveries()).toMatchObject([
    {
      state: 'retrying',
      attempts: [
        { status: 504, cause: 'timeout' },
        { status: 503, cause: 'refused_or_reset' },
      ],
    },
  ]);
});

test('a destination that failed for 24 h is switched off until it is set again', async () => {
  setting.receiver.answerWith(500);
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.advance(25 * HOUR_MS);
  await setting.sandbox.send(userId, 'connection_error');
  await setting.sandbox.send(userId, 'connection_error');
  setting.sandbox.setWebhookUrl(setting.receiver.url);
  setting.receiver.answerWith(200);
  await setting.sandbox.send(userId, 'connection_error');

  expect(deliveries().map(({ state }) => state)).toEqual(['gave_up', 'retrying', 'disabled', 'delivered']);
});

test('a reset switches a destination on again', async () => {
  setting.receiver.answerWith(500);
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.advance(25 * HOUR_MS);
  await setting.sandbox.send(userId, 'connection_error');
  setting.sandbox.reset({ keepUsers: true });
  setting.receiver.answerWith(200);
  await setting.sandbox.send(userId, 'connection_error');

  expect(deliveries()).toMatchObject([{ type: 'connection_error', state: 'delivered' }]);
});

test('the history keeps each attempt’s headers and the beginning of its answer', async () => {
  setting.receiver.answerWith(503, 'x'.repeat(600));
  await setting.connected('GARMIN', 'alice');
  setting.receiver.answerWith(200, '{"outcome":"applied"}');
  await setting.sandbox.advance(30_000);

  expect(deliveries()[0]?.attempts).toMatchObject([
    { status: 503, answer: 'x'.repeat(500), headers: { 'x-terra-signature': header(0, 'x-terra-signature') } },
    { status: 200, answer: '{"outcome":"applied"}', headers: { 'x-terra-signature': header(1, 'x-terra-signature') } },
  ]);
});

test('without a destination events are created but not sent', async () => {
  setting.sandbox.setWebhookUrl(undefined);
  await setting.connected('GARMIN', 'alice');

  expect(deliveries()).toMatchObject([{ type: 'auth', state: 'no_destination', attempts: [] }]);
});

test('a large request sends two announcements and chunks with one reference and different trace ids', async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  setting.receiver.clear();
  const { body } = await setting.api('GET', `/daily?user_id=${userId}&start_date=2026-09-01&end_date=2026-10-15`);
  await setting.sandbox.settled();

  const traces = setting.receiver.received.map(({ headers }) => String(headers['x-terra-trace-id']));
  expect(setting.receiver.types()).toEqual([
    'large_request_processing',
    'large_request_sending',
    ...Array.from({ length: 5 }, () => 'daily'),
  ]);
  expect(setting.receiver.received[1]?.event).toMatchObject({ expected_payloads: 5, reference: body['reference'] });
  expect(new Set(setting.receiver.received.map(({ headers }) => headers['terra-reference']))).toEqual(
    new Set([body['reference']]),
  );
  expect(new Set(traces).size).toBe(7);
  expect(traces.slice(2).map(trace => trace.split(':chunk:')[1])).toEqual(['0', '1', '2', '3', '4']);
});

test('data reads answer inline on request and respect the documented limits', async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  const read = (dates: string) => setting.api('GET', `/sleep?user_id=${userId}&to_webhook=false&${dates}`);
  const inline = await read('start_date=2026-11-21');
  const tooLong = await read('start_date=2020-01-01');
  await read('start_date=2022-01-01');
  await read('start_date=2022-01-01');
  await read('start_date=2022-01-01');
  const tooMuch = await read('start_date=2022-01-01');
  await setting.sandbox.advance(HOUR_MS);
  const later = await read('start_date=2022-01-01');

  expect(inline).toMatchObject({ status: 200, body: { type: 'sleep', user: { user_id: userId }, data: [{}] } });
  expect(tooLong.headers.get('x-terra-ratelimit-rule')).toBe('r1');
  expect(tooMuch.status).toBe(429);
  expect(tooMuch.headers.get('x-terra-ratelimit-rule')).toBe('r2');
  expect(tooMuch.headers.get('retry-after')).toBe('3600');
  expect(later.status).toBe(200);
});

test.each(['daily', 'activity'])('a %s event has a realistic size', async type => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.send(userId, type);

  const size = setting.receiver.received.at(-1)?.body.length;
  expect(size).toBeGreaterThan(50_000);
  expect(size).toBeLessThan(1_000_000);
});

test('ping mode sends a link that serves the event for five minutes', async () => {
  const { userId } = await setting.connected('GARMIN', 'alice');
  await setting.sandbox.send(userId, 's3_payload');
  const ping = setting.receiver.received.at(-1)?.event;
  const payload = await fetch(String(ping?.['url']));
  await setting.sandbox.advance(300_000);

  expect(ping).toEqual({ type: 's3_payload', status: 'success', url: expect.any(String), expires_in: 300 });
  expect(await payload.json()).toMatchObject({ type: 'activity', user: { user_id: userId } });
  expect((await fetch(String(ping?.['url']))).status).toBe(403);
});

test('a resend repeats the delivery with its trace id', async () => {
  await setting.connected('GARMIN', 'alice');
  await setting.post(`/sandbox/deliveries/${deliveries()[0]?.id}/resend`);

  expect(header(1, 'x-terra-trace-id')).toBe(header(0, 'x-terra-trace-id'));
});

test('a reset cancels waiting retries', async () => {
  setting.receiver.answerWith(500);
  await setting.connected('GARMIN', 'alice');
  setting.sandbox.reset();
  setting.receiver.clear();
  await setting.sandbox.advance(9 * HOUR_MS);

  expect(setting.receiver.received).toEqual([]);
});

test('a reset cancels the retry of a running delivery', async () => {
  setting.receiver.answerWith('never');
  const { body } = await setting.api('POST', '/auth/authenticateUser?resource=GARMIN');
  await setting.consent(String(body['auth_url']), 'approve');
  while (setting.receiver.received.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
  setting.sandbox.reset();
  await setting.sandbox.settled();
  await setting.sandbox.advance(9 * HOUR_MS);

  expect(setting.receiver.received).toHaveLength(1);
});
