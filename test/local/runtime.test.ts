import { readTemplate } from '../../local/aws/cloudformation/assembly';
import type { FunctionLog } from '../../local/aws/lambda/function-log';
import { functionsOf } from '../../local/aws/lambda/lambda-function';
import { type Limits, type Runtime, startRuntime } from '../../local/aws/lambda/runtime';
import { readStack } from '../../local/aws/cloudformation/template';
import { assemblyOf, functionResource } from './fixture';

const started: Runtime[] = [];
let logs: FunctionLog[] = [];

beforeEach(() => {
  logs = [];
});

afterEach(async () => {
  await Promise.all(started.splice(0).map(runtime => runtime.close()));
});

/** A function with this handler code, ready to be invoked. */
function functionOf(code: string, properties: object = {}, limits: Partial<Limits> = {}): Runtime {
  const assembly = assemblyOf(
    { Subject: functionResource('subject', { Timeout: 60, ...properties }) },
    { subject: code },
  );
  const [definition] = functionsOf(
    readStack('fixture', readTemplate(assembly), { apiUrl: 'http://localhost' }),
    assembly,
  );
  if (!definition) throw new Error('no function');
  const runtime = startRuntime(definition, {
    credentials: { accessKeyId: 'AKIASUBJECT', secretAccessKey: 'made-up' },
    endpoints: { AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' },
    onLog: log => logs.push(log),
    ...limits,
  });
  started.push(runtime);
  return runtime;
}

const payload = async (runtime: Runtime, event: unknown = {}) => {
  const { outcome } = await runtime.invoke(event);
  if (!outcome.ok) throw new Error(outcome.errorMessage);
  return JSON.parse(outcome.payload) as unknown;
};

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a handler gets its event and context, and its process serves the next call', async () => {
  const runtime = functionOf(`exports.handler = async (event, context) => ({
    event, id: context.awsRequestId, arn: context.invokedFunctionArn, left: context.getRemainingTimeInMillis(), pid: process.pid })`);

  const first = await runtime.invoke({ n: 1 });
  const second = await runtime.invoke({ n: 2 });

  const answers = [first, second].map(({ outcome }) => JSON.parse(outcome.ok ? outcome.payload : 'null'));
  expect(answers[0]).toMatchObject({
    event: { n: 1 },
    id: first.requestId,
    arn: expect.stringMatching(/:function:fixture-Subject$/),
  });
  expect(answers[0].left).toBeGreaterThan(2000);
  expect(answers[1]).toMatchObject({ event: { n: 2 }, pid: answers[0].pid });
  expect([first.cold, second.cold]).toEqual([true, false]);
});

test('a function has its own environment, without variables of this process', async () => {
  process.env.TERRA_API_KEY = 'the parent’s secret';
  const runtime = functionOf('exports.handler = async () => process.env', {
    Environment: { Variables: { TABLE_NAME: 'records' } },
    MemorySize: 512,
  });

  const environment = (await payload(runtime)) as Record<string, string>;

  delete process.env.TERRA_API_KEY;
  expect(environment).toMatchObject({
    TABLE_NAME: 'records',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIASUBJECT',
    AWS_SECRET_ACCESS_KEY: 'made-up',
    AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1',
    AWS_LAMBDA_FUNCTION_NAME: 'fixture-Subject',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    TZ: 'UTC',
  });
  const others = Object.keys(environment).filter(name => !/^(_|AWS_|LAMBDA_|TABLE_NAME$|LANG$|PATH$|TZ$)/.test(name));
  expect(others).toEqual([]);
});

test('a function that takes too long is killed on time, and the next call gets a new process', async () => {
  const runtime = functionOf(
    `exports.handler = async event => {
      if (event.hang) { console.info({ pid: process.pid }); await new Promise(() => setInterval(() => {}, 1000)); }
      return 'fine';
    }`,
    { Timeout: 1 },
  );

  const startedAt = Date.now();
  const { outcome } = await runtime.invoke({ hang: true });
  const took = Date.now() - startedAt;

  expect(outcome).toMatchObject({
    ok: false,
    errorType: 'Sandbox.Timedout',
    errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
  });
  expect(took).toBeGreaterThanOrEqual(1000);
  const hung = logs.map(({ message }) => (message as { pid?: number }).pid).find(pid => pid !== undefined);
  while (alive(hung ?? process.pid)) await new Promise(done => setTimeout(done, 20));
  expect(await payload(runtime)).toBe('fine');
});

