import { environmentNames } from '../../functions/core/platform/environment';
import { at, type Json, lambdas, object, type Properties, resources, templateWith, text, word } from './template';

const template = templateWith();

// Repeated on purpose: to give a function more power takes an edit here too, and a reviewer.
test('each role has exactly these permissions', () => {
  expect(powers()).toEqual({
    CompleteCallback: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream CompleteCallbackLogs',
      'logs:PutLogEvents CompleteCallbackLogs',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    ConfirmSession: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream ConfirmSessionLogs',
      'logs:PutLogEvents ConfirmSessionLogs',
      'secretsmanager:GetSecretValue prod/reference-key',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    CreateSession: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:PutItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream CreateSessionLogs',
      'logs:PutLogEvents CreateSessionLogs',
      'secretsmanager:GetSecretValue prod/reference-key',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    Disconnect: [
      'dynamodb:DeleteItem RecordsTable',
      'dynamodb:GetItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream DisconnectLogs',
      'logs:PutLogEvents DisconnectLogs',
      'secretsmanager:GetSecretValue prod/reference-key',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    ListProviders: [
      'logs:CreateLogStream ListProvidersLogs',
      'logs:PutLogEvents ListProvidersLogs',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    MintToken: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:PutItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream MintTokenLogs',
      'logs:PutLogEvents MintTokenLogs',
      'secretsmanager:GetSecretValue prod/reference-key',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    PublishChanges: [
      'dynamodb:DescribeStream RecordsTable/stream',
      'dynamodb:GetRecords RecordsTable/stream',
      'dynamodb:GetShardIterator RecordsTable/stream',
      'dynamodb:ListStreams RecordsTable/stream',
      'events:PutEvents EventsBus',
      'logs:CreateLogStream PublishChangesLogs',
      'logs:PutLogEvents PublishChangesLogs',
      'sqs:SendMessage DeadLettersQueue',
    ],
    ReadState: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'logs:CreateLogStream ReadStateLogs',
      'logs:PutLogEvents ReadStateLogs',
      'secretsmanager:GetSecretValue prod/reference-key',
    ],
    ReceiveWebhook: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream ReceiveWebhookLogs',
      'logs:PutLogEvents ReceiveWebhookLogs',
      'secretsmanager:GetSecretValue prod/terra-webhook',
    ],
    Reconcile: [
      'dynamodb:GetItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:Scan RecordsTable',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream ReconcileLogs',
      'logs:PutLogEvents ReconcileLogs',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
    ReconcileRuns: ['lambda:InvokeFunction ReconcileFunction', 'sqs:SendMessage ReconcileRunsDeadLetters'],
    SweepRuns: ['lambda:InvokeFunction SweepStaleFunction', 'sqs:SendMessage SweepRunsDeadLetters'],
    SweepStale: [
      'dynamodb:DeleteItem RecordsTable',
      'dynamodb:Query RecordsTable',
      'dynamodb:Query RecordsTable/index/due',
      'dynamodb:UpdateItem RecordsTable',
      'logs:CreateLogStream SweepStaleLogs',
      'logs:PutLogEvents SweepStaleLogs',
      'secretsmanager:GetSecretValue prod/terra-api',
    ],
  });
});

test('each function has exactly this environment', () => {
  const told = lambdas(template).map(([name, { Environment }]) => [name, names(Environment).join(' ')]);

  expect(Object.fromEntries(told)).toEqual({
    'complete-callback':
      'CALLBACK_BASE CONFIRMATION RETURN_TARGETS TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'confirm-session':
      'CONFIRMATION CONFIRM_WITHIN_MINUTES ISSUER OWNER_NAMESPACE REFERENCE_ID REFERENCE_KEY_SECRET TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'create-session':
      'CALLBACK_BASE CONFIRMATION ISSUER OWNER_NAMESPACE REFERENCE_ID REFERENCE_KEY_SECRET RETURN_TARGETS SESSION_LIMIT TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL WIDGET',
    disconnect:
      'CONFIRMATION CONFIRM_WITHIN_MINUTES ISSUER OWNER_NAMESPACE REFERENCE_ID REFERENCE_KEY_SECRET TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'list-providers': 'ISSUER TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'mint-token':
      'ALLOW_UNBOUND_TOKENS ISSUER MINT_LIMIT OWNER_NAMESPACE REFERENCE_ID REFERENCE_KEY_SECRET TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'publish-changes': 'BUS_NAME CONFIRMATION DEAD_LETTER_QUEUE_URL',
    'read-state':
      'CONFIRMATION CONFIRM_WITHIN_MINUTES ISSUER OWNER_NAMESPACE REFERENCE_ID REFERENCE_KEY_SECRET TABLE_NAME',
    'receive-webhook': 'CONFIRMATION CONFIRM_WITHIN_MINUTES DATA_EVENTS REFERENCE_ID TABLE_NAME TERRA_WEBHOOK_SECRET',
    reconcile:
      'CONFIRMATION CONFIRM_WITHIN_MINUTES RECONCILE_DRY_RUN REFERENCE_ID TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
    'sweep-stale':
      'CONFIRMATION CONFIRM_WITHIN_MINUTES REFERENCE_ID SWEEP_DRY_RUN TABLE_NAME TERRA_API_SECRET TERRA_API_URL TERRA_WIDGET_URL',
  });
});

test('no role has a `*` resource, a managed policy or another policy', () => {
  for (const [, { Properties }] of resources(template, 'AWS::IAM::Policy')) {
    expect(JSON.stringify(Properties['PolicyDocument'])).not.toMatch(/[*?]/);
    expect(JSON.stringify(Properties['PolicyDocument'])).not.toMatch(/NotAction|NotResource/);
    expect(Properties['Roles']).toHaveLength(1);
  }
  for (const [, { Properties }] of resources(template, 'AWS::IAM::Role')) {
    expect(Properties).not.toHaveProperty('ManagedPolicyArns');
    expect(Properties).not.toHaveProperty('Policies');
  }
});

test('no two functions share a role, and only its service can assume it', () => {
  const roles = lambdas(template).map(([, { Role }]) => word(template, Role));

  expect(new Set(roles).size).toBe(11);
  for (const [id, { Properties }] of resources(template, 'AWS::IAM::Role')) {
    const service = /(Sweep|Reconcile)Runs/.test(id) ? 'scheduler.amazonaws.com' : 'lambda.amazonaws.com';
    expect(Properties['AssumeRolePolicyDocument']).toMatchObject({
      Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: service } }],
    });
  }
});

