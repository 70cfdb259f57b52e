import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { version as sdkVersion } from '@aws-sdk/client-dynamodb/package.json';
import * as sdkTimes from '@smithy/core/serde';
import { environmentNames } from '../../functions/core/platform/environment';
import { bundleFunctions, functionNames, leanModules } from '../../infra/bundle/bundle';
import * as lean from '../../infra/bundle/lean-sdk';
import { sharedBundles } from '../support/synthesis';
import { at, lambdas, object, templateWith } from './template';

const project = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'terra-connect-bundle-'));
const into = join(folder, 'bundles');
const names = functionNames(join(project, 'functions'));
const metafile = bundleFunctions({ functions: join(project, 'functions'), into });

afterAll(() => rmSync(folder, { recursive: true }));

/** Functions that show one thing each. */
const small = {
  'say-hello': 'export const handler = async () => "hello";',
  'ask-keys': `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
      export const handler = () => new DynamoDBClient({ region: 'local' }).config.credentials().then(keys => keys.accessKeyId);`,
  'ask-region': `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
      const { config } = new DynamoDBClient({});
      export const handler = async () => \`\${await config.region()} \${await config.endpointDiscoveryEnabledProvider()}\`;`,
  'ask-table': `import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
      import { Readable } from 'node:stream';
      let sent;
      const handle = async request => {
        sent = request;
        return { response: { statusCode: 200, headers: {}, body: Readable.from(['{}']) } };
      };
      const client = new DynamoDBClient({ requestHandler: { handle } });
      export const handler = async () => {
        await client.send(new DescribeTableCommand({ TableName: 'some' }));
        const { authorization, 'user-agent': agent, 'X-Amzn-Trace-Id': trace } = sent.headers;
        return JSON.stringify({ host: sent.hostname, signed: /Signature=[0-9a-f]{64}$/.test(authorization), agent, trace });
      };`,
  'extend-client': `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
      export const handler = async () => new DynamoDBClient({ extensions: [{ configure: () => undefined }] });`,
  'name-endpoint': `import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
      export const handler = () => new EventBridgeClient({}).send(new PutEventsCommand({ EndpointId: 'some', Entries: [] }));`,
};

/** Calls all four services and prints what it sends, what it gets and which endpoints it knows, without what differs from run to run. */
const callsToAllServices = `import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
  import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
  import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
  import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
  import { createHash } from 'node:crypto';
  import { Readable } from 'node:stream';

  const text = 'é 🏃 \\ud800 "\\n" '.repeat(400);
  const message = { MessageBody: text, QueueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/some' };
  const MD5OfMessageBody = createHash('md5').update(text).digest('hex');
  const calls = [
    [DynamoDBClient, PutItemCommand, { TableName: 'some', Item: { key: { S: text }, n: { N: '1' }, b: { B: new Uint8Array(5) } } },
      { Attributes: { key: { S: text } } }, 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException'],
    [EventBridgeClient, PutEventsCommand, { Entries: [{ Detail: text, Time: new Date(0) }] },
      { FailedEntryCount: 0, Entries: [{ EventId: '1' }] }, 'ManagedRuleException'],
    [SecretsManagerClient, GetSecretValueCommand, { SecretId: 'some' },
      { SecretString: text, CreatedDate: 1700000000.5 }, 'ResourceNotFoundException'],
    [SQSClient, SendMessageCommand, message, { MessageId: '1', MD5OfMessageBody }, 'com.amazonaws.sqs#InvalidMessageContents'],
    [SQSClient, SendMessageCommand, message, { MessageId: '1', MD5OfMessageBody: 'other' }, 'com.amazonaws.sqs#Made'],
  ];

  const outcome = async ([Client, Command, input], [statusCode, answer]) => {
    const sent = [];
    const handle = async ({ headers, body, ...request }) => {
      const { authorization, 'x-amz-date': date, 'amz-sdk-invocation-id': id, 'x-amz-user-agent': sdk, ...same } = headers;
      // The SDK's CommonJS build names the version before its own.
      same['user-agent'] = same['user-agent'].replaceAll(/\\d+\\.\\d+\\.\\d+/g, 'version');
      const [, scope, names] = /Credential=[^/]+\\/\\d+\\/(\\S+), SignedHeaders=(\\S+),/.exec(authorization);
      sent.push({ ...request, headers: same, scope, names, body: new TextDecoder().decode(body) });
      const bytes = JSON.stringify(answer);
      return { response: { statusCode, headers: { 'x-amzn-requestid': 'r' }, body: Readable.from([Buffer.from(bytes)]) } };
    };
    const client = new Client({ requestHandler: { handle }, maxAttempts: 2, useQueueUrlAsEndpoint: false });
    const result = await client.send(new Command(input)).then(
      output => ({ output }),
      error => {
        const { totalRetryDelay, ...metadata } = error.$metadata ?? {};
        const classes = [];
        for (let { constructor } = error; constructor !== Object; constructor = Object.getPrototypeOf(constructor.prototype).constructor) {
          classes.push(constructor.shapeId);
        }
        return { ...error, $metadata: metadata, classes, name: error.name, message: error.message };
      },
    );
    return { sent, result };
  };

  const regions = ['us-east-1', 'eu-central-2', 'mx-central-1', 'cn-north-1', 'cn-northwest-1', 'us-gov-east-1', 'us-gov-west-1',
    'eusc-de-east-1', 'us-iso-east-1', 'us-isob-east-1', 'eu-isoe-west-1', 'us-isof-south-1', 'xx-new-1'];
  const urls = Client => {
    const { config } = new Client({});
    return [
      ...regions.flatMap(Region => [false, true].map(UseFIPS => config.endpointProvider({ Region, UseFIPS }))),
      config.endpointProvider({ Region: 'eu-west-1', Endpoint: 'http://127.0.0.1:8000/path' }),
    ].map(({ url, properties }) => [url.href, properties]);
  };

  export const handler = async () => JSON.stringify({
    urls: [DynamoDBClient, EventBridgeClient, SecretsManagerClient, SQSClient].map(urls),
    outcomes: await Promise.all(calls.flatMap(call => [
      [200, call[3]],
      [400, { __type: call[4], message: text }],
      [400, { __type: 'MadeUpException', Message: 'made up' }],
      [400, { __type: 'ThrottlingException', message: 'slower' }],
      [503, {}],
    ].map(answer => outcome(call, answer)))),
  });`;

