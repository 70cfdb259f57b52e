import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sign } from '../../functions/core/terra/signature';
import type { AwsCall } from '../../local/aws/aws-call';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { startSandbox } from '../../local/sandbox/sandbox';
import { startSecretsManager } from '../../local/aws/secretsmanager/secrets';
import { sharedBundles } from '../support/synthesis';
import { authorizerOf, tokenOf } from '../support/token';
import type { SecretCount } from './flow-counts';

const COLD_CALLERS = 50;
const WARM_CALLS = 1000;
const SIGNING_SECRET = 'signing-secret-of-the-count';
const ISSUER = 'https://issuer.example/';

/** Each secret, and the request of a function that needs it and no other. */
const readers: readonly { secret: string; function: string; event: () => object }[] = [
  { secret: 'terra-webhook', function: 'receive-webhook', event: delivery },
  { secret: 'reference-key', function: 'read-state', event: () => signedIn('GET /v1/connections') },
  { secret: 'terra-api', function: 'list-providers', event: () => signedIn('GET /v1/providers') },
];

/** Calls the bundle of a function of each secret's, in one process: 50 times at once when cold, then 1,000 times. */
export async function countSecretFetches(): Promise<SecretCount[]> {
  const calls: AwsCall[] = [];
  const onCall = (call: AwsCall) => void calls.push(call);
  const fetches = () => calls.filter(({ action }) => action === 'GetSecretValue').length;
  const values = {
    'terra-webhook': JSON.stringify({ current: SIGNING_SECRET }),
    'reference-key': 'reference-key-of-the-count-0123456789abcdef',
    'terra-api': JSON.stringify({ devId: 'dev', apiKey: 'key' }),
  };
  const [dynamodb, sandbox, secrets] = await Promise.all([
    startDynamoDb(),
    startSandbox({ port: 0, devId: 'dev', apiKey: 'key', signingSecret: SIGNING_SECRET }),
    startSecretsManager({
      declared: Object.entries(values).map(([Name, SecretString]) => ({
        logicalId: Name,
        ref: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${Name}-local0`,
        arn: Name,
        properties: { Name, SecretString },
      })),
      onCall,
    }),
  ]);

  const counts: SecretCount[] = [];
  try {
    for (const { secret, function: name, event } of readers) {
      const lambda = startProcess(join(sharedBundles(), name, 'index.js'), {
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
        TABLE_NAME: dynamodb.tableName,
        TERRA_API_URL: sandbox.apiUrl,
        TERRA_WIDGET_URL: sandbox.widgetUrl,
      });
      const before = fetches();
      await lambda.call(Array.from({ length: COLD_CALLERS }, event));
      const cold = fetches();
      for (let called = 0; called < WARM_CALLS; called += COLD_CALLERS) {
        await lambda.call(Array.from({ length: COLD_CALLERS }, event));
      }
      counts.push({
        secret,
        coldCallers: COLD_CALLERS,
        fetchesForColdCallers: cold - before,
        warmCalls: WARM_CALLS,
        fetchesForWarmCalls: fetches() - cold,
      });
      await lambda.stop();
    }
    return counts;
  } finally {
    await Promise.all([dynamodb, sandbox, secrets].map(service => service.close()));
  }
}

function startProcess(bundle: string, environment: Record<string, string>) {
  const child = fork(join(__dirname, 'lambda-process.cjs'), [bundle], {
    execArgv: ['--disable-warning=NodeVersionSupportWarning'],
    // What it logs is counted elsewhere.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...environment,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      TERRA_WEBHOOK_SECRET: 'terra-webhook',
      REFERENCE_KEY_SECRET: 'reference-key',
      TERRA_API_SECRET: 'terra-api',
      ISSUER,
      OWNER_NAMESPACE: ISSUER,
      REFERENCE_ID: 'opaque',
      CONFIRMATION: 'required',
      CONFIRM_WITHIN_MINUTES: '60',
      DATA_EVENTS: 'coalesce',
    },
  });
  const ended = once(child, 'exit');
  return {
    async call(events: readonly object[]): Promise<void> {
      child.send(events);
      const [statuses] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
      const isAnswered = Array.isArray(statuses) && statuses.every(status => status === 200);
      if (!isAnswered) throw new Error(`${bundle} answered ${JSON.stringify(statuses)}`);
    },
    async stop(): Promise<void> {
      child.kill();
      await ended;
    },
  };
}

/** An event about an unknown user, signed as Terra signs. */
function delivery() {
  const body = JSON.stringify({
    type: 'daily',
    user: { user_id: 'nobody', provider: 'GARMIN', reference_id: 'nobody' },
  });
  const signature = sign(Buffer.from(body), SIGNING_SECRET, Math.floor(Date.now() / 1000));
  return { ...request('POST /v1/webhooks/terra'), headers: { 'x-terra-signature': signature }, body };
}

function signedIn(routeKey: string) {
  const payload = { sub: 'alice', iss: ISSUER };
  return {
    ...request(routeKey),
    headers: { authorization: `Bearer ${tokenOf(payload)}` },
    requestContext: { requestId: 'request', authorizer: authorizerOf(payload) },
  };
}

const request = (routeKey: string) => ({ routeKey, headers: {}, requestContext: { requestId: 'request' } });
