import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { awsDeployment, type CallAws, callAws } from '../../cli/aws-deployment';
import type { Deployment } from '../../cli/deployment';
import { doctorCommand } from '../../cli/doctor';
import { eventsCommand } from '../../cli/events';
import { explain } from '../../cli/failure';
import { ownerCommand } from '../../cli/owner';
import { secretsCommand } from '../../cli/secrets';
import { NOON } from '../support/world';
import { run } from './terminal';

const commands = { doctor: doctorCommand, secrets: secretsCommand, events: eventsCommand, owner: ownerCommand };

/** An error as the AWS SDK throws it. */
const awsError = (name: string, message = '') => Object.assign(new Error(message), { name });

function fakeAws(overrides: Partial<Record<string, unknown>> = {}): CallAws {
  const answers: Record<string, unknown> = {
    DescribeStacks: {
      Stacks: [
        {
          StackStatus: 'UPDATE_COMPLETE',
          CreationTime: new Date(NOON),
          Outputs: [{ OutputKey: 'ApiUrl', OutputValue: 'https://api.example' }],
        },
      ],
    },
    ListStackResources: {
      StackResourceSummaries: [
        { LogicalResourceId: 'Sweep', ResourceType: 'AWS::Lambda::Function', PhysicalResourceId: 'stack-Sweep-1' },
        {
          LogicalResourceId: 'DeadLetters',
          ResourceType: 'AWS::SQS::Queue',
          PhysicalResourceId: 'https://sqs/letters',
        },
        { LogicalResourceId: 'Orders', ResourceType: 'AWS::SQS::Queue', PhysicalResourceId: 'https://sqs/orders' },
        { LogicalResourceId: 'Table', ResourceType: 'AWS::DynamoDB::Table', PhysicalResourceId: 'stack-Table-1' },
      ],
    },
    GetFunctionConfiguration: {
      Description: 'sweep-stale',
      Environment: { Variables: { TABLE_NAME: 'stack-Table-1' } },
    },
    GetMetricStatistics: {
      Datapoints: [
        { Timestamp: new Date(NOON - 60_000), Sum: 1 },
        { Timestamp: new Date(NOON), Sum: 0 },
      ],
    },
    ...overrides,
  };
  return async (_service, command) => {
    const answer = answers[command];
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

test('on AWS a deployment is read from its stack: outputs, functions, queues, and when a function last ran', async () => {
  const deployment = await awsDeployment('terra-connect-prod', fakeAws());

  expect(deployment).toMatchObject({
    platform: 'aws',
    name: 'terra-connect-prod',
    outputs: { ApiUrl: 'https://api.example' },
    functions: [{ title: 'sweep-stale', environment: { TABLE_NAME: 'stack-Table-1' } }],
    queues: [{ id: 'DeadLetters', url: 'https://sqs/letters' }],
    since: NOON,
  });
  expect(deployment.clientOptions('sqs')).toEqual({});
  expect(await deployment.lastRunOf('sweep-stale')).toBe(NOON - 60_000);
  expect(await deployment.lastRunOf('nothing')).toBeUndefined();
});

test('every page of a list of resources is read', async () => {
  const pages = [
    { StackResourceSummaries: [], NextToken: 'more' },
    {
      StackResourceSummaries: [
        { LogicalResourceId: 'DeadLettersQ', ResourceType: 'AWS::SQS::Queue', PhysicalResourceId: 'https://sqs/q' },
      ],
    },
  ];
  const ask: CallAws = async (service, command, input) =>
    command === 'ListStackResources' ? pages.shift() : fakeAws()(service, command, input);

  expect((await awsDeployment('s', ask)).queues).toEqual([{ id: 'DeadLettersQ', url: 'https://sqs/q' }]);
});

test.each([
  [
    awsError('CredentialsProviderError', 'Could not load credentials from any providers'),
    /There are no AWS credentials/,
  ],
  [awsError('ExpiredTokenException', 'The security token included in the request is expired'), /have expired/],
  [awsError('UnrecognizedClientException'), /does not accept the credentials/],
  [awsError('Error', 'Region is missing'), /No AWS region is set/],
  [
    awsError(
      'AccessDenied',
      'User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:DescribeStacks on',
    ),
    /lack the permission cloudformation:DescribeStacks/,
  ],
  [
    awsError('ValidationError', 'Stack with id terra-connect-prod does not exist'),
    /There is no stack terra-connect-prod/,
  ],
  [awsError('ThrottlingException'), /throttled the calls/],
  [Object.assign(new Error('connect'), { code: 'ENOTFOUND' }), /the host name does not exist/],
])('%s becomes a message with a remedy', async (error, words) => {
  for (const [name, command] of Object.entries(commands)) {
    const line = { doctor: '', secrets: 'show', events: 'count', owner: 'show --sub alice' }[name] ?? '';
    const find = () => awsDeployment('terra-connect-prod', fakeAws({ DescribeStacks: error }));

    const { code, out, err } = await run(command, `${line} --stage prod`, {}, { findDeployment: find });

    expect([name, code, out]).toEqual([name, 1, '']);
    expect(err).toMatch(words);
    expect(err.trim().split('\n')).toHaveLength(2);
  }
});

test('an unexpected error is reported by its class only, because its message may contain a secret', () => {
  const { what } = explain(new SyntaxError('Unexpected token in "key-canary"'));

  expect(what).toBe('An unexpected error occurred (SyntaxError)');
});

test.each([
  ['doctor', '', /^npm run doctor/, 2],
  ['doctor', '--help', /^npm run doctor/, 0],
  ['secrets', '--help', /never taken from arguments/, 0],
  ['events', '--help', /^npm run events/, 0],
  ['owner', '--help', /^npm run owner/, 0],
  ['doctor', '--json', /Name one deployment/, 2],
  ['doctor', '--stage prod --local', /Name one deployment/, 2],
  ['doctor', '--local 99999999', /--local takes a port number/, 2],
  ['doctor', '--local --only nothing', /There is no check nothing/, 2],
  ['doctor', '--nonsense', /Unknown option '--nonsense'/, 2],
  ['secrets', 'set terra-webhook whsec-canary-argument --local', /no such command of secrets/, 2],
  ['secrets', 'set terra-webhook --value=whsec-canary-argument --local', /Unknown option '--value'/, 2],
  ['events', 'purge --local', /Say count, list or redrive/, 2],
  ['owner', 'show --sub --local', /arguments/, 2],
  ['owner', 'import --local --rate fast', /--rate takes a whole number/, 1],
] as const)('%s %s', async (name, line, words, expected) => {
  const find = async () => awsDeployment('s', fakeAws());

  const { code, out, err } = await run(commands[name], line, {}, { findDeployment: find });

  expect(out + err).toMatch(words);
  expect(out + err).not.toContain('canary');
  expect(expected === 1 ? code > 0 : code === expected).toBe(true);
});

test('each missing protection of the table on AWS is found', async () => {
  const guards = { recovery: 'ENABLED', protection: true, expiry: 'ENABLED' };
  const server = createServer((request, response) => {
    const [, action = ''] = String(request.headers['x-amz-target']).split('.');
    const answers: Record<string, object> = {
      DescribeTable: { Table: { DeletionProtectionEnabled: guards.protection } },
      DescribeContinuousBackups: {
        ContinuousBackupsDescription: {
          ContinuousBackupsStatus: 'ENABLED',
          PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: guards.recovery },
        },
      },
      DescribeTimeToLive: { TimeToLiveDescription: { TimeToLiveStatus: guards.expiry, AttributeName: 'purgeAt' } },
    };
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answers[action]));
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const deployment: Deployment = {
    ...(await awsDeployment('s', fakeAws())),
    functions: [{ title: 'all', environment: wholeEnvironment }],
    clientOptions: () => ({ endpoint, region: 'us-east-1', credentials }),
  };
  const only = ['recovery', 'protection', 'expiry'].map(name => `--only table-${name}`).join(' ');
  const examined = async () => {
    const { out } = await run(
      doctorCommand,
      `--stage prod --json ${only}`,
      {},
      { findDeployment: async () => deployment },
    );
    return (JSON.parse(out) as { checks: { kind: string }[] }).checks.map(({ kind }) => kind);
  };

  const guarded = await examined();
  Object.assign(guards, { recovery: 'DISABLED', protection: false, expiry: 'DISABLED' });
  const bare = await examined();

  server.close();
  expect(guarded).toEqual(['ok', 'ok', 'ok']);
  expect(bare).toEqual(['fault', 'warning', 'fault']);
});

test('the installed SDK clients have the commands that the CLI uses', async () => {
  const asked = callAws('cloudformation', 'DescribeNothingOfTheKind', {});

  await expect(asked).rejects.toThrow(/has no DescribeNothingOfTheKind|is not installed/);
});

test('a failing command prints two sentences and sets the exit code', async () => {
  const { code, stderr } = await program('doctor', '--local', '3');

  expect(code).toBe(1);
  expect(stderr).toBe(
    'No local stack answers on port 3.\nStart it with `npm start`, or name its port: --local PORT.\n',
  );
});

function program(name: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const root = join(__dirname, '../..');
  return new Promise(resolve => {
    const command = ['--import', 'tsx', `cli/${name}.ts`, ...args];
    execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

const wholeEnvironment = {
  ISSUER: 'https://login.example',
  OWNER_NAMESPACE: 'https://login.example',
  REFERENCE_ID: 'opaque',
  CONFIRMATION: 'required',
  CONFIRM_WITHIN_MINUTES: '60',
  ALLOW_UNBOUND_TOKENS: 'true',
  DATA_EVENTS: 'coalesce',
  WIDGET: 'current',
  TERRA_API_URL: 'https://terra.example/v2',
  TERRA_WIDGET_URL: 'https://terra.example/widget',
  CALLBACK_BASE: 'https://api.example/v1/callback',
  RETURN_TARGETS: '{"web":"https://app.example"}',
  TABLE_NAME: 'table',
  BUS_NAME: 'bus',
};