let own: string;
beforeAll(() => {
  own = functionsOf({ ...small, 'call-all': callsToAllServices, core: '' });
  bundleFunctions({ functions: own, into: join(own, '../out') });
});

const toldTo = new Map(
  lambdas(templateWith()).map(([name, { Environment }]) => [name, Object.keys(object(at(Environment, 'Variables')))]),
);

/** What Lambda sets and every call to AWS needs. */
const environment = { AWS_ACCESS_KEY_ID: 'made-up', AWS_SECRET_ACCESS_KEY: 'made-up-too', AWS_REGION: 'eu-west-1' };

/** Variables that some functions name and can do without: only others serve users, open widgets or mint. */
const dispensable = ['ISSUER', 'WIDGET', 'REFERENCE_ID', 'ALLOW_UNBOUND_TOKENS', 'APP_LOOK'];

/** What a bare Node finds in each bundle. */
let handlers: Record<string, { kind: string; hasFewParameters: boolean }>;
beforeAll(() => {
  const files = JSON.stringify(Object.fromEntries(names.map(name => [name, join(into, name, 'index.js')])));
  const look = `Object.entries(${files}).map(([name, file]) => {
    const { handler } = require(file);
    return [name, { kind: handler.constructor.name, hasFewParameters: handler.length < 3 }];
  })`;
  handlers = JSON.parse(run(`JSON.stringify(Object.fromEntries(${look}))`));
});

describe.each(names)('%s', name => {
  const file = join(into, name, 'index.js');
  const code = readFileSync(file);
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint?.includes(`/${name}/`));

  test('is below its size limit', () => {
    expect(code.length).toBeLessThanOrEqual(225 * 1024);
    expect(gzipSync(code).length).toBeLessThanOrEqual(72 * 1024);
  });

  test('is one CommonJS file with an async handler of at most two parameters', () => {
    expect(readdirSync(join(into, name))).toEqual(['index.js']);
    expect(output?.exports).toEqual([]);
    expect(handlers[name]).toEqual({ kind: 'AsyncFunction', hasFewParameters: true });
  });

  test('contains neither full zod nor the parts of the SDK that read settings outside the environment', () => {
    const inputs = Object.entries(output?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([input]) => input);

    expect(inputs.length).toBeGreaterThan(0);
    expect(
      inputs.filter(input =>
        /credential-provider-(?!env)|ini-file|eventstream|endpoint-cache|zod\/v4\/classic/.test(input),
      ),
    ).toEqual([]);
    expect(code.includes('169.254.169.254')).toBe(false);
  });

  test('gets every environment variable that it needs, and none that it does not name', () => {
    const named = environmentNames.filter(variable => code.includes(`"${variable}"`));
    const told = toldTo.get(name) ?? [];

    expect(named.filter(variable => !told.includes(variable) && !dispensable.includes(variable))).toEqual([]);
    expect(told.filter(variable => !named.some(known => known === variable))).toEqual([]);
  });
});

test('the same sources give the same bytes', () => {
  const again = sharedBundles();

  for (const name of names) {
    expect(readFileSync(join(again, name, 'index.js')).equals(readFileSync(join(into, name, 'index.js')))).toBe(true);
  }
});

