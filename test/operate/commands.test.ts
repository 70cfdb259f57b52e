import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttributeValue, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { dynamoStore } from '../../functions/core/store/dynamo-store';
import { eventsCommand } from '../../cli/events';
import { findDeployment } from '../../cli/command';
import { ownerCommand } from '../../cli/owner';
import { secretsCommand } from '../../cli/secrets';
import { type SecretName, secretStoreOf } from '../../cli/secret-store';
import { eventually } from '../support/person';
import { API_KEY, DEV_ID, type RunningDeployment, runningDeployment, SIGNING_SECRET } from './running';
import { run as runCommand } from './terminal';

const NEW_SECRET = 'signing-secret-canary-02';
let deployed: RunningDeployment;
let referenceKey: string;
let everything = '';
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'terra-connect-test-'));
  deployed = await runningDeployment();
  referenceKey = await stored('reference-key');
});
afterEach(() => deployed.fillSecrets());
afterAll(async () => {
  await deployed.close();
  rmSync(folder, { recursive: true, force: true });
});

const stored = async (name: SecretName) =>
  (await secretStoreOf(await findDeployment({ kind: 'local', port: deployed.port })).read(name)).text;

async function run(...[command, line, typed]: Parameters<typeof runCommand>) {
  const told = await runCommand(command, `${line} --local ${deployed.port}`, typed);
  everything += told.out + told.err;
  return told;
}

const secrets = (line: string, typed?: Parameters<typeof runCommand>[2]) => run(secretsCommand, line, typed);
const owner = (line: string, typed?: Parameters<typeof runCommand>[2]) => run(ownerCommand, line, typed);

/** Connects this user through the whole product. */
async function connected(name: string) {
  const someone = await deployed.person(name);
  const { id, url } = await someone.open({ provider: 'GARMIN' });
  const { sent } = await someone.decide(String(url));
  await someone.confirm(id, sent.code);
  const [connection] = await eventually(someone.connections, ([first]) => first?.status === 'connected');
  return { someone, sessionId: String(id), connection };
}

