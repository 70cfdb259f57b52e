import { DynamoDBClient, PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Access, accessControl, type JudgedCall } from '../../local/aws/iam/access';
import { startBus } from '../../local/aws/eventbridge/bus';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import type { LambdaFunction } from '../../local/aws/lambda/lambda-function';
import type { LogEntry } from '../../local/log-entry';
import { startQueues } from '../../local/aws/sqs/queue';
import { startSecretsManager } from '../../local/aws/secretsmanager/secrets';
import { connectTable } from '../../local/aws/dynamodb/tables';
import { readStack, type TemplateResource } from '../../local/aws/cloudformation/template';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const ROLE = 'arn:aws:iam::000000000000:role/fixture-Role';
const USER = 'User: arn:aws:sts::000000000000:assumed-role/fixture-Role/f is not authorized to perform:';
const at = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
const table = at('dynamodb', 'table/terra-connect');

const attribute = (id: string, name = 'Arn') => ({ 'Fn::GetAtt': [id, name] });
const document = (...statements: (readonly [action: unknown, resource: unknown])[]) => ({
  Statement: statements.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource })),
});
const attached = (PolicyDocument: object): TemplateResource => ({
  Type: 'AWS::IAM::Policy',
  Properties: { PolicyDocument, Roles: [{ Ref: 'Role' }] },
});

const things: Record<string, TemplateResource> = {
  Role: { Type: 'AWS::IAM::Role' },
  Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'terra-connect' } },
  Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'local/a', SecretString: '{}' } },
  Other: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'local/b', SecretString: '{}' } },
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'letters' } },
  Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'news' } },
};

const open: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(open.splice(0).map(close => close())));

type Setting = {
  access: Access;
  key: string;
  calls: JudgedCall[];
  logs: LogEntry[];
  stack: ReturnType<typeof readStack>;
};

/** One function with one role, in a template that holds these as well. */
function setting(more: Record<string, TemplateResource>): Setting {
  const stack = readStack('fixture', { Resources: { ...things, ...more } }, { apiUrl: 'http://localhost' });
  const definition = { arn: FUNCTION, title: 'f', name: 'f', roleArn: ROLE } as LambdaFunction;
  const calls: JudgedCall[] = [];
  const logs: LogEntry[] = [];
  const access = accessControl({
    stack,
    functions: [definition],
    onCall: call => calls.push(call),
    log: entry => logs.push(entry),
  });
  return { access, key: access.credentialsOf(FUNCTION).accessKeyId, calls, logs, stack };
}

const ask = ({ access, key }: Setting, service: string, action: string, request: object, accessKey = key) =>
  access.onCall({ service, action, accessKey }, { ...request });