test('a function without the SDK contains none of it, and core is not a function', () => {
  expect(readdirSync(join(own, '../out'))).toEqual([...Object.keys(small), 'call-all'].toSorted());
  expect(readFileSync(join(own, '../out/say-hello/index.js')).length).toBeLessThan(12 * 1024);
});

test.each([
  ['complete-callback', ['terra.ts', 'dynamo-store.ts'], ['terra-event.ts', 'owner.ts']],
  ['read-state', ['dynamo-store.ts'], ['terra.ts', 'terra-event.ts']],
  ['list-providers', ['terra.ts'], ['dynamo-store.ts', 'terra-event.ts', 'owner.ts']],
])('%s contains only the files of core that it uses', (name, used, unused) => {
  const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint?.includes(`/${name}/`));
  const core = Object.entries(output?.inputs ?? {})
    .filter(([input, { bytesInOutput }]) => bytesInOutput > 0 && input.includes('functions/core/'))
    .map(([input]) => basename(input));

  expect(core).toEqual(expect.arrayContaining(used));
  expect(core.filter(file => unused.includes(file))).toEqual([]);
});

test('every replaced module still exists in the SDK', () => {
  const inputs = Object.keys(metafile.inputs);

  expect(Object.keys(leanModules).filter(file => !inputs.some(input => input.endsWith(`/${file}`)))).toEqual([]);
});

test('a client takes its credentials from the environment only', () => {
  const ask = answerOf(own, 'ask-keys');

  expect(run(ask, { AWS_PROFILE: 'somebody', HOME: own })).toBe('Unable to find environment variable credentials.');
  expect(run(ask, { AWS_ACCESS_KEY_ID: 'made-up', AWS_SECRET_ACCESS_KEY: 'made-up-too' })).toBe('made-up');
});

test('a client takes its settings from the environment only', () => {
  mkdirSync(join(own, '.aws'));
  writeFileSync(join(own, '.aws/config'), '[default]\nregion = eu-north-1\nendpoint_discovery_enabled = true\n');
  const ask = answerOf(own, 'ask-region');

  expect(run(ask, { HOME: own })).toBe('Region is missing');
  expect(run(ask, { HOME: own, AWS_REGION: 'eu-west-1', AWS_ENABLE_ENDPOINT_DISCOVERY: 'true' })).toBe(
    'eu-west-1 false',
  );
});