describe('secrets', () => {
  test('terra-api is prompted for, tested at Terra and stored', async () => {
    deployed.running.secrets.put('local/terra-api', '{}');

    const { code, out } = await secrets('set terra-api', { answers: [DEV_ID, API_KEY] });

    expect([code, out]).toEqual([0, 'Stored. The functions use it within five minutes.\n']);
    expect(JSON.parse(await stored('terra-api'))).toEqual({ devId: DEV_ID, apiKey: API_KEY });
  });

  test.each([
    ['two lines', `${DEV_ID}\n${API_KEY}\n`],
    ['JSON', JSON.stringify({ devId: DEV_ID, apiKey: API_KEY })],
  ])('terra-api is read from stdin as %s', async (_, stdin) => {
    deployed.running.secrets.put('local/terra-api', '{}');

    expect((await secrets('rotate terra-api', { stdin })).code).toBe(0);
    expect(JSON.parse(await stored('terra-api'))).toEqual({ devId: DEV_ID, apiKey: API_KEY });
  });

  test.each([
    ['swapped', `${API_KEY}\n${DEV_ID}`, /are swapped.*nothing was stored/],
    ['wrong', `${DEV_ID}\nanother-key-canary`, /refuses the dev-id and API key.*nothing was stored/],
    ['one line', DEV_ID, /two lines/],
    ['malformed', `{"devId":"${DEV_ID}","apiKey":`, /is not JSON/],
    ['empty', '', /two lines/],
    ['with a blank inside', `${DEV_ID}\nanother key canary`, /field apiKey is missing or malformed/],
  ])('terra-api that is %s is refused, and the stored value stays', async (_, stdin, words) => {
    const { code, out, err } = await secrets('set terra-api', { stdin });

    expect(err).toMatch(words);
    expect([code, out]).toEqual([1, '']);
    expect(JSON.parse(await stored('terra-api'))).toEqual({ devId: DEV_ID, apiKey: API_KEY });
  });

  test('a rotated webhook secret stays valid for the overlap, and no longer', async () => {
    const before = Date.now();

    const { code } = await secrets('rotate terra-webhook --overlap 2', { stdin: `${NEW_SECRET}\n` });

    const { previousValidUntil, ...rest } = JSON.parse(await stored('terra-webhook')) as Record<string, string>;
    expect([code, rest]).toEqual([0, { current: NEW_SECRET, previous: SIGNING_SECRET }]);
    const overlap = Date.parse(previousValidUntil ?? '') - before;
    expect(Math.round(overlap / 60_000)).toBe(120);
  });

  test('setting the webhook secret has no overlap; an empty one cannot be rotated', async () => {
    deployed.running.secrets.put('local/terra-webhook', '{}');

    expect((await secrets('rotate terra-webhook', { stdin: NEW_SECRET })).err).toMatch(/nothing to rotate/);
    expect((await secrets('set terra-webhook', { answers: [NEW_SECRET] })).code).toBe(0);
    expect(JSON.parse(await stored('terra-webhook'))).toEqual({ current: NEW_SECRET });
  });

  test.each([
    ['the present one', SIGNING_SECRET, '', /already the current one/],
    ['too short', 'short-canary', '', /16 to 512 printable/],
    ['two lines', 'first-line-canary-01\nsecond-line', '', /one line/],
    ['for no time', NEW_SECRET, '--overlap 0', /--overlap takes a number of hours/],
  ])('rotating to a webhook secret that is %s is refused', async (_, stdin, more, words) => {
    const { code, err } = await secrets(`rotate terra-webhook ${more}`, { stdin });

    expect(err).toMatch(words);
    expect(code).toBeGreaterThan(0);
    expect(JSON.parse(await stored('terra-webhook'))).toEqual({ current: SIGNING_SECRET });
  });

  test('show prints lengths, fingerprints and dates', async () => {
    await secrets('rotate terra-webhook', { stdin: NEW_SECRET });

    const { code, out } = await secrets('show --json');

    const shown = (JSON.parse(out) as { secrets: Record<string, string>[] }).secrets;
    expect(shown.map(({ secret, field, length, state }) => [secret, field, length, state])).toEqual([
      ['terra-api', 'devId', `${DEV_ID.length}`, 'ok'],
      ['terra-api', 'apiKey', `${API_KEY.length}`, 'ok'],
      ['terra-webhook', 'current', `${NEW_SECRET.length}`, 'ok'],
      ['terra-webhook', 'previous', `${SIGNING_SECRET.length}`, 'ok'],
      ['reference-key', 'key', '64', 'ok'],
    ]);
    expect(new Set(shown.map(({ fingerprint }) => fingerprint)).size).toBe(5);
    expect(code).toBe(0);
  });

  test('an empty secret is reported, with a failing exit code', async () => {
    deployed.running.secrets.put('local/terra-api', '{}');

    const { code, out } = await secrets('show');

    expect(out).toMatch(/^terra-api +is not filled yet/m);
    expect(code).toBe(1);
  });

  test('the reference-id key is exported to a new private file, and imported from it', async () => {
    const file = join(folder, 'key.json');
    const exported = await secrets(`export-key --to ${file}`);
    const again = await secrets(`export-key --to ${file}`);

    expect([exported.code, again.code]).toEqual([0, 1]);
    expect(again.err).toMatch(/already exists; nothing was written/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ referenceKey });
    deployed.running.secrets.put('local/reference-key', '{}');
    expect((await secrets(`import-key --from ${file}`)).out).toMatch(/^Stored/);
    expect(await stored('reference-key')).toBe(referenceKey);
    expect((await secrets('import-key', { stdin: referenceKey })).out).toMatch(/already stored/);
  });

  test('the key is printed only if stdout is requested explicitly', async () => {
    const unasked = await secrets('export-key');
    const asked = await runCommand(secretsCommand, `export-key --to - --local ${deployed.port}`);

    expect(unasked.code).toBe(2);
    expect(JSON.parse(asked.out)).toMatchObject({ referenceKey });
  });

  test('a key that does not match the table is refused, and so is a damaged export', async () => {
    await connected('begins-the-table');
    const damaged = JSON.stringify({ referenceKey: `${referenceKey.slice(1)}x`, fingerprint: 'abc' });

    const other = await secrets('import-key', { stdin: 'another-key-canary-0123456789abcdefghij' });
    const broken = await secrets('import-key', { stdin: damaged });

    expect(other.err).toMatch(/belongs to another reference-id key; nothing was stored/);
    expect(broken.err).toMatch(/is damaged/);
    expect([other.code, broken.code]).toEqual([1, 1]);
    expect(await stored('reference-key')).toBe(referenceKey);
  });
});