test('no function can read both of Terra’s secrets', () => {
  for (const may of Object.values(powers())) {
    const secrets = may.filter(power => /terra-(api|webhook)/.test(power));
    expect(secrets.length).toBeLessThan(2);
  }
});

test('a function’s environment names a resource if and only if it can use it', () => {
  for (const [name, { Environment, Role }] of lambdas(template)) {
    const may = powers()[word(template, Role).replace(/^Connect|Role$/g, '')]?.join(' ') ?? '';
    const knows = names(Environment);
    expect([name, knows.includes('TABLE_NAME')]).toEqual([name, /RecordsTable(?!\/stream)/.test(may)]);
    expect([name, knows.includes('BUS_NAME')]).toEqual([name, /EventsBus/.test(may)]);
    expect([name, knows.includes('DEAD_LETTER_QUEUE_URL')]).toEqual([name, /DeadLettersQueue/.test(may)]);
    expect([name, knows.includes('TERRA_API_SECRET')]).toEqual([name, /terra-api/.test(may)]);
    expect([name, knows.includes('TERRA_WEBHOOK_SECRET')]).toEqual([name, /terra-webhook/.test(may)]);
    expect([name, knows.includes('REFERENCE_KEY_SECRET')]).toEqual([name, /reference-key/.test(may)]);
  }
});

test('environments contain no secret, only ARNs of secrets, and only declared names', () => {
  const told = lambdas(template).flatMap(([, { Environment }]) => Object.entries(variables(Environment)));
  const secrets = told.filter(([name]) => name.endsWith('_SECRET'));
  const others = told.filter(([name]) => !name.endsWith('_SECRET'));

  expect(environmentNames).toEqual(expect.arrayContaining(told.map(([name]) => name)));
  for (const [, value] of secrets) expect(value).toEqual({ Ref: expect.stringMatching(/^ConnectSecrets/) });
  expect(others.filter(([, value]) => /[A-Za-z0-9+_-]{32,}|resolve:|ConnectSecrets/.test(text(value)))).toEqual([]);
});

function powers(): Record<string, string[]> {
  const held: Record<string, string[]> = {};
  for (const [, { Properties }] of resources(template, 'AWS::IAM::Policy')) {
    const [role] = [Properties['Roles']].flat();
    const name = word(template, role).replace(/^Connect|Role$/g, '');
    held[name] = [...(held[name] ?? []), ...allowed(Properties)].toSorted();
  }
  return held;
}

function allowed(policy: Properties): string[] {
  return [at(policy, 'PolicyDocument', 'Statement') ?? []].flat().flatMap(statement => {
    const { Effect, Action, Resource, Condition } = object(statement);
    if (Effect !== 'Allow' || Condition !== undefined) throw new Error('Only plain Allow statements are read here');
    const what = [Resource].flat().map(resource => word(template, resource).replace(/^Connect/, ''));
    return [Action].flat().flatMap(action => what.map(resource => `${text(action)} ${resource}`));
  });
}

const variables = (environment: Json | undefined): Properties => object(at(environment, 'Variables') ?? {});

const names = (environment: Json | undefined): string[] => Object.keys(variables(environment)).toSorted();
