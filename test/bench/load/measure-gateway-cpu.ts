import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BareWish } from './bare-server';
import type { GatewayCpuFigures } from './figures';
import { startLoadedStack } from './loaded-stack';
import { median } from './percentile';
import { cpuMs, functionProcesses } from './processes';
import { deliveries } from './shots';
import { fire, isServed, type Shot } from './volley';

/** One process of the function, as there is one of the bare server: each is then as warm as the other. */
const CONNECTIONS = 1;
/** Until V8 has optimised what it will. */
const WARM_UP_REQUESTS = 3000;
const WARM_UP_SECONDS = 20;

/**
 * The CPU time of a repeated webhook through the whole local stack, and of a bare HTTP server that makes the same call of the
 * same table, in turn. Every process counts but the one that sends. Linux only.
 */
export async function measureGatewayCpu({ rounds = 9, secondsARound = 1.5 } = {}): Promise<GatewayCpuFigures> {
  const stack = await startLoadedStack({ throttles: 'lifted' });
  const bare = fork(join(__dirname, 'bare-server.ts'), { execArgv: ['--import', 'tsx'] });
  try {
    const owners = await stack.ownersWithSession(1);
    const [owner] = owners;
    const repeated = deliveries({ signingSecret: stack.signingSecret, owners }, { fresh: 100, changes: 0 }).next();
    const wish: BareWish = {
      endpoint: stack.table.endpoint,
      tableName: stack.table.name,
      owner: owner?.referenceId ?? '',
    };
    bare.send(wish);
    const [port] = (await once(bare, 'message')) as [number];

    const stackPids = () => [stack.pid, ...functionProcesses(stack.pid).map(({ pid }) => pid)];
    const barePids = () => [stack.pid, bare.pid ?? 0];
    const bareUrl = `http://127.0.0.1:${port}`;
    for (const url of [stack.apiUrl, bareUrl]) {
      await fire({
        url,
        connections: CONNECTIONS,
        amount: WARM_UP_REQUESTS,
        seconds: WARM_UP_SECONDS,
        next: () => repeated,
      });
    }

    const measured: { stack: Spent; bare: Spent }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push({
        stack: await volleyOf(repeated, stack.apiUrl, secondsARound, stackPids),
        bare: await volleyOf(repeated, bareUrl, secondsARound, barePids),
      });
    }
    return {
      rounds,
      requestsPerRound: median(measured.map(each => each.stack.requests)),
      stackCpuMs: median(measured.map(each => each.stack.cpuMs)),
      bareCpuMs: median(measured.map(each => each.bare.cpuMs)),
      ratio: median(measured.map(each => each.stack.cpuMs / each.bare.cpuMs)),
      requestsPerSecond: median(measured.map(each => each.stack.requestsPerSecond)),
      bareRequestsPerSecond: median(measured.map(each => each.bare.requestsPerSecond)),
    };
  } finally {
    bare.disconnect();
    await stack.close();
  }
}

/** CPU time of one request. */
type Spent = { readonly cpuMs: number; readonly requests: number; readonly requestsPerSecond: number };

async function volleyOf(shot: Shot, url: string, seconds: number, pids: () => number[]): Promise<Spent> {
  const before = new Map(pids().map(pid => [pid, cpuMs(pid)]));
  const { answers, seconds: took } = await fire({
    url,
    connections: CONNECTIONS,
    seconds,
    next: () => shot,
    whole: true,
  });
  const failed = answers.find(answer => !isServed(answer));
  if (failed) throw new Error(`a request of the comparison was answered ${failed.status}`);
  const spent = pids().reduce((sum, pid) => sum + cpuMs(pid) - (before.get(pid) ?? 0), 0);
  return { cpuMs: spent / answers.length, requests: answers.length, requestsPerSecond: answers.length / took };
}
