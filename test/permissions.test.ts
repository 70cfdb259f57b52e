import { randomUUID } from 'node:crypto';
import { sign } from '../functions/core/terra/signature';
import { writeStateToken } from '../functions/core/state/state-token';
import type { JudgedCall } from '../local/aws/iam/access';
import { rolesOf } from '../local/aws/iam/roles';
import type { LocalStack, LocalStackOptions } from '../local/stack';
import { readStack, type Template } from '../local/aws/cloudformation/template';
import { connect, everyFlow } from './local/every-flow';
import { eventually, person } from './support/person';
import { startSharedStack } from './support/synthesis';

const running: LocalStack[] = [];

afterAll(() => Promise.all(running.map(stack => stack.close())));

async function started(options: LocalStackOptions = {}): Promise<LocalStack> {
  const stack = await startSharedStack(options);
  running.push(stack);
  return stack;
}

/** A stack with the synthesised policies. */
let whole: LocalStack;

describe('under exactly the synthesised policies', () => {
  const calls: JudgedCall[] = [];
  let grants: Map<string, string[]>;
  beforeAll(async () => {
    whole = await started({
      onCall: call => calls.push(call),
      alter(template) {
        grants = grantsOf(template);
        return template;
      },
    });
    await everyFlow(whole);
  });

  test('every flow works and nothing is denied', () => {
    expect(calls.filter(({ decision }) => decision === 'denied')).toEqual([]);
    expect(whole.logs().filter(({ kind }) => kind === 'denied')).toEqual([]);
    expect(new Set(whole.events().map(event => event['detail-type']))).toEqual(
      new Set([
        'connection.connected',
        'connection.disconnected',
        'connection.disconnecting',
        'connection.unconfirmed',
        'session.completed',
        'session.expired',
        'session.failed',
        'session.rejected',
      ]),
    );
    const requests = whole.logs().filter(entry => entry.kind === 'request');
    expect(requests.filter(({ status }) => status >= 500)).toEqual([]);
  });

  test('only functions’ calls are checked; this test’s own calls are marked', () => {
    const unchecked = calls.filter(({ decision }) => decision === 'unchecked');

    expect(unchecked.length).toBeGreaterThan(0);
    expect(new Set(unchecked.map(({ accessKey }) => accessKey))).toEqual(new Set(['test']));
  });

  test('each function uses all of its permissions', () => {
    const used = usedOf(calls);

    expect([...used.keys()].toSorted()).toEqual([...grants.keys()].toSorted());
    for (const [name, granted] of grants) {
      const asked = [...(used.get(name) ?? [])];
      expect([name, asked.filter(power => !granted.includes(power))]).toEqual([name, []]);
      expect([name, granted.filter(power => !asked.includes(power))]).toEqual([name, []]);
    }
  });
});