describe('the permissions of a call', () => {
  test.each<[string, string, string, object, string[]]>([
    ['a table by name', 'dynamodb', 'Query', { TableName: 'terra-connect' }, [`dynamodb:Query ${table}`]],
    ['a table by ARN', 'dynamodb', 'GetItem', { TableName: table }, [`dynamodb:GetItem ${table}`]],
    [
      'an index',
      'dynamodb',
      'Query',
      { TableName: 't', IndexName: 'due' },
      [`dynamodb:Query ${at('dynamodb', 'table/t/index/due')}`],
    ],
    [
      'a batch',
      'dynamodb',
      'BatchWriteItem',
      { RequestItems: { a: [], b: [] } },
      [`dynamodb:BatchWriteItem ${at('dynamodb', 'table/a')}`, `dynamodb:BatchWriteItem ${at('dynamodb', 'table/b')}`],
    ],
    ['a transaction', 'dynamodb', 'TransactWriteItems', { TransactItems: [] }, ['dynamodb:TransactWriteItems *']],
    ['no table', 'dynamodb', 'ListTables', {}, ['dynamodb:ListTables *']],
    [
      'a secret by name',
      'secretsmanager',
      'GetSecretValue',
      { SecretId: 'local/a' },
      [`secretsmanager:GetSecretValue ${at('secretsmanager', 'secret:local/a-local0')}`],
    ],
    [
      'a secret by ARN',
      'secretsmanager',
      'GetSecretValue',
      { SecretId: at('secretsmanager', 'secret:local/a-local0') },
      [`secretsmanager:GetSecretValue ${at('secretsmanager', 'secret:local/a-local0')}`],
    ],
    [
      'a secret by ARN without its ending',
      'secretsmanager',
      'GetSecretValue',
      { SecretId: at('secretsmanager', 'secret:local/a') },
      [`secretsmanager:GetSecretValue ${at('secretsmanager', 'secret:local/a-local0')}`],
    ],
    [
      'a secret that is not there',
      'secretsmanager',
      'GetSecretValue',
      { SecretId: 'x' },
      [`secretsmanager:GetSecretValue ${at('secretsmanager', 'secret:x')}`],
    ],
    [
      'a queue',
      'sqs',
      'SendMessage',
      { QueueUrl: 'http://127.0.0.1:1/000000000000/letters' },
      [`sqs:SendMessage ${at('sqs', 'letters')}`],
    ],
    [
      'a batch of messages',
      'sqs',
      'SendMessageBatch',
      { QueueUrl: 'https://x/letters' },
      [`sqs:SendMessage ${at('sqs', 'letters')}`],
    ],
    [
      'buses',
      'events',
      'PutEvents',
      { Entries: [{ EventBusName: 'news' }, { EventBusName: 'news' }, {}] },
      [`events:PutEvents ${at('events', 'event-bus/news')}`, `events:PutEvents ${at('events', 'event-bus/default')}`],
    ],
    ['another service', 'sts', 'AssumeRole', {}, ['sts:AssumeRole *']],
  ])('%s', (_what, service, action, request, needs) => {
    const here = setting({});

    ask(here, service, action, request);

    expect(here.calls[0]?.needs.map(need => `${need.action} ${need.resource}`)).toEqual(needs);
    expect(here.calls[0]?.decision).toBe('denied');
  });

  test('data encrypted by a customer key also needs the key, through the service', () => {
    const key = at('kms', 'fixture-Key');
    const here = setting({
      Key: { Type: 'AWS::KMS::Key' },
      Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'local/a', KmsKeyId: attribute('Key') } },
      Policy: attached(document(['secretsmanager:*', '*'])),
    });

    const refused = ask(here, 'secretsmanager', 'GetSecretValue', { SecretId: 'local/a' });

    expect(here.calls[0]?.needs[1]).toEqual({
      action: 'kms:Decrypt',
      resource: key,
      via: 'secretsmanager.us-east-1.amazonaws.com',
    });
    expect(JSON.stringify(refused)).toContain(`kms:Decrypt on resource: ${key} because no identity-based policy`);
  });
});

describe('the permissions of a role', () => {
  const scan = (here: Setting) => ask(here, 'dynamodb', 'Scan', { TableName: 'terra-connect' });
  const grant = document(['dynamodb:Scan', attribute('Table')]);

  test.each<[string, Record<string, TemplateResource>]>([
    ['a policy that is attached', { P: attached(grant) }],
    [
      'an inline policy',
      { Role: { Type: 'AWS::IAM::Role', Properties: { Policies: [{ PolicyName: 'in', PolicyDocument: grant }] } } },
    ],
    [
      'a role policy',
      { P: { Type: 'AWS::IAM::RolePolicy', Properties: { RoleName: { Ref: 'Role' }, PolicyDocument: grant } } },
    ],
    [
      'a managed policy of the template',
      {
        Role: { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: [{ Ref: 'P' }] } },
        P: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: grant } },
      },
    ],
  ])('%s counts', (_what, resources) => {
    expect(scan(setting(resources))).toBeUndefined();
  });

  test('a policy of another role does not count', () => {
    const P = { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: grant, Roles: ['another'] } };

    expect(scan(setting({ P }))).toMatchObject({ status: 400 });
  });

  test.each<[string, object, string]>([
    [
      'a policy of AWS’s own',
      { ManagedPolicyArns: ['arn:aws:iam::aws:policy/Some'] },
      'The role Role has arn:aws:iam::aws:policy/Some, which the template does not contain',
    ],
    ['a boundary', { PermissionsBoundary: 'arn:x' }, 'The role Role has a permissions boundary, which is not emulated'],
  ])('%s stops the start', (_what, Properties, message) => {
    expect(() => setting({ Role: { Type: 'AWS::IAM::Role', Properties: { ...Properties } } })).toThrow(message);
  });

  test('a role that is not in the template stops the start', () => {
    expect(() => setting({ Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'other' } } })).toThrow(
      `The template does not contain the role ${ROLE}`,
    );
  });

  test('a call with credentials of no function is allowed, and marked', () => {
    const here = setting({});

    expect(ask(here, 'dynamodb', 'Scan', { TableName: 'terra-connect' }, 'test')).toBeUndefined();
    expect(here.calls).toMatchObject([{ function: undefined, decision: 'unchecked' }]);
    expect(here.logs).toEqual([]);
  });

  test('a denial is logged as one', () => {
    const Statement = [{ Effect: 'Deny', Action: '*', Resource: '*' }, ...grant.Statement];

    expect(scan(setting({ P: attached({ Statement }) }))).toMatchObject({
      body: {
        Message: `${USER} dynamodb:Scan on resource: ${table} with an explicit deny in an identity-based policy`,
      },
    });
  });
});

