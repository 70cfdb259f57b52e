import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTemplate } from '../../local/aws/cloudformation/assembly';
import { type CpuLimit, cpuShareOf, startCpuLimit } from '../../local/aws/lambda/cpu-limit';
import { differences } from '../../local/aws/differences';
import { functionsOf } from '../../local/aws/lambda/lambda-function';
import { type Runtime, startRuntime } from '../../local/aws/lambda/runtime';
import { readStack } from '../../local/aws/cloudformation/template';
import { assemblyOf, functionResource } from './fixture';

const PATIENCE_MS = 120_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function fixture(code: string, memoryMb: number) {
  const resources = { Subject: functionResource('subject', { MemorySize: memoryMb, Timeout: 20 }) };
  const assembly = assemblyOf(resources, { subject: code });
  const stack = readStack('fixture', readTemplate(assembly), { apiUrl: 'http://localhost' });
  return { stack, functions: functionsOf(stack, assembly) };
}

function runtimeOf(code: string, memoryMb: number, cpuLimit: Pick<CpuLimit, 'limit'>): Runtime {
  const [definition] = fixture(code, memoryMb).functions;
  if (!definition) throw new Error('no function');
  const credentials = { accessKeyId: 'AKIASUBJECT', secretAccessKey: 'made-up' };
  const runtime = startRuntime(definition, { credentials, endpoints: {}, onLog: () => undefined, cpuLimit });
  closing.push(() => runtime.close());
  return runtime;
}

async function answerOf(runtime: Runtime): Promise<unknown> {
  const { outcome } = await runtime.invoke({});
  if (!outcome.ok) throw new Error(outcome.errorMessage);
  return JSON.parse(outcome.payload);
}

function started(): CpuLimit {
  const cpuLimit = startCpuLimit();
  closing.push(() => cpuLimit.close());
  return cpuLimit;
}

/** A process that uses its core until it is killed. */
function busyProcess(): number {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  closing.push(() => child.kill('SIGKILL'));
  return child.pid ?? 0;
}

const statOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1] ?? '';
const isStopped = (pid: number) => statOf(pid).startsWith('T');
const parentOf = (pid: number) => Number(statOf(pid).split(' ')[1]);
const pause = (ms: number) => new Promise(done => setTimeout(done, ms));
const until = async (holds: () => boolean) => {
  for (const end = Date.now() + PATIENCE_MS; !holds(); await pause(1)) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS} ms`);
  }
};

/** Whether the process is never stopped in a time in which a limited one is stopped all but always. */
async function runsOn(pid: number): Promise<boolean> {
  for (let n = 0; n < 50; n++) {
    if (isStopped(pid)) return false;
    await pause(5);
  }
  return true;
}

// Computes for 300 ms of CPU time and answers how much of the time that took it had the CPU. On a machine that is busy
// with other work it has less of it, never more.
const COMPUTE = `exports.handler = async () => {
  const startedAt = performance.now(), before = process.cpuUsage();
  const used = () => { const { user, system } = process.cpuUsage(before); return (user + system) / 1000; };
  while (used() < 300);
  return used() / (performance.now() - startedAt);
}`;

const limited: number[] = [];
function limitTo(share: number): Pick<CpuLimit, 'limit'> {
  const cpuLimit = started();
  return {
    limit(pid) {
      limited.push(pid);
      return cpuLimit.limit(pid, share);
    },
  };
}

/** A process that limits another, as the local stack does. */
function limitingProcess(pid: number): ChildProcess {
  const code = `require('./local/aws/lambda/cpu-limit.ts').startCpuLimit().limit(${pid}, 0.01); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', code], {
    cwd: join(__dirname, '../..'),
    stdio: 'ignore',
  });
  closing.push(() => child.kill('SIGKILL'));
  return child;
}

function childrenNamed(name: string): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter(
    child => parentOf(child) === process.pid && readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(name),
  );
}

test('a function is limited while it serves a request, unless its memory gives it a whole core', async () => {
  const calls: unknown[] = [];
  const cpuLimit = {
    limit(pid: number, share: number) {
      calls.push({ pid, share });
      return () => void calls.push('end');
    },
  };
  const pid = await answerOf(runtimeOf('exports.handler = async () => process.pid', 512, cpuLimit));
  await until(() => calls.length === 2);
  await answerOf(runtimeOf('exports.handler = async () => process.pid', 1769, cpuLimit));

  expect(calls).toEqual([{ pid, share: 512 / 1769 }, 'end']);
});

