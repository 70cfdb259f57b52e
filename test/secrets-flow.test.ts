import { sign } from '../functions/core/terra/signature';
import type { LocalStack } from '../local/stack';
import { person } from './support/person';
import { startSharedStack } from './support/synthesis';

let stack: LocalStack;
beforeAll(async () => {
  stack = await startSharedStack();
});
afterAll(() => stack?.close());

const put = (secret: string, value: string) => {
  const name = stack.secrets.names.find(each => each.endsWith(secret));
  if (name === undefined) throw new Error(`no secret ${secret}`);
  stack.secrets.put(name, value);
};
const logged = () => JSON.stringify(stack.logs());
const deliver = () => {
  const headers = {
    'terra-signature': sign('{"type":"healthcheck"}', 'a-secret-for-this-test', Math.floor(Date.now() / 1000)),
  };
  return fetch(`${stack.apiUrl}/v1/webhooks/terra`, { method: 'POST', body: '{"type":"healthcheck"}', headers });
};

test.each([
  ['{}', 'secret terra-webhook: is not filled yet'],
  ['not json', 'secret terra-webhook: is not JSON'],
  ['{"current":"has white space in it"}', 'secret terra-webhook: field current is missing or malformed'],
  ['{"current":"short"}', 'secret terra-webhook: field current is missing or malformed'],
])('a webhook is not accepted while its secret is %s, and the log says why', async (value, reason) => {
  put('terra-webhook', value);

  const answer = await deliver();

  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: 'unavailable' });
  expect(logged()).toContain(reason);
});

test('once the secret is filled, deliveries are accepted without a new deployment', async () => {
  put('terra-webhook', '{"current":"a-secret-for-this-test"}');

  expect(await (await deliver()).json()).toEqual({ outcome: 'ignored' });
});

test.each([
  ['{}', 'secret terra-api: is not filled yet'],
  ['{"devId":"only"}', 'secret terra-api: field apiKey is missing or malformed'],
  ['[]', 'secret terra-api: is not a JSON object'],
])('no session is opened while the credentials are %s, and the log says why', async (value, reason) => {
  put('terra-api', value);
  const alice = await person(stack, 'alice');

  const answer = await alice.call('POST', '/v1/sessions', { returnTo: 'web' });

  expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
  expect(logged()).toContain(reason);
});

test('no session is opened while the reference-id key is malformed', async () => {
  put('reference-key', 'too-short');
  const alice = await person(stack, 'alice');

  expect((await alice.call('GET', '/v1/connections')).body.code).toBe('unavailable');
  expect(logged()).toContain('secret reference-key: is not 32 to 512 printable characters');
});
