import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { median } from './cpu';
import { measureGatewayCpu } from './load/measure-gateway-cpu';
import { BenchError } from './bench-error';
import { ownNode } from './node-versions';
import type { Row } from './report';

const project = join(__dirname, '../..');
const STARTS = 3;
const PATIENCE_MS = 60_000;
/** The local stack's cost compared with a bare server (target 9), and its start time (target 11). */
export async function measureLocalStack(rounds: number, say: (line: string) => void): Promise<Row[]> {
  if (process.platform !== 'linux')
    throw new BenchError('The local stack is measured on Linux only: its CPU is read from /proc.');
  const node = ownNode.version;
  const seconds: number[] = [];
  for (let start = 1; start <= STARTS; start++) {
    say(`npm start, ${start} of ${STARTS}`);
    seconds.push(await secondsToStart());
  }
  say(`requests to the local stack, ${rounds} rounds`);
  const { ratio, requestsPerSecond } = await measureGatewayCpu({ rounds });
  const started = `npm start until it answers, synthesis included, median of ${STARTS}`;
  return [
    {
      target: 9,
      what: 'local stack: CPU of a request ÷ bare server with the same SDK call',
      figure: ratio,
      unit: '×',
      limit: 1.5,
      node,
    },
    { target: 9, what: 'local stack: a repeated webhook', figure: requestsPerSecond, unit: 'requests/s', node },
    { target: 11, what: started, figure: median(seconds), unit: 's', limit: 6, node },
  ];
}

/** Seconds until a freshly started stack answers, which is then stopped. */
async function secondsToStart(): Promise<number> {
  const from = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: project,
    // A group of its own: npm's child ends with it.
    detached: true,
    env: { ...process.env, PORT: '0', DATA_DIR: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      said += text.toString();
    });
  }
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  try {
    while (performance.now() - from < PATIENCE_MS && child.exitCode === null) {
      // Its first words come once it answers.
      const [api] = /http:\/\/localhost:\d+\/v1\b/.exec(said) ?? [];
      if (api !== undefined && (await fetch(`${api}/providers`)).status === 401)
        return (performance.now() - from) / 1000;
      await wait(20);
    }
    throw new BenchError(`npm start did not come up: ${said.trim().split('\n').slice(-3).join(' ')}`);
  } finally {
    await stop(child, exited);
  }
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGTERM');
  await exited;
}