test('a process that ends during a request is no longer limited', async () => {
  const calls: string[] = [];
  const cpuLimit = { limit: () => (calls.push('begin'), () => void calls.push('end')) };
  const runtime = runtimeOf('exports.handler = async () => process.exit(1)', 512, cpuLimit);

  expect((await runtime.invoke({})).outcome.ok).toBe(false);
  expect(calls).toEqual(['begin', 'end']);
});

test('the start output names the CPU share of the functions', () => {
  const { stack, functions } = fixture('', 512);
  const told = (likeLambda: boolean) => differences(stack, functions, { likeLambda }).filter(one => /^CPU/.test(one));

  expect(told(false)).toEqual([
    'CPU: functions get whole cores; on Lambda 0.29 of a core at 512 MB (npm start -- --like-lambda applies those shares)',
  ]);
  expect(told(true)).toEqual([
    'CPU: functions get 0.29 of a core at 512 MB while they serve a request, as on Lambda; cold starts get whole cores',
  ]);
});

test('on a system other than Linux the start is refused with a message', () => {
  expect(() => startCpuLimit('darwin')).toThrow('--like-lambda is not supported on darwin, only on Linux');
});

(process.platform === 'linux' ? describe : describe.skip)('on Linux', () => {
  test('a busy function gets about the share of a core that its memory gives it on Lambda', async () => {
    const share = await answerOf(runtimeOf(COMPUTE, 177, started()));

    expect(cpuShareOf({ memoryMb: 177 })).toBeCloseTo(0.1);
    expect(share).toBeLessThan(0.5);
  });

  test('a process continues once its limit ends', async () => {
    const pid = busyProcess();
    const end = started().limit(pid, 0.01);
    await until(() => isStopped(pid));

    end();
    await until(() => !isStopped(pid));

    expect(await runsOn(pid)).toBe(true);
  });

  test('closing continues every process that is stopped', async () => {
    const pids = [busyProcess(), busyProcess()];
    const cpuLimit = startCpuLimit();
    for (const pid of pids) cpuLimit.limit(pid, 0.01);
    await until(() => pids.every(isStopped));

    await cpuLimit.close();

    expect(pids.map(isStopped)).toEqual([false, false]);
  });

  test('a stopped function is killed when the stack closes', async () => {
    const runtime = runtimeOf('exports.handler = async () => { for (;;); }', 128, limitTo(0.01));
    const running = runtime.invoke({});
    await until(() => limited.length > 0 && isStopped(limited[0] ?? 0));

    await runtime.close();

    expect((await running).outcome).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
    expect(() => process.kill(limited[0] ?? 0, 0)).toThrow('ESRCH');
  });

  test('a stopped process is continued when the local stack is killed', async () => {
    const pid = busyProcess();
    const stack = limitingProcess(pid);
    const exited = once(stack, 'exit');
    await until(() => isStopped(pid));

    stack.kill('SIGKILL');
    await exited;
    await until(() => !isStopped(pid));

    expect(await runsOn(pid)).toBe(true);
  });

  test('a stopped process is continued when what stops it is killed', async () => {
    const pid = busyProcess();
    const cpuLimit = startCpuLimit();
    cpuLimit.limit(pid, 0.01);
    await until(() => isStopped(pid));

    for (const limiter of childrenNamed('cpu-limiter.cjs')) process.kill(limiter, 'SIGKILL');
    await cpuLimit.close();

    expect(isStopped(pid)).toBe(false);
  });

  test('every request to a function that is stopped again and again is answered', async () => {
    const runtime = runtimeOf(
      `exports.handler = async () => { for (const end = process.cpuUsage().user + 10_000; process.cpuUsage().user < end; ); return 'fine' }`,
      128,
      limitTo(0.2),
    );

    expect(await Promise.all(Array.from({ length: 4 }, () => answerOf(runtime)))).toEqual(Array(4).fill('fine'));
  });
});
