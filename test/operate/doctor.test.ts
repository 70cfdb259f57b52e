import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { EnvironmentName } from '../../functions/core/platform/environment';
import { shardOf } from '../../functions/core/store/items';
import { fingerprintOf } from '../../functions/core/state/owner';
import { deadLetterQueuesOf, receiveAll } from '../../cli/dead-letters';
import type { Deployment } from '../../cli/deployment';
import { doctorCommand } from '../../cli/doctor';
import type { CheckContext } from '../../cli/doctor/check';
import { referenceKeyCheck } from '../../cli/doctor/secret-checks';
import { findDeployment } from '../../cli/command';
import { API_KEY, DEV_ID, type RunningDeployment, runningDeployment, SIGNING_SECRET } from './running';
import { run } from './terminal';

type Change = (deployment: Deployment) => Partial<Deployment>;
type Examined = { check: string; kind: string; finding: string; remedy?: string };

const MINUTES = 60_000;
let deployed: RunningDeployment;
let everything = '';
const servers: Server[] = [];
const undoing: (() => unknown)[] = [];

beforeAll(async () => {
  deployed = await runningDeployment();
  const authorization = `Bearer ${await deployed.token('alice')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  // The first session is what begins the table, and so remembers the fingerprint of the key.
  await fetch(`${deployed.apiUrl}/v1/sessions`, { method: 'POST', headers, body: '{"returnTo":"web"}' });
});

afterEach(async () => {
  for (const undo of undoing.splice(0)) await undo();
  deployed.fillSecrets();
  deployed.sandbox.reset({ keepUsers: true });
});

afterAll(async () => {
  for (const server of servers) server.close();
  await deployed.close();
});

async function doctor(change: Change = () => ({}), more = '') {
  const find = async () => {
    const found = await findDeployment({ kind: 'local', port: deployed.port });
    return { ...found, ...change(found) };
  };
  const told = await run(doctorCommand, `--local ${deployed.port} --json ${more}`, {}, { findDeployment: find });
  everything += told.out + told.err;
  return { ...told, checks: (JSON.parse(told.out) as { checks: Examined[] }).checks };
}

const given =
  (variables: Partial<Record<EnvironmentName, string>>): Change =>
  ({ functions }) => ({
    functions: functions.map(({ title, environment }) => ({
      title,
      // Only who had the variable has the other one.
      environment: Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, variables[name as EnvironmentName] ?? value]),
      ),
    })),
  });

const output =
  (name: string, value: () => string): Change =>
  ({ outputs }) => ({ outputs: { ...outputs, [name]: value() } });

const put = (name: string, text: string) => deployed.running.secrets.put(`local/${name}`, text);

/** A server that answers everything alike. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise(resolve => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function table() {
  const { endpoint, tableName: TableName } = deployed.running.dynamodb;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  return {
    async put(item: PutItemCommand['input']['Item'] & object) {
      await client.send(new PutItemCommand({ TableName, Item: item }));
      const Key = { owner: item.owner, item: item.item } as NonNullable<DeleteItemCommand['input']['Key']>;
      undoing.push(() => client.send(new DeleteItemCommand({ TableName, Key })));
    },
  };
}

async function connectionsWithData(count: number): Promise<void> {
  const at = { N: `${Date.now() - MINUTES}` };
  for (let n = 0; n < count; n++) {
    const of = { M: { at, via: { S: 'session#x' } } };
    await table().put({
      owner: { S: `owner-${n}` },
      item: { S: `connection#00000000-0000-4000-8000-${String(n).padStart(12, '0')}` },
      terraUserId: { S: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` },
      facts: { M: { provider: { S: 'GARMIN' }, firstAuthAt: at, auth: of, proof: of, data: { M: { at } } } },
      ids: { L: [{ S: `id-${n}` }] },
      history: { L: [] },
      updatedAt: at,
      version: at,
    });
  }
}

async function emptyQueues(): Promise<void> {
  for (const queue of deadLetterQueuesOf(await findDeployment({ kind: 'local', port: deployed.port }))) {
    for await (const letter of receiveAll(queue, 30, 100)) await queue.remove(letter);
  }
}

let elsewhere = '';
let emptyTerra = '';
beforeAll(async () => {
  elsewhere = await answering(200, 'welcome');
  emptyTerra = await answering(200, '{"providers":[],"data":{"next":null,"max_page":0,"results":[]}}');
});

type Planted = {
  fault: string;
  plant?: () => unknown;
  change?: Change;
  /** Every check that finds something, and nothing else does. */
  found: Record<string, 'fault' | 'warning'>;
  words: RegExp;
};

const terraCalls = { 'terra-credentials': 'fault', 'widget-endpoint': 'fault', providers: 'fault' } as const;
const bothWebhooks = { 'webhook-signed': 'fault', 'webhook-unsigned': 'fault' } as const;

const planted: Planted[] = [
  {
    fault: 'terra-api was never filled',
    plant: () => put('terra-api', '{}'),
    found: { 'secret-terra-api': 'fault', ...terraCalls },
    words: /is not filled yet/,
  },
  {
    fault: 'terra-api has a misspelt field',
    plant: () => put('terra-api', JSON.stringify({ devid: DEV_ID, apiKey: API_KEY })),
    found: { 'secret-terra-api': 'fault', ...terraCalls },
    words: /field devId is missing or malformed/,
  },
  {
    fault: 'dev-id and API key are swapped',
    plant: () => put('terra-api', JSON.stringify({ devId: API_KEY, apiKey: DEV_ID })),
    found: terraCalls,
    words: /Dev-id and API key are swapped/,
  },
  {
    fault: 'the API key is wrong',
    plant: () => put('terra-api', JSON.stringify({ devId: DEV_ID, apiKey: 'another' })),
    found: { 'terra-credentials': 'fault', 'widget-endpoint': 'fault' },
    words: /Terra refuses the dev-id and API key/,
  },
  {
    fault: 'Terra refuses right keys as if they were swapped',
    plant: () => deployed.sandbox.switchOn('message-null', { only: 'session' }),
    found: { 'widget-endpoint': 'fault' },
    words: /probably swapped/,
  },
  {
    fault: 'terra-webhook was never filled',
    plant: () => put('terra-webhook', '{}'),
    found: { 'secret-terra-webhook': 'fault', 'webhook-signed': 'fault' },
    words: /secret terra-webhook is not filled yet/,
  },
  {
    fault: 'the previous webhook secret has no end',
    plant: () => put('terra-webhook', JSON.stringify({ current: SIGNING_SECRET, previous: `${SIGNING_SECRET}-old` })),
    found: { 'secret-terra-webhook': 'warning' },
    words: /has no previousValidUntil/,
  },
  {
    fault: 'the reference-id key is lost',
    plant: () => keep(() => put('reference-key', '{}')),
    found: { 'secret-reference-key': 'fault', 'reference-key-fingerprint': 'fault' },
    words: /import-key/,
  },
  {
    fault: 'the reference-id key is another one',
    plant: () => keep(() => put('reference-key', 'another-key-canary-0123456789abcdefghij')),
    found: { 'reference-key-fingerprint': 'fault' },
    words: /not the first that was used with this table/,
  },
  {
    fault: 'the namespace is another one',
    change: given({ OWNER_NAMESPACE: 'https://another.example' }),
    found: { 'reference-key-fingerprint': 'fault' },
    words:
      /Set {\\"referenceId\\":\\"opaque\\",\\"ownerNamespace\\":\\"http:\/\/localhost:\d+\\"} in the settings and deploy/,
  },
  {
    fault: 'the reference ids are of another mode',
    change: given({ REFERENCE_ID: 'subject', ALLOW_UNBOUND_TOKENS: 'false' }),
    found: { 'reference-key-fingerprint': 'fault' },
    words:
      /first used with the settings {\\"referenceId\\":\\"opaque\\",.*}, but they are now {\\"referenceId\\":\\"subject\\"}/,
  },
  {
    fault: 'the widget endpoint is gone',
    plant: () => deployed.sandbox.switchOn('410', { only: 'session' }),
    found: { 'widget-endpoint': 'fault' },
    words: /withdrawn the widget endpoint .* \(410\)/,
  },
  {
    fault: 'the legacy widget endpoint is in use',
    change: given({ WIDGET: 'legacy' }),
    found: { 'widget-endpoint': 'warning' },
    words: /deprecated/,
  },
  {
    fault: 'the legacy widget endpoint is gone for this account',
    plant: () => deployed.sandbox.switchOn('new-account'),
    change: given({ WIDGET: 'legacy' }),
    found: { 'widget-endpoint': 'fault' },
    words: /Set \\"widget\\" to \\"current\\"/,
  },
  {
    fault: 'no provider is enabled',
    change: deployment => given({ TERRA_API_URL: emptyTerra })(deployment),
    found: { providers: 'fault' },
    words: /No provider is enabled/,
  },
  {
    fault: 'Terra cannot be reached',
    change: given({ TERRA_API_URL: 'http://127.0.0.1:2/v2', TERRA_WIDGET_URL: 'http://127.0.0.1:2/widget' }),
    found: terraCalls,
    words: /There is no connection to Terra/,
  },
  {
    fault: 'a proxy answers in the place of Terra',
    plant: () => deployed.sandbox.switchOn('html'),
    found: terraCalls,
    words: /terraApiUrl/,
  },
  {
    fault: 'the issuer does not answer',
    change: given({ ISSUER: 'http://127.0.0.1:2' }),
    found: { issuer: 'fault' },
    words: /The issuer does not answer/,
  },
  {
    fault: 'the issuer goes by another name',
    change: deployment => given({ ISSUER: `${deployment.functions[0]?.environment.ISSUER}/` })(deployment),
    found: { issuer: 'fault' },
    words: /is not byte for byte the setting/,
  },
  {
    fault: 'an app comes back by a custom scheme',
    change: given({ RETURN_TARGETS: '{"web":"https://app.example/","ios":"exampleapp://connected"}' }),
    found: { 'return-targets': 'warning' },
    words: /custom schemes, which any app on the device can claim: ios/,
  },
  {
    fault: 'one function was given other settings than the rest',
    change: ({ functions }) => ({
      functions: functions.map(known =>
        known.title === 'sweep-stale'
          ? { ...known, environment: { ...known.environment, CONFIRMATION: 'off' } }
          : known,
      ),
    }),
    found: { settings: 'fault' },
    words: /Functions have different values of CONFIRMATION/,
  },
  {
    fault: 'callbacks go to another address than the stack’s',
    change: output('CallbackBase', () => 'https://old.example/v1/callback'),
    found: { settings: 'fault' },
    words: /CallbackBase differs from the functions/,
  },
  {
    fault: 'unbound tokens beside guessable reference ids',
    change: given({ REFERENCE_ID: 'subject', ALLOW_UNBOUND_TOKENS: 'true' }),
    // The table was begun with the other mode.
    found: { settings: 'warning', 'reference-key-fingerprint': 'fault' },
    words: /lets any user of the app disconnect another/,
  },
  {
    fault: 'links that anybody may complete for the user who opened them',
    change: given({ CONFIRMATION: 'off' }),
    found: { confirmation: 'warning' },
    words: /send a link to another person and receive that person's health data/,
  },
  {
    fault: 'something else answers at the webhook’s address',
    change: output('WebhookUrl', () => elsewhere),
    found: bothWebhooks,
    words: /WebhookUrl answers 200 to an unsigned test event, not 401/,
  },
  {
    fault: 'nothing answers at the webhook’s address',
    change: output('WebhookUrl', () => 'http://127.0.0.1:2/v1/webhooks/terra'),
    found: bothWebhooks,
    words: /the host refused it/,
  },
  {
    fault: 'another deployment, with another secret, answers at the webhook’s address',
    plant: () => put('terra-webhook', JSON.stringify({ current: 'another-secret-canary-01' })),
    change: output('WebhookUrl', () => refusing),
    found: { 'webhook-signed': 'fault' },
    words: /leads to another deployment/,
  },
  {
    fault: 'a proxy lets everybody in',
    change: output('ApiUrl', () => elsewhere),
    found: { api: 'fault' },
    words: /answers 200 to a request without a token/,
  },
  {
    fault: 'events were put aside',
    plant() {
      const { queues } = deployed.running;
      queues.send(queues.urls[0] ?? '', '{"requestContext":{}}');
      undoing.push(emptyQueues);
    },
    found: { 'dead-letters': 'fault' },
    words: /There are dead letters: 1 in \w+/,
  },
  {
    fault: 'the schedule was switched off',
    change: () => ({ since: Date.now() - 90 * MINUTES, lastRunOf: async () => undefined }),
    found: { 'sweep-runs': 'fault', 'reconcile-runs': 'fault' },
    words: /has not run for an hour or more/,
  },
  {
    fault: 'the sweep stopped half an hour ago',
    change: () => ({ since: 0, lastRunOf: async () => Date.now() - 30 * MINUTES }),
    found: { 'sweep-runs': 'fault' },
    words: /sweep-stale has not run for 30 minutes/,
  },
  {
    fault: 'the check of all connections stopped two hours ago',
    change: () => ({
      since: 0,
      lastRunOf: async title => Date.now() - (title === 'reconcile' ? 120 : 1) * MINUTES,
    }),
    found: { 'reconcile-runs': 'fault' },
    words: /reconcile has not run for 120 minutes/,
  },
  {
    fault: 'what is due is not looked at',
    plant: () =>
      table().put({
        owner: { S: 'overdue' },
        item: { S: 'unknown#1' },
        dueShard: { S: shardOf('overdue') },
        dueAt: { N: `${Date.now() - 20 * MINUTES}` },
      }),
    // A row of a kind that this version does not know, so it cannot be read either.
    found: { 'sweep-backlog': 'fault', 'unreadable-rows': 'fault' },
    words: /1 record due for more than ten minutes/,
  },
  {
    fault: 'a row cannot be read',
    plant: () => table().put({ owner: { S: 'ada' }, item: { S: 'mint#1' }, sub: { S: 'ada' } }),
    found: { 'unreadable-rows': 'fault' },
    words: /1 row cannot be read \(of \d+ rows?\): mint#1 of ada/,
  },
  {
    fault: 'health data comes here',
    plant: () => connectionsWithData(10),
    found: { 'data-events': 'warning' },
    words: /10 of 10 connections within a day/,
  },
];

let refusing = '';
beforeAll(async () => {
  refusing = await answering(401, '{}');
});

test('a healthy deployment passes every check, with exit code 0', async () => {
  const { code, checks } = await doctor();

  expect(checks.filter(({ kind }) => kind !== 'ok')).toEqual([]);
  expect(checks.length).toBeGreaterThanOrEqual(17);
  expect(code).toBe(0);
});

test.each(planted)('$fault: found, without other findings', async ({ plant, change, found, words }) => {
  await plant?.();

  const { code, checks, out } = await doctor(change);

  const findings = checks.filter(({ kind }) => kind !== 'ok');
  expect(Object.fromEntries(findings.map(({ check, kind }) => [check, kind]))).toEqual(found);
  expect(out).toMatch(words);
  expect(findings.every(({ finding, remedy }) => finding !== '' && remedy)).toBe(true);
  expect(code).toBe(Object.values(found).includes('fault') ? 1 : 0);
});

test('a warning can be accepted, a fault cannot', async () => {
  await connectionsWithData(10);

  const accepted = await doctor(
    output('ApiUrl', () => elsewhere),
    '--accept data-events --accept api',
  );

  expect(accepted.checks.filter(({ kind }) => kind !== 'ok').map(({ check }) => check)).toEqual(['api']);
});

test('a stack without outputs is found by the environment of its functions', async () => {
  const { checks } = await doctor(() => ({ outputs: {} }));

  expect(checks.filter(({ kind }) => kind !== 'ok')).toEqual([]);
});

test('missing settings fail each check that needs them, and no other', async () => {
  const { checks } = await doctor(() => ({ functions: [] }));

  const fine = checks.filter(({ kind }) => kind === 'ok').map(({ check }) => check);
  expect(fine).toEqual(
    expect.arrayContaining(['api', 'secret-terra-api', 'webhook-signed', 'webhook-unsigned', 'dead-letters']),
  );
  expect(checks.find(({ check }) => check === 'settings')?.finding).toMatch(/missing or malformed: ISSUER, /);
});

test('the output is a table, and below it each problem with its remedy', async () => {
  const { out, code } = await run(doctorCommand, `--local ${deployed.port} --only return-targets`);

  expect(out).toBe(`terra-connect-local on port ${deployed.port}

    check           finding
--  --------------  ----------------------------------
ok  return-targets  1 return target, all web addresses

1 checks, all ok.
`);
  expect(code).toBe(0);
});

test('no output contains a secret or a stack trace', () => {
  expect(everything.length).toBeGreaterThan(20_000);
  for (const canary of [DEV_ID, API_KEY, SIGNING_SECRET, 'another-key-canary', 'another-secret-canary']) {
    expect(everything).not.toContain(canary);
  }
  expect(everything).not.toMatch(/\n\s+at |node_modules/);
});

/** The reference-id key is generated: what replaces it must be undone. */
async function keep(replace: () => void): Promise<void> {
  const { secretStoreOf } = await import('../../cli/secret-store');
  const secrets = secretStoreOf(await findDeployment({ kind: 'local', port: deployed.port }));
  const { text } = await secrets.read('reference-key');
  undoing.push(() => put('reference-key', text));
  replace();
}

test('a table that only earlier versions have used passes', async () => {
  const key = 'reference-key-0123456789abcdefghij';
  const { key: fingerprint } = fingerprintOf(key, { referenceId: 'opaque', namespace: 'any' });
  const found = await referenceKeyCheck.run({
    secrets: { read: async () => ({ text: key, storedAt: undefined }) },
    store: () => ({ findFingerprint: async () => ({ key: fingerprint }) }),
    settings: () => ({ REFERENCE_ID: 'opaque', OWNER_NAMESPACE: 'any' }),
  } as unknown as CheckContext);

  expect(found).toMatchObject({ kind: 'ok', finding: expect.stringMatching(/stored with the next session or token$/) });
});
