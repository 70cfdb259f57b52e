import type { Flood, OverloadFigures } from './figures';
import { type LoadedStack, startLoadedStack } from './loaded-stack';
import { EVERYDAY } from './measure-load';
import { median, percentile } from './percentile';
import { deliveries, sessionRequests } from './shots';
import { countOf, fire, isServed, type Shot, type Volley } from './volley';

/** Requests a second. */
export type Rates = { readonly webhooks: number; readonly sessions: number };

export type OverloadWish = {
  readonly throttles: OverloadFigures['throttles'];
  /** Offered, of each kind at the same time. */
  readonly perSecond: Rates;
  readonly seconds?: number;
};

const OWNERS = 400;
const CONNECTIONS = { webhooks: 250, sessions: 150 };
const ORDINARY_ROUNDS = 15;
/** So many rounds in a row in no more than twice the ordinary time: then it is over. */
const CALM_ROUNDS = 3;
const CALM = 2;
const RECOVERY_LIMIT_MS = 20_000;

/** Floods a local stack with more than it can serve, then waits until it serves as before, and counts what is in the table. */
export async function measureOverload(wish: OverloadWish): Promise<OverloadFigures> {
  const { throttles, perSecond, seconds = 5 } = wish;
  const stack = await startLoadedStack({ throttles });
  try {
    const taken = deliveries({ ...stack, owners: await stack.ownersWithSession(OWNERS) }, EVERYDAY);
    const ordinary = [
      deliveries({ ...stack, owners: await stack.ownersWithSession(OWNERS) }, EVERYDAY).next,
      sessionRequests(await stack.owners(OWNERS)),
    ];
    for (let round = 0; round < ORDINARY_ROUNDS; round += 1) await timeOf(ordinary, stack);
    const usual: (number | undefined)[] = [];
    for (let round = 0; round < ORDINARY_ROUNDS; round += 1) usual.push(await timeOf(ordinary, stack));
    const ordinaryMs = median(usual.filter(ms => ms !== undefined));

    const [webhooks, sessions] = await Promise.all([
      flood(stack, taken.next, { perSecond: perSecond.webhooks, connections: CONNECTIONS.webhooks, seconds }),
      flood(stack, sessionRequests(await stack.owners(OWNERS)), {
        perSecond: perSecond.sessions,
        connections: CONNECTIONS.sessions,
        seconds,
      }),
    ]);
    const recoveredAfterMs = await untilCalm(ordinary, ordinaryMs, stack);
    const known = await stack.connectedUsers();
    const stored = [...taken.accepted].filter(userId => known.has(userId)).length;
    return { throttles, webhooks, sessions, accepted: taken.accepted.size, stored, ordinaryMs, recoveredAfterMs };
  } finally {
    await stack.close();
  }
}

type Flooding = { readonly perSecond: number; readonly connections: number; readonly seconds: number };

async function flood({ apiUrl: url }: LoadedStack, next: () => Shot, wish: Flooding): Promise<Flood> {
  const volley = await fire({ url, next, whole: true, ...wish });
  const { sent, seconds, answers, connectionsLost, unanswered } = volley;
  const ms = (of: (answer: Volley['answers'][number]) => boolean) => answers.filter(of).map(answer => answer.ms);
  return {
    offeredPerSecond: sent / seconds,
    statuses: countOf(volley),
    connectionsLost,
    unanswered,
    servedP99Ms: percentile(ms(isServed), 0.99),
    shedP99Ms: percentile(
      ms(({ status }) => status === 429 || status === 503),
      0.99,
    ),
  };
}

/** One ordinary request of each kind, one after the other; undefined where one was not served. */
async function timeOf(ordinary: readonly (() => Shot)[], { apiUrl }: LoadedStack): Promise<number | undefined> {
  const startedAt = performance.now();
  for (const next of ordinary) {
    const { method, path, headers, body } = next();
    const answer = await fetch(`${apiUrl}${path}`, { method, headers, ...(body !== undefined && { body }) });
    await answer.arrayBuffer();
    if (!answer.ok) return undefined;
  }
  return performance.now() - startedAt;
}

async function untilCalm(
  ordinary: readonly (() => Shot)[],
  ordinaryMs: number,
  stack: LoadedStack,
): Promise<number | null> {
  const startedAt = performance.now();
  let calmSince = startedAt;
  for (let calm = 0; calm < CALM_ROUNDS; ) {
    if (performance.now() - startedAt > RECOVERY_LIMIT_MS) return null;
    const ms = await timeOf(ordinary, stack);
    if (calm === 0) calmSince = performance.now();
    calm = ms !== undefined && ms <= ordinaryMs * CALM ? calm + 1 : 0;
  }
  return calmSince - startedAt;
}
