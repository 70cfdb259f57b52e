import { fork } from 'node:child_process';
import { once } from 'node:events';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoStore } from '../../functions/core/store/dynamo-store';
import { MINUTE, type Instant } from '../../functions/core/platform/clock';
import type { SessionRow } from '../../functions/core/state/session';
import { sign } from '../../functions/core/terra/signature';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { ourBuilds, usualBuilds, variantBuilds } from './builds';
import { type CannedAws, startCannedAws } from './canned-aws';
import { median, medianQuotient } from './cpu';
import { environment } from './environment';
import type { NodeVersion } from './node-versions';
import type { Row } from './report';
import type { Pairs, SdkCall, WebhookTask } from './variants/warm-loop';

const SECRET = 'signing-secret-of-the-bench';
const OWNER = 'o'.repeat(43);
const TERRA_USER = '5b1f7a36-0c6e-4d52-9a52-2f1f5a1c9a01';
/** How often a thing is done for one figure of a round: some tens of milliseconds of CPU. */
const WEBHOOKS = 60;
const SMALL = { bytes: 2000, times: 4000, limit: 1.6 };
const LARGE = { bytes: 200_000, times: 150, limit: 1.25 };

/** What a warm webhook computes beyond what it must (targets 4 and 5). */
export async function measureWarm(
  nodes: readonly NodeVersion[],
  rounds: number,
  say: (line: string) => void,
): Promise<Row[]> {
  const loop = variantBuilds().find(({ name }) => name === 'warm-loop')?.file ?? '';
  const ours = ourBuilds().all.find(({ name }) => name === 'receive-webhook')?.file ?? '';
  const usual = usualBuilds().find(({ name }) => name === 'webhook')?.unbundled ?? '';
  const rows: Row[] = [];
  for (const node of nodes) {
    say(`warm CPU on Node ${node.version}, ${rounds} rounds`);
    const row = (target: number, what: string, figure: number, unit: string, limit?: number) =>
      void rows.push({ target, what, figure, unit, node: node.version, ...(limit !== undefined && { limit }) });
    const mine = await withCannedAws(aws => webhook(node, loop, ours, aws, rounds));
    const theirs = await withCannedAws(aws => webhook(node, loop, usual, aws, rounds));
    row(4, `auth webhook: handler ÷ its ${mine.calls.length} SDK calls`, quotient(mine.pairs), '×', 1.15);
    row(4, 'auth webhook: handler', median(mine.pairs.map(pair => pair.ours)), 'µs CPU');
    row(4, `the usual way: handler ÷ its ${theirs.calls.length} SDK calls`, quotient(theirs.pairs), '×');
    row(4, 'the usual way: handler', median(theirs.pairs.map(pair => pair.ours)), 'µs CPU');
    for (const { bytes, times, limit } of [LARGE, SMALL]) {
      const pairs = await run(node, loop, { bytes, times, rounds });
      row(5, `signature check of ${bytes / 1000} KB ÷ bare HMAC`, quotient(pairs), '×', limit);
      row(5, `signature check of ${bytes / 1000} KB`, median(pairs.map(pair => pair.ours)), 'µs CPU');
    }
  }
  return rows;
}

const quotient = (pairs: Pairs) =>
  medianQuotient(
    pairs.map(pair => pair.ours),
    pairs.map(pair => pair.theirs),
  );

type WaitingTable = CannedAws & { readonly tableName: string };

/** A table with a session that has returned and waits for Terra's event. */
async function withCannedAws<T>(use: (aws: WaitingTable) => Promise<T>): Promise<T> {
  const dynamodb = await startDynamoDb();
  const aws = await startCannedAws(dynamodb.endpoint, {
    [environment.TERRA_WEBHOOK_SECRET]: JSON.stringify({ current: SECRET }),
  });
  const client = new DynamoDBClient({
    endpoint: dynamodb.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'made-up', secretAccessKey: 'made-up-too' },
  });
  try {
    await dynamoStore(client, dynamodb.tableName).openSession(waitingSession(Date.now()), undefined);
    return await use({ ...aws, tableName: dynamodb.tableName });
  } finally {
    client.destroy();
    await aws.close();
    await dynamodb.close();
  }
}

function waitingSession(now: Instant): SessionRow {
  return {
    owner: OWNER,
    id: 's'.repeat(22),
    sub: 'somebody',
    flow: 'widget',
    returnTo: 'web',
    createdAt: now - MINUTE,
    expiresAt: now + 15 * MINUTE,
    finishBy: now + 75 * MINUTE,
    stateHash: 'h'.repeat(43),
    terraSessionId: 'terra-session',
    returned: { at: now, terraUserId: TERRA_USER, codeHash: 'c'.repeat(43) },
    redeemed: { at: now },
    authorised: {},
    purgeAt: Math.floor(now / 1000) + 86_400,
    version: 3,
  };
}

/** One handler in its own process: its calls are recorded once, and then replayed while it is measured. */
async function webhook(node: NodeVersion, loop: string, bundle: string, aws: WaitingTable, rounds: number) {
  const event = delivery();
  await run(node, loop, { bundle, event, calls: [], rounds: 1, times: 1 }, aws);
  const calls = aws.heard().map(({ action, input }) => ({ action, input }) as SdkCall);
  return { calls, pairs: await run(node, loop, { bundle, event, calls, rounds, times: WEBHOOKS }, aws) };
}

/** A delivery as API Gateway hands it over. */
function delivery(): object {
  const body = JSON.stringify({
    type: 'auth',
    status: 'success',
    user: {
      user_id: TERRA_USER,
      provider: 'GARMIN',
      reference_id: OWNER,
      scopes: 'DAILY, ACTIVITY, SLEEP, BODY',
      active: true,
      created_at: new Date().toISOString(),
    },
    widget_session_id: 'terra-session',
    reference_id: OWNER,
  });
  return {
    version: '2.0',
    routeKey: 'POST /v1/webhooks/terra',
    rawPath: '/v1/webhooks/terra',
    headers: {
      'content-type': 'application/json',
      'x-terra-signature': sign(body, SECRET, Math.floor(Date.now() / 1000)),
      'x-terra-ordering-timestamp': String(Date.now()),
    },
    requestContext: { requestId: 'request', http: { method: 'POST', path: '/v1/webhooks/terra' } },
    body,
    isBase64Encoded: false,
  };
}

async function run(
  node: NodeVersion,
  loop: string,
  task: WebhookTask | { bytes: number; times: number; rounds: number },
  aws?: WaitingTable,
): Promise<Pairs> {
  const child = fork(loop, [], {
    execPath: node.path,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...environment,
      ...(aws && {
        AWS_ENDPOINT_URL_DYNAMODB: aws.endpoint,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
        TABLE_NAME: aws.tableName,
      }),
    },
  });
  child.send(task);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the warm loop ended with ${String(code)}`);
  });
  const [pairs] = (await Promise.race([once(child, 'message'), failed])) as [Pairs];
  failed.catch(() => {});
  return pairs;
}