describe('owner', () => {
  test('show prints everything known about a user, by subject or reference id, without link, code or hash', async () => {
    const { connection, sessionId } = await connected('olga');

    const { out, code } = await owner('show --sub olga --json');

    const account = JSON.parse(out) as Record<string, unknown>;
    expect(account).toMatchObject({
      subs: ['olga'],
      connections: [
        {
          id: connection?.id,
          provider: 'GARMIN',
          status: 'connected',
          cameBy: `session#${sessionId}`,
          history: expect.arrayContaining([expect.objectContaining({ status: 'connected' })]),
        },
      ],
      sessions: [{ id: sessionId, flow: 'direct', status: 'completed' }],
    });
    expect(code).toBe(0);
    expect(out).not.toMatch(/[Hh]ash|http|code/);
    const byId = await owner(`show --reference-id=${String(account.referenceId)}`);
    expect(byId.out).toMatch(/^Connections\nid +provider +status/m);
  });

  test('an unknown user is reported as unknown', async () => {
    expect((await owner('show --sub nobody')).out).toMatch(/^There are no records of the owner /);
    expect((await owner('erase --sub nobody --yes --json')).out).toBe('{"status":"unknown"}\n');
    expect((await owner('show')).err).toMatch(/Name one owner/);
  });

  test('erase requires the name to be typed, then deauthenticates at Terra and deletes the records', async () => {
    const { someone } = await connected('erwin');
    const atTerra = deployed.sandbox.users().length;

    const mistyped = await owner('erase --sub erwin', { answers: ['erwim'] });
    const machine = await owner('erase --sub erwin');
    expect([mistyped.err, machine.err].join()).toMatch(/names differ; nothing was erased.*no terminal to confirm/s);
    expect(await someone.connections()).toHaveLength(1);

    const { code } = await owner('erase --sub erwin', { answers: ['erwin'] });

    expect(code).toBe(0);
    expect(await someone.connections()).toEqual([]);
    expect(deployed.sandbox.users()).toHaveLength(atTerra - 1);
    expect(JSON.parse((await owner('show --sub erwin --json')).out)).toMatchObject({
      erasure: { state: 'done' },
      connections: [],
      sessions: [],
    });
  });

  test('rows that cannot be read are shown as stored, without links, codes and hashes, and erased by their keys', async () => {
    await connected('rhea');
    const { referenceId } = JSON.parse((await owner('show --sub rhea --json')).out) as { referenceId: string };
    const client = new DynamoDBClient(
      (await findDeployment({ kind: 'local', port: deployed.port })).clientOptions('dynamodb'),
    );
    const { tableName: TableName } = deployed.running.dynamodb;
    const put = (item: string, more: Record<string, AttributeValue>) =>
      client.send(new PutItemCommand({ TableName, Item: { owner: { S: referenceId }, item: { S: item }, ...more } }));
    await put('invitation#1', { pin: { S: '123456' }, url: { S: 'https://a.example' }, status: { S: 'open' } });
    await put('mint#x', {
      stateHash: { S: 'hash' },
      returned: { M: { codeHash: { S: 'hash' }, at: { S: 'noon' } } },
    });

    const [json, text] = [await owner('show --sub rhea --json'), await owner('show --sub rhea')];
    expect(JSON.parse(json.out)).toMatchObject({
      connections: [{ status: 'connected' }],
      unreadable: [
        { item: 'invitation#1', stored: { pin: '(hidden)', url: '(hidden)', status: 'open' } },
        { item: 'mint#x', stored: { stateHash: '(hidden)', returned: { codeHash: '(hidden)', at: 'noon' } } },
      ],
    });
    expect(text.out).toMatch(/^Rows that cannot be read, as they are stored\nkey +row\n-*.*invitation#1 +\{/ms);
    expect([json.out, text.out].join()).not.toMatch(/123456|a\.example/);

    expect((await owner('erase --sub rhea --yes')).out).toMatch(/^Erased/);

    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': { S: referenceId } },
      }),
    );
    expect(Items.map(({ item }) => item?.S).filter(item => !item?.startsWith('quota#'))).toEqual(['erasure']);
    client.destroy();
  });

  test.each(['show', 'erase'])('%s refuses the keys of the table’s internal rows', async act => {
    await connected('greta');
    const client = new DynamoDBClient(
      (await findDeployment({ kind: 'local', port: deployed.port })).clientOptions('dynamodb'),
    );
    const { load } = dynamoStore(client, deployed.running.dynamodb.tableName);
    const before = await Promise.all([load('#reference-key'), load('#reconcile')]);
    expect(before[0]?.known).toBe(true);

    for (const key of ['#reference-key', '#reconcile']) {
      const { code, err, out } = await owner(`${act} --reference-id=${key} ${act === 'erase' ? '--yes' : ''}`);
      expect([code, out, err]).toEqual([2, '', expect.stringContaining(`${key} is not an owner`)]);
    }

    expect(await Promise.all([load('#reference-key'), load('#reconcile')])).toEqual(before);
    // A subject is hashed here, so one of that name is a user like any other.
    expect((await owner('show --sub #reconcile')).out).toMatch(/^There are no records of the owner /);
    client.destroy();
  });

  test('an erasure without Terra’s agreement stays in progress, and the sweep continues it', async () => {
    await connected('frieda');
    deployed.sandbox.switchOn('503', { only: 'deauthenticateUser' });

    const { out } = await owner('erase --sub frieda --yes');

    deployed.sandbox.switchOff('503');
    expect(out).toMatch(/^Under way/);
    expect(JSON.parse((await owner('show --sub frieda --json')).out)).toMatchObject({
      erasure: { state: 'under way' },
      connections: [{ status: 'disconnecting', reason: 'erased' }],
    });
  });

  test('without the table’s key a user cannot be looked up by subject', async () => {
    deployed.running.secrets.put('local/reference-key', 'another-key-canary-0123456789abcdefghij');

    const { code, err } = await owner('show --sub olga');

    deployed.running.secrets.put('local/reference-key', referenceKey);
    expect([code, err]).toEqual([1, expect.stringMatching(/not the first that was used with this table/)]);
  });

  test('import explains why it cannot assign Terra users with unknown reference ids', async () => {
    const { code, err } = await owner('import');

    expect(code).toBe(1);
    expect(err).toMatch(/computes its own reference ids.*Deploy with "referenceId": "subject"/s);
  });
});

