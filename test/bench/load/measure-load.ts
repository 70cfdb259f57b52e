import type { LoadFigures, LoadStep, Rise } from './figures';
import { kneeOf } from './knee';
import { type LoadedStack, startLoadedStack } from './loaded-stack';
import { percentile } from './percentile';
import { deliveries, type Mix, sessionRequests } from './shots';
import { fire, isServed, type Shot } from './volley';

/** Mostly new connections, some that fail or recover, and repeated events. */
export const EVERYDAY: Mix = { fresh: 60, changes: 30 };

const WEBHOOK_OWNERS = 400;
/** Each may open ten sessions in ten minutes. */
const SESSION_OWNERS = 2000;
const WARM_UP_SECONDS = 3;
const DRAIN_SECONDS = 10;

/** How a load is to rise. */
export type RiseWish = {
  readonly connections?: readonly number[];
  readonly secondsAStep?: number;
};

/**
 * Webhooks and session creation at rising concurrency against a local stack whose gateway lets everything through, so that
 * what is met is the stack's own limit and not the template's throttle.
 */
export async function measureLoad(rising: RiseWish = {}): Promise<LoadFigures> {
  const stack = await startLoadedStack({ throttles: 'lifted' });
  try {
    const owners = await stack.ownersWithSession(WEBHOOK_OWNERS);
    const webhooks = await rise(stack, deliveries({ ...stack, owners }, EVERYDAY).next, rising);
    const sessions = await rise(stack, sessionRequests(await stack.owners(SESSION_OWNERS)), rising);
    return { webhooks, sessions };
  } finally {
    await stack.close();
  }
}

async function rise(
  { apiUrl: url }: LoadedStack,
  next: () => Shot,
  { connections = [1, 2, 4, 8, 16, 32, 64], secondsAStep = 3 }: RiseWish,
): Promise<Rise> {
  const most = Math.max(...connections);
  // The processes that the highest step needs are up before the first begins.
  await fire({ url, connections: most, seconds: WARM_UP_SECONDS, next });
  await drained(url, next);
  const steps: LoadStep[] = [];
  for (const each of connections) {
    const { seconds, answers, connectionsLost, unanswered } = await fire({
      url,
      connections: each,
      seconds: secondsAStep,
      next,
    });
    await drained(url, next);
    const served = answers.filter(isServed);
    const ms = served.map(answer => answer.ms);
    steps.push({
      connections: each,
      requestsPerSecond: served.length / seconds,
      p50Ms: percentile(ms, 0.5),
      p99Ms: percentile(ms, 0.99),
      answered: answers.length,
      errors: answers.length - served.length + connectionsLost + unanswered,
    });
  }
  return { steps, knee: kneeOf(steps) };
}

/** Abandoned requests of the previous step are still served before this one. */
async function drained(url: string, next: () => Shot): Promise<void> {
  await fire({ url, connections: 1, amount: 1, seconds: DRAIN_SECONDS, next });
}
