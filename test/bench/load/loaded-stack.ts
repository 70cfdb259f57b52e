import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamoStore } from '../../../functions/core/store/dynamo-store';
import { opaqueReferenceId } from '../../../functions/core/state/owner';
import type { Store } from '../../../functions/core/store/store';
import { DESCRIPTION_PATH, LocalDescription } from '../../../cli/local-deployment';
import type { Answer, Answers, Ask, OwnUse, StackWish } from './stack-messages';

/** A signed-in user. */
export type SignedInOwner = { readonly token: string; readonly referenceId: string };

/** A local stack in a process of its own, and what a load needs to know of it. */
export type LoadedStack = {
  readonly apiUrl: string;
  readonly pid: number;
  /** Terra's. */
  readonly signingSecret: string;
  /** The table, as an operator sees it. */
  readonly table: { readonly endpoint: string; readonly name: string };
  /** Creates so many new owners, each with a token. */
  owners(count: number): Promise<SignedInOwner[]>;
  /** Creates so many owners, each with one session that waits for Terra's event. */
  ownersWithSession(count: number): Promise<SignedInOwner[]>;
  /** What the stack's own process holds, after a garbage collection. */
  look(): Promise<OwnUse>;
  /** Terra users with a connection in the table. */
  connectedUsers(): Promise<ReadonlySet<string>>;
  /** Stops the stack, once however often it is asked; the exit status of its process. */
  close(): Promise<number | null>;
};

const ROOT = join(__dirname, '../../..');
const HOUR_MS = 3_600_000;
const SEEDED_AT_ONCE = 16;

export async function startLoadedStack(wish: StackWish): Promise<LoadedStack> {
  const child = fork(join(__dirname, 'stack-process.ts'), {
    cwd: ROOT,
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve));
  const ask = asking(child, exited);
  let closing: Promise<number | null> | undefined;
  const { apiUrl } = await ask({ kind: 'start', wish });
  const { outputs, endpoints, region, credentials, functions } = LocalDescription.parse(
    await (await fetch(`${apiUrl}${DESCRIPTION_PATH}`)).json(),
  );
  const name = outputs.TableName ?? '';
  const dynamodb = new DynamoDBClient({ region, credentials, endpoint: endpoints.dynamodb });
  const secrets = new SecretsManagerClient({ region, credentials, endpoint: endpoints.secretsmanager });
  const secret = async (SecretId: string) =>
    (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '';
  const { current } = JSON.parse(await secret('local/terra-webhook')) as { current: string };
  const referenceKey = await secret('local/reference-key');
  const namespace = functions.find(({ title }) => title === 'create-session')?.environment.OWNER_NAMESPACE ?? '';
  const store = dynamoStore(dynamodb, name);

  async function owners(count: number): Promise<SignedInOwner[]> {
    const names = Array.from({ length: count }, () => `load-${randomUUID()}`);
    const tokens = await ask({ kind: 'tokens', names });
    return names.map((sub, at) => ({
      token: tokens[at] ?? '',
      referenceId: opaqueReferenceId(referenceKey, namespace, sub),
    }));
  }

  async function end(): Promise<number | null> {
    await ask({ kind: 'close' });
    child.disconnect();
    return exited;
  }

  return {
    apiUrl,
    pid: child.pid ?? 0,
    signingSecret: current,
    table: { endpoint: endpoints.dynamodb, name },
    owners,
    async ownersWithSession(count) {
      const all = await owners(count);
      for (let at = 0; at < all.length; at += SEEDED_AT_ONCE) {
        await Promise.all(all.slice(at, at + SEEDED_AT_ONCE).map(owner => openSessionOf(owner, store)));
      }
      return all;
    },
    look: () => ask({ kind: 'look' }),
    async connectedUsers() {
      const users = new Set<string>();
      let cursor: string | undefined;
      do {
        const page = await store.scanConnections(cursor);
        for (const { terraUserId } of page.rows) users.add(terraUserId);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return users;
    },
    close: () => (closing ??= end()),
  };
}

/** Stored as `create-session` would, without asking Terra and past the gateway's throttle. */
async function openSessionOf({ referenceId }: SignedInOwner, store: Store): Promise<void> {
  const now = Date.now();
  await store.openSession({
    owner: referenceId,
    id: randomUUID(),
    sub: referenceId,
    flow: 'widget',
    returnTo: 'web',
    createdAt: now,
    expiresAt: now + HOUR_MS,
    finishBy: now + 2 * HOUR_MS,
    stateHash: randomUUID(),
    terraSessionId: randomUUID(),
    authorised: {},
    purgeAt: Math.floor((now + 48 * HOUR_MS) / 1000),
    version: 1,
  });
}

/** Asks one question at a time; fails where the process ends instead of answering. */
function asking(
  child: ChildProcess,
  exited: Promise<unknown>,
): <K extends Ask['kind']>(ask: Ask & { kind: K }) => Promise<Answers[K]> {
  const ended = exited.then((): [Answer] => [{ ok: false, message: 'the stack under load has ended' }]);
  let turn: Promise<unknown> = Promise.resolve();
  return ask => {
    const answered = turn.then(async () => {
      child.send(ask);
      const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
      if (!answer.ok) throw new Error(answer.message);
      return answer.value as Answers[typeof ask.kind];
    });
    turn = answered.catch(() => undefined);
    return answered;
  };
}
