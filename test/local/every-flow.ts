import { randomUUID } from 'node:crypto';
import { type AttributeValue, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { HOUR } from '../../functions/core/platform/clock';
import type { LocalStack } from '../../local/stack';
import { eventually, person } from '../support/person';

/** Connects a new user by a direct link. */
export async function connect(stack: LocalStack, name: string, headers: Record<string, string> = {}) {
  const who = await person(stack, name);
  const session = (await who.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'OURA' }, headers)).body;
  const { sent } = await who.decide(String(session.url));
  await who.confirm(session.id, sent.code);
  return who;
}

/** Runs every flow of the product once, so that every function uses each of its permissions. */
export async function everyFlow(stack: LocalStack): Promise<void> {
  const { sandbox } = stack;
  if (!sandbox) throw new Error('this needs the sandbox');

  await peopleConnect(stack);
  await peopleFail(stack);
  await peopleLeave(stack, sandbox);
  await sandbox.settled();

  const table = tableOf(stack);
  await table.hoursPass(30);
  await stack.invokeSchedule('sweep-stale');
  await table.ghosts();
  await stack.invokeSchedule('reconcile');
  await sandbox.settled();
  // Last, since the schedules trip over it.
  await table.poison();
  await eventually(
    async () => stack.queues.urls.flatMap(url => stack.queues.bodies(url)),
    letters => letters.some(letter => letter.includes('unreadable')),
  );
  table.close();
}

async function peopleConnect(stack: LocalStack): Promise<void> {
  const alice = await person(stack, 'alice');
  await alice.call('GET', '/v1/providers');
  const session = await alice.open({ language: 'de' });
  const { sent } = await alice.pick(String(session.url), 'GARMIN');
  await alice.confirm(session.id, sent.code);
  await alice.session(session.id);
  const [connection] = await alice.connections();
  await stack.sandbox?.send(String(connection?.terraUserId), 'daily');

  await connect(stack, 'bob', { 'idempotency-key': 'once' });

  // An SDK provider picked in the widget: the browser returns with `sdk_required`.
  const lena = await person(stack, 'lena');
  const body = new URLSearchParams({ provider: 'APPLE' });
  const chosen = await fetch(String((await lena.open()).url), { method: 'POST', body, redirect: 'manual' });
  await fetch(chosen.headers.get('location') ?? '', { redirect: 'manual' });

  const carol = await person(stack, 'carol');
  const minted = await carol.call('POST', '/v1/tokens', { provider: 'APPLE' });
  await carol.redeem(minted.body.token, 'APPLE');
  await eventually(carol.connections, ([first]) => first?.status === 'connected');
}

async function peopleFail(stack: LocalStack): Promise<void> {
  const dave = await person(stack, 'dave');
  await dave.decide(String((await dave.open({ provider: 'GARMIN' })).url), 'deny');

  const [eve, frank] = [await person(stack, 'eve'), await person(stack, 'frank')];
  const session = await eve.open({ provider: 'GARMIN' });
  const { sent } = await frank.decide(String(session.url));
  await frank.confirm(session.id, sent.code);

  // A user who never returns, and one who never confirms.
  await (await person(stack, 'greta')).open({ provider: 'GARMIN' });
  const hugo = await person(stack, 'hugo');
  await hugo.decide(String((await hugo.open({ provider: 'OURA' })).url));
}

async function peopleLeave(stack: LocalStack, sandbox: NonNullable<LocalStack['sandbox']>): Promise<void> {
  const ivan = await connect(stack, 'ivan');
  const [connection] = await ivan.connections();
  await ivan.call('DELETE', `/v1/connections/${String(connection?.id)}`);

  const judy = await connect(stack, 'judy');
  await judy.call('DELETE', '/v1/me');

  // An end of which Terra does not say whose it is.
  const lea = await connect(stack, 'lea');
  const [unnamed] = await lea.connections();
  const user = { user_id: unnamed?.terraUserId, provider: 'OURA', reference_id: null };
  await sandbox.sendRaw(JSON.stringify({ type: 'deauth', status: 'success', user }));

  // The sweep completes what Terra refused.
  const kate = await connect(stack, 'kate');
  await sandbox.settled();
  sandbox.switchOn('500');
  await kate.call('DELETE', '/v1/me');
  sandbox.switchOff('500');
}

/** Direct access to the table, with the test's own credentials. */
function tableOf({ table }: LocalStack) {
  const TableName = table.name;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: table.endpoint, region: 'us-east-1', credentials });
  const put = (Item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName, Item }));
  const items = async () => (await client.send(new ScanCommand({ TableName }))).Items ?? [];

  return {
    /** Moves every row back in time, in place of waiting. */
    async hoursPass(hours: number): Promise<void> {
      for (const { version, ...item } of await items()) {
        await put({ ...(earlier(item, hours * HOUR) as typeof item), ...(version && { version }) });
      }
    },
    /** Adds connections whose Terra users do not exist at Terra. */
    async ghosts(): Promise<void> {
      for (const { item, ...connection } of await items()) {
        if (!item?.S?.startsWith('connection#')) continue;
        const id = randomUUID();
        await put({ ...connection, item: { S: `connection#${id}` }, terraUserId: { S: id } });
      }
    },
    /** Makes a connection unreadable. */
    async poison(): Promise<void> {
      const connection = (await items()).find(({ item }) => item?.S?.startsWith('connection#'));
      await put({ ...connection, facts: { S: 'poison' } });
    },
    close: () => client.destroy(),
  };
}

/** The value with every time in it, in milliseconds, so much earlier. */
function earlier(value: unknown, by: number): unknown {
  if (Array.isArray(value)) return value.map(one => earlier(one, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === 'N' && Number(inner) > 1e12 ? [key, String(Number(inner) - by)] : [key, earlier(inner, by)],
    ),
  );
}