test('a handler in an endless loop is killed on time', async () => {
  const runtime = functionOf('exports.handler = async () => { for (;;); }', { Timeout: 1 });

  expect((await runtime.invoke({})).outcome).toMatchObject({ errorType: 'Sandbox.Timedout' });
});

test.each([
  ['exits', 'process.exit(3)', 'Runtime.ExitError', /exit status 3/],
  ['throws', "throw new RangeError('out of it')", 'RangeError', /out of it/],
  ['throws what is no error', "throw 'bare'", 'string', /bare/],
  [
    'rejects out of sight',
    "Promise.reject(new TypeError('unseen')); await new Promise(() => {})",
    'Runtime.UnhandledPromiseRejection',
    /unseen/,
  ],
  [
    'throws out of sight',
    "setTimeout(() => { throw new TypeError('later') }); await new Promise(() => {})",
    'TypeError',
    /later/,
  ],
])('a handler that %s fails as on Lambda, and the next call succeeds', async (_, body, errorType, errorMessage) => {
  const runtime = functionOf(`exports.handler = async event => { if (event.fail) { ${body} } return 'served' }`);

  const { outcome } = await runtime.invoke({ fail: true });

  expect(outcome).toEqual({ ok: false, errorType, errorMessage: expect.stringMatching(errorMessage) });
  expect(await payload(runtime)).toBe('served');
});

test.each([
  ['has no such export', 'exports.other = 1', 'Runtime.HandlerNotFound'],
  ['throws when loaded', "throw new SyntaxError('at load')", 'SyntaxError'],
])('a module that %s fails the call that started it', async (_, code, errorType) => {
  expect((await functionOf(code).invoke({})).outcome).toMatchObject({ ok: false, errorType });
});

test('simultaneous calls get one process each, later calls reuse them, and the pool is limited', async () => {
  const runtime = functionOf(
    'exports.handler = async () => { await new Promise(done => setTimeout(done, 150)); return process.pid }',
    {},
    { mostProcesses: 3 },
  );

  const pids = await Promise.all(Array.from({ length: 6 }, () => payload(runtime)));

  expect(new Set(pids.slice(0, 3)).size).toBe(3);
  expect(new Set(pids).size).toBe(3);
});

test('a process never serves two calls at once', async () => {
  const runtime = functionOf(
    `let busy = 0;
    exports.handler = async () => { busy += 1; await new Promise(done => setTimeout(done, 20)); const seen = busy; busy -= 1; return seen }`,
    {},
    { mostProcesses: 2 },
  );

  expect(await Promise.all(Array.from({ length: 8 }, () => payload(runtime)))).toEqual(Array(8).fill(1));
});

test('calls above the reserved concurrency are throttled', async () => {
  const runtime = functionOf('exports.handler = async () => new Promise(done => setTimeout(done, 200, 1))', {
    ReservedConcurrentExecutions: 1,
  });

  const outcomes = (await Promise.all([runtime.invoke({}), runtime.invoke({})])).map(({ outcome }) => outcome);

  expect(outcomes).toMatchObject([{ ok: true }, { ok: false, errorType: 'TooManyRequestsException' }]);
});

const SLOW = 'exports.handler = async () => new Promise(done => setTimeout(done, 300, 1))';
const outcomesOf = async (runtime: Runtime, count: number) =>
  (await Promise.all(Array.from({ length: count }, () => runtime.invoke({})))).map(({ outcome }) => outcome);
const THROTTLED = { ok: false, errorType: 'TooManyRequestsException' };

test('calls above the length of the queue are throttled at once', async () => {
  const runtime = functionOf(SLOW, {}, { mostProcesses: 1, mostWaiting: 2 });

  const accepted = outcomesOf(runtime, 3);
  const one = await Promise.race([accepted, runtime.invoke({})]);

  expect(one).toMatchObject({ outcome: THROTTLED });
  expect(await accepted).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
});