describe('a removed grant', () => {
  const stateToken = writeStateToken({
    referenceId: 'unknown-owner',
    sessionId: 'A'.repeat(22),
    secret: 'B'.repeat(43),
  });
  const asZoe = async (stack: LocalStack, method: string, path: string, body?: unknown) =>
    (await (await person(stack, 'zoe')).call(method, path, body)).status;

  /** A permission, the request that needs it, and the status of the answer with that permission. */
  const requests: [
    name: string,
    action: string,
    resource: RegExp,
    ask: (stack: LocalStack) => Promise<number>,
    now: number,
  ][] = [
    ['create-session', 'dynamodb:PutItem', /Table/, s => asZoe(s, 'POST', '/v1/sessions', { returnTo: 'web' }), 201],
    [
      'mint-token',
      'secretsmanager:GetSecretValue',
      /TerraApi/,
      s => asZoe(s, 'POST', '/v1/tokens', { provider: 'APPLE' }),
      201,
    ],
    ['read-state', 'dynamodb:Query', /Table/, s => asZoe(s, 'GET', '/v1/connections'), 200],
    ['list-providers', 'secretsmanager:GetSecretValue', /TerraApi/, s => asZoe(s, 'GET', '/v1/providers'), 200],
    [
      'confirm-session',
      'dynamodb:GetItem',
      /Table/,
      s => asZoe(s, 'POST', `/v1/sessions/${'A'.repeat(22)}/confirm`, { code: stateToken }),
      400,
    ],
    ['disconnect', 'secretsmanager:GetSecretValue', /ReferenceKey/, s => asZoe(s, 'DELETE', '/v1/me'), 202],
    [
      'complete-callback',
      'dynamodb:UpdateItem',
      /Table/,
      async s => (await fetch(`${s.apiUrl}/v1/callback/${stateToken}/success?user_id=${randomUUID()}`)).status,
      200,
    ],
    ['receive-webhook', 'secretsmanager:GetSecretValue', /TerraWebhook/, async s => (await deliver(s)).status, 200],
  ];
  let crippled: LocalStack;
  beforeAll(async () => {
    const grants = requests.map(([name, action, resource]) => without(name, action, resource));
    crippled = await started({ alter: template => grants.reduce((now, remove) => remove(now), template) });
  });

  test.each(requests)('%s without %s of %s: the caller gets `unavailable`, and the log says why', async (...row) => {
    const [name, action, , ask, status] = row;

    expect(await ask(crippled)).toBe(503);
    expect(await ask(whole)).toBe(status);

    const logs = crippled.logs().filter(entry => 'function' in entry && entry.function === name);
    expect(logs.filter(({ kind }) => kind === 'denied')[0]).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`^User: arn:aws:sts::\\d+:assumed-role/\\S+ is not authorized to perform: ${action} on resource: `),
      ),
    });
    expect(JSON.stringify(logs.filter(({ kind }) => kind === 'function'))).toContain('AccessDenied');
  });

  test('of a scheduled function or the stream publisher stops only that function', async () => {
    const cut = await started({
      settings: { encryption: 'customer' },
      alter: template =>
        [
          without('list-providers', 'kms:Decrypt', /Key/),
          without('SweepRuns', 'lambda:InvokeFunction', /SweepStale/),
          without('sweep-stale', 'dynamodb:Query', /index\/due/),
          without('reconcile', 'dynamodb:Scan', /Table/),
          without('publish-changes', 'events:PutEvents', /Bus/),
        ].reduce((now, remove) => remove(now), template),
    });

    const alice = await connect(cut, 'alice');
    const bySchedule = await cut.invokeSchedule('sweep-stale');
    const bySomebody = await cut.invoke('sweep-stale', {});
    const reconciled = await cut.invokeSchedule('reconcile');

    expect(await alice.connections()).toMatchObject([{ status: 'connected' }]);
    expect((await alice.call('GET', '/v1/providers')).status).toBe(503);
    const denied = (action: string) =>
      cut.logs().find(entry => entry.kind === 'denied' && entry.message.includes(`to perform: ${action} on`));
    expect(bySchedule.outcome).toMatchObject({ ok: false, errorType: 'AccessDeniedException' });
    expect(denied('lambda:InvokeFunction')).toMatchObject({
      message: expect.stringMatching(
        /assumed-role\/\S*SweepRuns\S* is not .* on resource: arn:aws:lambda:\S+SweepStale/,
      ),
    });
    expect(letters(cut, 'SweepRuns')).toEqual([expect.stringContaining('"Scheduled Event"')]);
    expect(denied('dynamodb:Query')).toMatchObject({ message: expect.stringContaining('/index/due because') });
    expect(JSON.stringify(bySomebody.outcome) + JSON.stringify(cut.logs())).toContain('AccessDenied');
    expect(denied('dynamodb:Scan')).toMatchObject({ function: 'reconcile' });
    expect(reconciled.outcome.ok).toBe(false);
    await eventually(
      async () => denied('events:PutEvents'),
      found => found !== undefined,
    );
    expect(cut.events()).toEqual([]);
  });

  test.each(['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'])(
    'of %s stops the start, as it would stop the deployment',
    async action => {
      const alter = without('publish-changes', `dynamodb:${action}`, /Table/);

      await expect(started({ alter })).rejects.toThrow(
        new RegExp(`^publish-changes cannot read its stream: .*\nUser: .* dynamodb:${action} on resource: .*/stream/`),
      );
    },
  );
});