test('each emulated service refuses as AWS does without a change, and allows what is granted', async () => {
  const here = setting({
    P: attached(document(['dynamodb:Scan', attribute('Table')], ['secretsmanager:GetSecretValue', { Ref: 'Secret' }])),
  });
  const { onCall } = here.access;
  const [secret, queue] = [
    here.stack.resources('AWS::SecretsManager::Secret'),
    here.stack.resources('AWS::SQS::Queue'),
  ];
  const services = await Promise.all([
    startDynamoDb({ tables: [connectTable], onCall }),
    startSecretsManager({ declared: secret, onCall }),
    startBus({ names: ['news'], onCall }),
    startQueues({ declared: queue, onCall }),
  ]);
  open.push(...services.map(service => () => service.close()));
  const [dynamodb, secrets, bus, queues] = services;
  const as = (endpoint: string, accessKeyId = here.key) => ({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'x' },
    maxAttempts: 1,
  });
  const TableName = connectTable.TableName;
  const Item = { owner: { S: 'o' }, item: { S: 'i' } };
  const client = new DynamoDBClient(as(dynamodb.endpoint));
  const QueueUrl = queues.urls[0];
  const Entries = [{ EventBusName: 'news', Source: 's', DetailType: 'd', Detail: '{}' }];
  const refused = {
    'dynamodb:PutItem': client.send(new PutItemCommand({ TableName, Item })),
    'dynamodb:Query': client.send(new QueryCommand({ TableName, KeyConditionExpression: 'nonsense' })),
    'secretsmanager:GetSecretValue': new SecretsManagerClient(as(secrets.endpoint)).send(
      new GetSecretValueCommand({ SecretId: 'local/b' }),
    ),
    'events:PutEvents': new EventBridgeClient(as(bus.endpoint)).send(new PutEventsCommand({ Entries })),
    'sqs:sendmessage': new SQSClient(as(queues.endpoint)).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
  };

  for (const [action, answer] of Object.entries(refused)) {
    const error = await answer.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } });
    expect(String(error)).toContain(`${USER} ${action} on resource: arn:aws:`);
    expect(String(error)).toMatch(`because no identity-based policy allows the ${action} action`);
  }
  expect((await client.send(new ScanCommand({ TableName }))).Items).toEqual([]);
  const allowed = new SecretsManagerClient(as(secrets.endpoint)).send(
    new GetSecretValueCommand({ SecretId: 'local/a' }),
  );
  expect((await allowed).SecretString).toBe('{}');
  expect([bus.events(), queues.bodies(QueueUrl ?? '')]).toEqual([[], []]);
  const byTests = new DynamoDBClient(as(dynamodb.endpoint, 'test'));
  await byTests.send(new PutItemCommand({ TableName, Item }));
  expect((await client.send(new ScanCommand({ TableName }))).Items).toEqual([Item]);
  expect(here.logs.filter(({ kind }) => kind === 'denied')).toHaveLength(5);
});