describe('a call to AWS', () => {
  let ask: string;
  beforeAll(() => {
    ask = answerOf(own, 'ask-table');
  });

  test('is signed, names the SDK’s version, and passes on the trace header', () => {
    const traced = { ...environment, AWS_LAMBDA_FUNCTION_NAME: 'some', _X_AMZN_TRACE_ID: 'Root=1-some' };

    const { signed, agent, trace } = JSON.parse(run(ask, traced));

    expect({ signed, trace }).toEqual({ signed: true, trace: 'Root=1-some' });
    expect(agent).toContain(`aws-sdk-js/${sdkVersion} `);
  });

  test.each(['us-east-1', 'il-central-1', 'cn-north-1', 'us-gov-west-1', 'eusc-de-east-1', 'us-iso-east-1'])(
    'goes where the complete SDK sends it: %s',
    async region => {
      const whole = new DynamoDBClient({ region, credentials: { accessKeyId: '', secretAccessKey: '' } });
      const { url } = whole.config.endpointProvider({ Region: region });

      expect(JSON.parse(run(ask, { ...environment, AWS_REGION: region })).host).toBe(url.hostname);
    },
  );

  test('goes to the endpoint in the environment', () => {
    const hostWith = (settings: Record<string, string>) => JSON.parse(run(ask, { ...environment, ...settings })).host;

    expect(hostWith({ AWS_USE_FIPS_ENDPOINT: 'true' })).toBe('dynamodb-fips.eu-west-1.amazonaws.com');
    expect(hostWith({ AWS_ENDPOINT_URL: 'http://one.example:1', AWS_ENDPOINT_URL_SQS: 'http://two.example' })).toBe(
      'one.example',
    );
    expect(hostWith({ AWS_ENDPOINT_URL: 'http://one.example', AWS_ENDPOINT_URL_DYNAMODB: 'http://two.example' })).toBe(
      'two.example',
    );
    expect(hostWith({ AWS_ENDPOINT_URL: 'http://one.example', AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' })).toBe(
      'one.example',
    );
    // The account's own endpoint is left out. The regional endpoint serves every account.
    expect(hostWith({ AWS_ACCOUNT_ID: '123456789012' })).toBe('dynamodb.eu-west-1.amazonaws.com');
  });

  test.each([
    [{ AWS_RETRY_MODE: 'adaptive' }, 'the retry mode "adaptive" is left out'],
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'unset AWS_USE_DUALSTACK_ENDPOINT'],
    [
      { AWS_USE_DUALSTACK_ENDPOINT: 'true', AWS_ENDPOINT_URL: 'http://one.example' },
      'unset AWS_USE_DUALSTACK_ENDPOINT',
    ],
    [{ AWS_USE_FIPS_ENDPOINT: 'true', AWS_ENDPOINT_URL: 'http://one.example' }, 'unset AWS_USE_FIPS_ENDPOINT or'],
    [{ AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required' }, 'unset AWS_ACCOUNT_ID_ENDPOINT_MODE'],
  ])('fails if it needs an omitted feature: %j', (settings, message) => {
    expect(run(ask, { ...environment, ...settings })).toContain(message);
  });
});

test('requests, responses, errors and endpoints equal those of the complete SDK', () => {
  const whole = join(own, 'call-all/index.mjs');
  writeFileSync(whole, callsToAllServices);

  const bundled = JSON.parse(run(answerOf(own, 'call-all'), environment));

  expect(bundled.outcomes).toHaveLength(25);
  expect(bundled).toEqual(
    JSON.parse(
      run(
        `import(${JSON.stringify(whole)}).then(async ({ handler }) => console.log(await handler())); ''`,
        environment,
      ),
    ),
  );
});

test('an omitted feature of a replaced module throws', () => {
  expect(run(answerOf(own, 'extend-client'))).toBe('extensions of clients are left out of the bundles');
  expect(run(answerOf(own, 'name-endpoint'), environment)).toContain('global endpoints of EventBridge are left out');
  expect(() => lean.getHttpOperationBindings({ traits: { endpoint: ['data.'] } })).toThrow('host prefixes');
});

test('a time in an answer is parsed as the complete SDK parses it', () => {
  type Times = Pick<typeof lean, 'parseEpochTimestamp' | 'parseRfc3339DateTimeWithOffset' | 'parseRfc7231DateTime'>;
  const read = ({ parseEpochTimestamp, parseRfc3339DateTimeWithOffset, parseRfc7231DateTime }: Times) => [
    ...[1_700_000_000.123, '1700000000', undefined].map(parseEpochTimestamp),
    ...['2026-11-23T01:02:03.456Z', '2026-11-23T01:02:03+05:30', null].map(parseRfc3339DateTimeWithOffset),
    ...['Mon, 23 Nov 2026 01:02:03 GMT', null].map(parseRfc7231DateTime),
  ];

  expect(read(lean)).toEqual(read(sdkTimes));
});

test('a time in a request is written as the complete SDK writes it, and an invalid one is refused by both', () => {
  const time = new Date(Date.UTC(2026, 1, 3, 4, 5, 6));

  expect(lean.dateToUtcString(time)).toBe(sdkTimes.dateToUtcString(time));
  for (const { parseEpochTimestamp, parseRfc7231DateTime } of [lean, sdkTimes]) {
    expect(() => parseEpochTimestamp('soon')).toThrow(TypeError);
    expect(() => parseRfc7231DateTime('soon')).toThrow(TypeError);
  }
});

test('a missing export of a replaced module stops the build', () => {
  const broken = functionsOf({
    'ask-more': `import { somethingNew } from '@aws-sdk/credential-provider-node'; export const handler = somethingNew;`,
  });

  expect(() => bundleFunctions({ functions: broken, into: join(broken, '../out') })).toThrow('No matching export');
});

test('a folder without an entry stops the build, and the message names it', () => {
  const broken = functionsOf({});
  mkdirSync(join(broken, 'half-done'));

  expect(() => bundleFunctions({ functions: broken, into: join(broken, '../out') })).toThrow('half-done/index.ts');
});

function functionsOf(entries: Record<string, string>): string {
  const home = mkdtempSync(join(folder, 'own-'));
  symlinkSync(join(project, 'node_modules'), join(home, 'node_modules'));
  mkdirSync(join(home, 'functions'));
  for (const [name, code] of Object.entries(entries)) {
    mkdirSync(join(home, 'functions', name));
    writeFileSync(join(home, 'functions', name, 'index.ts'), code);
  }
  return join(home, 'functions');
}

/** An expression that prints what the handler of a bundled function resolves to, or why it does not. */
function answerOf(functions: string, name: string): string {
  return `require(${JSON.stringify(join(functions, '../out', name, 'index.js'))}).handler()
    .then(answer => console.log(answer), error => console.log(error.message)); ''`;
}

/** What a bare Node prints for an expression, with nothing in its environment but this. */
function run(expression: string, env: Record<string, string> = {}): string {
  return execFileSync(process.execPath, ['-e', `console.log(String(eval(${JSON.stringify(expression)})))`], {
    env: { ...env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    encoding: 'utf8',
  }).trim();
}
