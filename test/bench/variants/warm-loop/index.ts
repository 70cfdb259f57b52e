import { createHmac, randomBytes } from 'node:crypto';
import * as aws from '@aws-sdk/client-dynamodb';
import { readSignature, sign, verifySignature } from '../../../../functions/core/terra/signature';

/** One call of the AWS SDK: the operation and its input. */
export type SdkCall = { action: 'PutItem' | 'Query' | 'UpdateItem'; input: object };

/** What the parent asks for: a handler with an event, and the SDK calls it has to make for it. */
export type WebhookTask = { bundle: string; event: object; calls: readonly SdkCall[]; rounds: number; times: number };

/** Rounds done before those that count: until then V8 spends as much on compiling as on running. */
const WARM_UP = 60;

/** CPU microseconds for each round. */
export type Pairs = { ours: number; theirs: number }[];

/** The handler against the SDK calls it cannot do without, in turns in one process. */
async function compareWebhook({ bundle, event, calls, rounds, times }: WebhookTask): Promise<Pairs> {
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const) console[level] = () => {};
  const load = (file: string) => (file.endsWith('.mjs') ? import(file) : require(file));
  const { handler } = (await load(bundle)) as {
    handler: (event: object, context: object) => Promise<{ statusCode: number }>;
  };
  // Bounded as in `dependencies.ts`.
  const requestHandler = { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true };
  const client = new aws.DynamoDBClient({ maxAttempts: 3, requestHandler });
  const context = { functionName: 'webhook', awsRequestId: 'request' };
  const invoke = async () => {
    // Middlewares write into the event they are given.
    const { statusCode } = await handler({ ...event }, context);
    if (statusCode !== 200) throw new Error(`the webhook answered ${statusCode}`);
  };
  const call = async () => {
    for (const { action, input } of calls) await client.send(commandOf(action, input));
  };
  await spent(invoke, WARM_UP * times);
  await spent(call, WARM_UP * times);
  const pairs: Pairs = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({ ours: await spent(invoke, times), theirs: await spent(call, times) });
  return pairs;
}

function commandOf(action: SdkCall['action'], input: object) {
  switch (action) {
    case 'PutItem':
      return new aws.PutItemCommand(input as aws.PutItemCommandInput);
    case 'Query':
      return new aws.QueryCommand(input as aws.QueryCommandInput) as never;
    case 'UpdateItem':
      return new aws.UpdateItemCommand(input as aws.UpdateItemCommandInput) as never;
    default:
      return action satisfies never;
  }
}

/** The check of a delivery's signature against a bare HMAC over the same bytes. */
async function compareVerification({
  bytes,
  rounds,
  times,
}: {
  bytes: number;
  rounds: number;
  times: number;
}): Promise<Pairs> {
  const secret = randomBytes(16).toString('hex');
  const body = randomBytes(bytes);
  const now = Math.floor(Date.now() / 1000);
  const headers = { 'x-terra-signature': sign(body, secret, now) };
  const verify = () => {
    const read = readSignature(headers, now);
    if (!read.ok || !verifySignature(read.claim, body, [secret])) throw new Error('a true signature was refused');
  };
  const bare = () => createHmac('sha256', secret).update(`${now}.`).update(body).digest();
  await spent(verify, WARM_UP * times);
  await spent(bare, WARM_UP * times);
  const pairs: Pairs = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({ ours: await spent(verify, times), theirs: await spent(bare, times) });
  return pairs;
}

/** CPU microseconds that doing it so often took, user and system, each time. */
async function spent(act: () => unknown, times: number): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < times; done++) await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

process.once('message', (task: WebhookTask | Parameters<typeof compareVerification>[0]) => {
  const comparing = 'bundle' in task ? compareWebhook(task) : compareVerification(task);
  comparing.then(
    pairs => process.send?.(pairs, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