test('a call that waited too long is throttled and never runs; the next is served', async () => {
  const runtime = functionOf(
    'exports.handler = async ({ name, ms }) => { console.info({ name }); await new Promise(done => setTimeout(done, ms)) }',
    {},
    { mostProcesses: 1, longestWaitMs: 100 },
  );

  const [slow, tired] = await Promise.all([
    runtime.invoke({ name: 'slow', ms: 500 }),
    runtime.invoke({ name: 'tired', ms: 0 }),
  ]);
  const next = await runtime.invoke({ name: 'next', ms: 0 });

  expect([slow, tired, next].map(({ outcome }) => outcome)).toMatchObject([{ ok: true }, THROTTLED, { ok: true }]);
  expect(logs.flatMap(({ message }) => (message as { name?: string }).name ?? [])).toEqual(['slow', 'next']);
});

test('processes of a burst end soon after it, and one stays', async () => {
  const runtime = functionOf(
    'exports.handler = async () => { await new Promise(done => setTimeout(done, 150)); return process.pid }',
    {},
    { surplusIdleLimitMs: 300 },
  );
  const pids = (await Promise.all(Array.from({ length: 4 }, () => payload(runtime)))) as number[];
  const surplusGone = async () => {
    for (const end = Date.now() + 5000; Date.now() < end && pids.filter(alive).length > 1; ) {
      await new Promise(done => setTimeout(done, 50));
    }
  };

  await surplusGone();
  await new Promise(done => setTimeout(done, 600));

  expect([new Set(pids).size, pids.filter(alive).length]).toEqual([4, 1]);
  expect((await runtime.invoke({})).cold).toBe(false);
});

test('closing throttles waiting calls and starts no process for them', async () => {
  const runtime = functionOf(SLOW, {}, { mostProcesses: 1 });
  await runtime.invoke({});
  const running = runtime.invoke({});
  const waiting = runtime.invoke({});

  await runtime.close();

  expect((await running).outcome).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
  expect((await waiting).outcome).toMatchObject(THROTTLED);
  expect((await runtime.invoke({})).outcome).toMatchObject(THROTTLED);
});

test('an idle process is ended', async () => {
  const runtime = functionOf('exports.handler = async () => process.pid', {}, { idleLimitMs: 50 });
  const pid = (await payload(runtime)) as number;

  while (alive(pid)) await new Promise(done => setTimeout(done, 20));

  expect((await runtime.invoke({})).cold).toBe(true);
});

test('closing ends every process, even busy ones, and fails running calls', async () => {
  const runtime = functionOf(
    `exports.handler = async event => { console.info({ pid: process.pid }); if (event.hang) await new Promise(() => setInterval(() => {}, 1000)); }`,
  );
  await runtime.invoke({});
  const hanging = runtime.invoke({ hang: true });
  await new Promise(done => setTimeout(done, 100));

  await runtime.close();

  expect((await hanging).outcome.ok).toBe(false);
  const pids = logs.flatMap(({ message }) => (message as { pid?: number }).pid ?? []);
  expect(pids.length).toBeGreaterThan(0);
  expect(pids.filter(alive)).toEqual([]);
});

test('each console call writes one JSON record with level and request id; debug is omitted at INFO', async () => {
  const runtime = functionOf(`exports.handler = async () => {
    console.info({ outcome: 'applied', ms: 3 });
    console.warn('two', 'parts');
    console.error('it broke', new TypeError('why'));
    console.debug('unheard');
    process.stdout.write('bare\\n');
  }`);

  const { requestId } = await runtime.invoke({});
  await new Promise(done => setTimeout(done, 50));

  const subject = { function: 'subject', requestId };
  expect(logs).toEqual([
    { ...subject, level: 'INFO', message: { outcome: 'applied', ms: 3 } },
    { ...subject, level: 'WARN', message: 'two parts' },
    { ...subject, level: 'ERROR', message: expect.objectContaining({ errorType: 'TypeError', errorMessage: 'why' }) },
    { function: 'subject', level: 'INFO', message: 'bare' },
  ]);
});

test('an answer above 6 MB is refused', async () => {
  const runtime = functionOf("exports.handler = async () => 'x'.repeat(6_300_000)");

  expect((await runtime.invoke({})).outcome).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' });
});
