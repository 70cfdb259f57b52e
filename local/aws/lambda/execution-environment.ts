import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CpuLimit, cpuShareOf } from './cpu-limit';
import { type Credentials, type LambdaFunction, processEnvironment } from './lambda-function';
import { addressOf, closeServer, cutOnFailure, listen, readBody } from '../../loopback';

/** The result of an invocation: the handler's answer as JSON text, or the error that Lambda reports. */
export type Outcome =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

/** One process of a function with its own Runtime API. It serves one invocation at a time. */
export type ExecutionEnvironment = {
  /** Never rejects. Must not be called once `alive` is false. */
  invoke(event: string, requestId?: string): Promise<Outcome>;
  readonly alive: boolean;
  /** Ends the process. A running invocation fails. */
  stop(): Promise<void>;
};

type Invocation = {
  requestId: string;
  event: string;
  deadline?: NodeJS.Timeout;
  complete(outcome: Outcome): void;
};

// The AWS SDK warns about Node versions that Lambda no longer offers.
const nodeFlags = ['--disable-warning=NodeVersionSupportWarning'];

// Lambda's own limits.
const INIT_LIMIT_MS = 10_000;
const RESPONSE_LIMIT_BYTES = 6_291_556;

export async function startEnvironment(
  definition: LambdaFunction,
  deps: {
    credentials: Credentials;
    endpoints: Readonly<Record<string, string>>;
    /** Called for every line that the process prints. */
    onLine: (line: string) => void;
    /** By default the process uses whole cores. */
    cpuLimit?: Pick<CpuLimit, 'limit'> | undefined;
  },
): Promise<ExecutionEnvironment> {
  const cpuShare = cpuShareOf(definition);
  let endCpuLimit: (() => void) | undefined;
  let current: Invocation | undefined;
  let waitingForEvent: ServerResponse | undefined;
  let reported: Outcome | undefined;
  let alive = true;

  const api = createServer(cutOnFailure(answer));
  api.keepAliveTimeout = 0;
  const port = await listen(api);

  const child = spawnBootstrap(
    definition.directory,
    processEnvironment(definition, { ...deps, runtimeApi: addressOf(port) }),
    deps.onLine,
  );
  const exited = new Promise<void>(resolve => {
    const gone = (how: string) => {
      alive = false;
      endCpuLimit?.();
      if (reported) complete(reported);
      else fail('Runtime.ExitError', `Runtime exited with error: ${how}`);
      resolve(closeServer(api));
    };
    child.once('exit', (code, signal) => gone(signal ? `signal: ${signal}` : `exit status ${code}`));
    child.once('error', error => gone(error.message));
  });

  /** The Runtime API, 2018-06-01. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace('/2018-06-01/runtime', '');
    // No client reads the header, and it would be computed twice for each invocation.
    response.sendDate = false;
    if (path === '/invocation/next') {
      endCpuLimit?.();
      waitingForEvent = response;
      if (reported) complete(reported);
      return deliver();
    }
    const body = (await readBody(request)).toString();
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
    if (path === '/init/error' || path === `/invocation/${current?.requestId}/error`) return report(body);
    if (path === `/invocation/${current?.requestId}/response`) return answered(body);
  }

  function deliver(): void {
    if (current === undefined || waitingForEvent === undefined) return;
    const { requestId, event } = current;
    clearTimeout(current.deadline);
    current.deadline = setTimeout(timedOut, definition.timeoutMs);
    // Lambda does not limit the CPU share of a cold start.
    if (child.pid !== undefined && cpuShare < 1) endCpuLimit = deps.cpuLimit?.limit(child.pid, cpuShare);
    waitingForEvent.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': requestId,
      'lambda-runtime-deadline-ms': `${Date.now() + definition.timeoutMs}`,
      'lambda-runtime-invoked-function-arn': definition.arn,
      'lambda-runtime-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${'0'.repeat(24)};Sampled=0`,
    });
    waitingForEvent.end(event);
    waitingForEvent = undefined;
  }

  function complete(outcome: Outcome): void {
    if (current === undefined) return;
    const invocation = current;
    clearTimeout(invocation.deadline);
    current = undefined;
    reported = undefined;
    invocation.complete(outcome);
  }

  function fail(errorType: string, message: string): void {
    if (current === undefined) return;
    complete({ ok: false, errorType, errorMessage: `RequestId: ${current.requestId} Error: ${message}` });
  }

  function answered(payload: string): void {
    const bytes = Buffer.byteLength(payload);
    if (bytes <= RESPONSE_LIMIT_BYTES) return complete({ ok: true, payload });
    const errorMessage = `Response payload size exceeded maximum allowed payload size (${RESPONSE_LIMIT_BYTES} bytes).`;
    complete({ ok: false, errorType: 'Function.ResponseSizeTooLarge', errorMessage });
  }

  // The invocation completes when the process asks for its next event or ends: a process about to exit must not receive
  // another one.
  function report(body: string): void {
    const { errorType, errorMessage } = JSON.parse(body) as { errorType: string; errorMessage: string };
    reported = { ok: false, errorType, errorMessage };
  }

  function timedOut(): void {
    alive = false;
    child.kill('SIGKILL');
    fail('Sandbox.Timedout', `Task timed out after ${(definition.timeoutMs / 1000).toFixed(2)} seconds`);
  }

  function initTimedOut(): void {
    alive = false;
    child.kill('SIGKILL');
    fail('Sandbox.Timedout', `Init timed out after ${(INIT_LIMIT_MS / 1000).toFixed(2)} seconds`);
  }

  return {
    get alive() {
      return alive;
    },
    invoke(event, requestId = randomUUID()) {
      return new Promise(resolve => {
        current = { requestId, event, complete: resolve };
        if (!alive) return fail('Runtime.ExitError', 'Runtime exited before it received an event');
        if (waitingForEvent) return deliver();
        current.deadline = setTimeout(initTimedOut, INIT_LIMIT_MS);
      });
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function spawnBootstrap(
  directory: string,
  environment: Record<string, string>,
  onLine: (line: string) => void,
): ChildProcess {
  const child = spawn(process.execPath, [...nodeFlags, join(__dirname, 'bootstrap.cjs')], {
    cwd: directory,
    env: environment,
    // Nothing is written to stdin. When it closes, the process knows that its parent has ended.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  for (const output of [child.stdout, child.stderr]) createInterface(output).on('line', onLine);
  child.stdin.on('error', () => undefined);
  return child;
}
