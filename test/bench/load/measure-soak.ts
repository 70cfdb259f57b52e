import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SoakFigures, SoakLevel, Trend } from './figures';
import { type LoadedStack, startLoadedStack } from './loaded-stack';
import type { Rates } from './measure-overload';
import { startPlainTerra } from './plain-terra';
import { functionProcesses, openFiles } from './processes';
import { deliveries, type Mix, sessionRequests } from './shots';
import { trendOf } from './trend';
import { fire, isServed, type Volley } from './volley';

export type SoakWish = {
  readonly minutes?: number;
  readonly perSecond: Rates;
  readonly secondsASample?: number;
};

/** Mostly repeated events, so that rows and partitions do not grow. */
const STEADY: Mix = { fresh: 30, changes: 10 };
const WEBHOOK_OWNERS = 1500;
const SESSIONS_AN_OWNER = 8;
const CONNECTIONS = 8;
/** What the stack keeps the last so many of is full by then: changes, log lines, events. */
const WARM_UP = { webhooks: 3000, sessions: 500, seconds: 90 };

/** What was held at some time, in milliseconds. */
export type Sample = { readonly at: number } & Readonly<Record<SoakLevel, number>>;

/**
 * A level grew where its line rises by more than this part of its mean, by more than this amount, and by more than twice what
 * the readings scatter about it.
 */
const rules: Readonly<Record<SoakLevel, { readonly part: number; readonly amount: number }>> = {
  heapBytes: { part: 0.05, amount: 2 * 2 ** 20 },
  residentBytes: { part: 0.1, amount: 16 * 2 ** 20 },
  functionResidentBytes: { part: 0.1, amount: 16 * 2 ** 20 },
  openFiles: { part: 0.1, amount: 5 },
  handles: { part: 0.1, amount: 5 },
  functionProcesses: { part: 0.1, amount: 2 },
};

/**
 * A steady load for some minutes after a warm-up, and the trend of everything that could pile up over the last two thirds.
 * The table lies on disk and Terra in another process: what the load itself has stored is no leak.
 */
export async function measureSoak(wish: SoakWish): Promise<SoakFigures> {
  const { minutes = 3, perSecond, secondsASample = 3 } = wish;
  const seconds = minutes * 60;
  const dataDir = mkdtempSync(join(tmpdir(), 'terra-connect-soak-'));
  const terra = await startPlainTerra();
  const stack = await startLoadedStack({
    throttles: 'lifted',
    upstream: terra.upstream,
    dataDir,
  });
  try {
    const owners = await stack.ownersWithSession(WEBHOOK_OWNERS);
    const opened = WARM_UP.sessions + perSecond.sessions * seconds;
    const webhooks = deliveries({ ...stack, owners }, STEADY).next;
    const sessions = sessionRequests(await stack.owners(Math.ceil(opened / SESSIONS_AN_OWNER)));
    const paced = { url: stack.apiUrl, connections: CONNECTIONS, whole: true };
    await fire({ ...paced, seconds: WARM_UP.seconds, amount: WARM_UP.webhooks, next: webhooks });
    await fire({ ...paced, seconds: WARM_UP.seconds, amount: WARM_UP.sessions, next: sessions });
    const load = Promise.all([
      fire({ ...paced, seconds, perSecond: perSecond.webhooks, next: webhooks }),
      fire({ ...paced, seconds, perSecond: perSecond.sessions, next: sessions }),
    ]);
    const samples = await sampled(stack, seconds, secondsASample);
    return { minutes, ...judged(samples.slice(Math.floor(samples.length / 3))), ...summed(await load) };
  } finally {
    await stack.close();
    await terra.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function sampled(stack: LoadedStack, seconds: number, secondsASample: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const end = Date.now() + seconds * 1000;
  while (Date.now() + secondsASample * 1000 < end) {
    await wait(secondsASample * 1000);
    const at = Date.now();
    const processes = functionProcesses(stack.pid);
    samples.push({
      at,
      ...(await stack.look()),
      functionResidentBytes:
        processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / Math.max(1, processes.length),
      openFiles: [stack, ...processes].reduce((sum, { pid }) => sum + openFiles(pid), 0),
      functionProcesses: processes.length,
    });
  }
  return samples;
}

/** What of these samples grew, by the rules. */
export function judged(samples: readonly Sample[]): Record<SoakLevel, Trend> & Pick<SoakFigures, 'samples' | 'grew'> {
  const trend = (level: SoakLevel) => trendOf(samples.map(sample => ({ at: sample.at, level: sample[level] })));
  const trends: Record<SoakLevel, Trend> = {
    heapBytes: trend('heapBytes'),
    residentBytes: trend('residentBytes'),
    functionResidentBytes: trend('functionResidentBytes'),
    openFiles: trend('openFiles'),
    handles: trend('handles'),
    functionProcesses: trend('functionProcesses'),
  };
  const grew = (Object.keys(rules) as SoakLevel[]).filter(level => {
    const { from, to, growth, scatter } = trends[level];
    const { part, amount } = rules[level];
    return growth > part && to - from > Math.max(amount, 2 * scatter);
  });
  return { ...trends, samples: samples.length, grew };
}

function summed(volleys: readonly Volley[]): Pick<SoakFigures, 'requestsPerSecond' | 'answered' | 'errors'> {
  const sum = (of: (volley: Volley) => number) => volleys.reduce((total, volley) => total + of(volley), 0);
  const failed = ({ answers, connectionsLost, unanswered }: Volley) =>
    answers.filter(answer => !isServed(answer)).length + connectionsLost + unanswered;
  return {
    requestsPerSecond: sum(({ answers, seconds }) => answers.length / seconds),
    answered: sum(({ answers }) => answers.length),
    errors: sum(failed),
  };
}