describe('events', () => {
  test('dead letters are counted, redriven with the present state of their rows, and listed without their content', async () => {
    const { someone, connection } = await connected('ingrid');
    const { referenceId, connections } = JSON.parse((await owner('show --sub ingrid --json')).out) as {
      referenceId: string;
      connections: { terraUserId: string }[];
    };
    const row = { owner: referenceId, item: `connection#${connections[0]?.terraUserId}` };
    const event = { detailType: 'connection.unconfirmed', detail: { secretThing: 'heart-rate-canary' } };
    const { queues, bus } = deployed.running;
    const url = queues.urls.find(known => /DeadLettersQueue/.test(known) && !/Runs/.test(known)) ?? '';
    queues.send(url, JSON.stringify({ row, reason: 'refused', at: Date.now() - 3_600_000, event }));
    queues.send(url, JSON.stringify({ row: { ...row, item: 'connection#gone' }, reason: 'unreadable', at: 1 }));
    queues.send(url, '{"requestContext":{"condition":"RetryAttemptsExhausted"}}');
    const told = () =>
      bus
        .events()
        .filter(made => made['detail-type'] === 'connection.connected' && idOf(made.detail) === connection?.id);
    await eventually(
      async () => told().length,
      count => count === 1,
    );

    const counted = JSON.parse((await run(eventsCommand, 'count --json')).out) as { queues: { waiting: number }[] };
    const redriven = await run(eventsCommand, 'redrive');

    expect(counted.queues.reduce((sum, { waiting }) => sum + waiting, 0)).toBe(3);
    expect(redriven.out).toMatch(/Published: 1\. Nothing left to publish: 1\. Failed and still in the queue: 0\./);
    expect(redriven.out).toMatch(/1 note\(s\) of AWS stay in the queue/);
    expect(redriven.code).toBe(0);
    expect(told()).toHaveLength(2);
    expect(bus.events().at(-1)).toMatchObject({ 'detail-type': 'connection.connected' });
    expect(queues.bodies(url)).toHaveLength(1);
    expect(await someone.connections()).toHaveLength(1);

    queues.send(url, JSON.stringify({ row, reason: 'refused', at: Date.now() - 3_600_000, event }));
    const listed = await run(eventsCommand, 'list');
    expect(listed.out).toMatch(
      new RegExp(`^1 h +refused +connection +${String(connection?.id)} +connection\\.unconfirmed`, 'm'),
    );
    expect(listed.out).not.toContain('heart-rate-canary');
  });
});

test('no output except the export contains a secret', () => {
  for (const canary of [API_KEY, SIGNING_SECRET, NEW_SECRET, referenceKey, 'key-canary', 'first-line-canary', DEV_ID]) {
    expect(everything).not.toContain(canary);
  }
  expect(everything).not.toMatch(/\n\s+at |node_modules/);
});

const idOf = (detail: unknown) => (detail as { connection?: { id?: string } }).connection?.id;