test('with a customer key a user can connect, by permissions on that key', async () => {
  const calls: JudgedCall[] = [];
  const encrypted = await started({ settings: { encryption: 'customer' }, onCall: call => calls.push(call) });

  const alice = await connect(encrypted, 'alice');

  expect(await alice.connections()).toMatchObject([{ status: 'connected' }]);
  expect(calls.filter(({ decision }) => decision === 'denied')).toEqual([]);
  expect(calls.flatMap(({ needs }) => needs.map(({ action }) => action))).toContain('kms:Decrypt');
});

/** Returns a change of the template that removes an action on the matching resources from a function or a schedule. */
function without(owner: string, action: string, resource: RegExp): (template: Template) => Template {
  return template => {
    let removed = 0;
    const shrunk = (statement: Statement): Statement[] =>
      [statement.Resource].flat().map(one => {
        const actions = [statement.Action].flat();
        const left = resource.test(JSON.stringify(one)) ? actions.filter(other => other !== action) : actions;
        removed += actions.length - left.length;
        return { ...statement, Action: left, Resource: one };
      });
    const resources = Object.entries(template.Resources).map(([id, definition]) => {
      if (definition.Type !== 'AWS::IAM::Policy' || !id.startsWith(`Connect${pascal(owner)}Role`))
        return [id, definition];
      const { PolicyDocument, ...properties } = definition.Properties as unknown as PolicyProperties;
      const Statement = PolicyDocument.Statement.flatMap(shrunk).filter(({ Action }) => Action.length > 0);
      return [id, { ...definition, Properties: { ...properties, PolicyDocument: { ...PolicyDocument, Statement } } }];
    });
    if (removed === 0) throw new Error(`${owner} has no ${action} on ${String(resource)} to lose`);
    return { ...template, Resources: Object.fromEntries(resources) as Template['Resources'] };
  };
}

type Statement = { Effect: string; Action: string | string[]; Resource: unknown };
type PolicyProperties = { PolicyDocument: { Statement: Statement[] } };

const pascal = (name: string) => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The permissions of each function, except those that Lambda uses on its behalf: logs, traces and the stream. */
function grantsOf(template: Template): Map<string, string[]> {
  const stack = readStack('terra-connect-local', template, { apiUrl: 'http://localhost' });
  const roles = rolesOf(stack);
  return new Map(
    stack.resources<{ Description: string; Role: string }>('AWS::Lambda::Function').map(({ properties }) => {
      const statements = roles.get(properties.Role)?.statements ?? [];
      const powers = statements.flatMap(({ actions, resources }) =>
        actions.flatMap(action => resources.map(resource => `${action} ${resource}`)),
      );
      return [properties.Description, powers.filter(power => !/^(logs|xray):|\/stream\//.test(power))];
    }),
  );
}

function usedOf(calls: readonly JudgedCall[]): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>();
  for (const { function: name, needs } of calls) {
    if (name === undefined) continue;
    used.set(name, new Set([...(used.get(name) ?? []), ...needs.map(need => `${need.action} ${need.resource}`)]));
  }
  return used;
}

const letters = (stack: LocalStack, of: string) =>
  stack.queues.bodies(stack.queues.urls.find(url => url.includes(of)) ?? 'none');

async function deliver(stack: LocalStack) {
  const body = '{"type":"healthcheck"}';
  const signature = sign(body, 'local-signing-secret-of-the-sandbox', Math.floor(Date.now() / 1000));
  const headers = { 'terra-signature': signature };
  return fetch(`${stack.apiUrl}/v1/webhooks/terra`, { method: 'POST', body, headers });
}
