import { randomUUID } from 'node:crypto';
import { type ExecutionEnvironment, type Outcome, startEnvironment } from './execution-environment';
import { type FunctionLog, readLogLine } from './function-log';
import type { Credentials, LambdaFunction } from './lambda-function';

/** One invocation as the caller of a function sees it. */
export type Invocation = {
  readonly requestId: string;
  readonly outcome: Outcome | Throttled;
  /** Whether a process had to be started for it. */
  readonly cold: boolean;
};

/** More at once than the function's reserved concurrency allows. */
export type Throttled = {
  readonly ok: false;
  readonly errorType: 'TooManyRequestsException';
  readonly errorMessage: string;
};

export type Runtime = {
  readonly definition: LambdaFunction;
  invoke(event: unknown): Promise<Invocation>;
  /** Ends all processes; invocations under way fail, waiting ones too. */
  close(): Promise<void>;
};

/** On AWS a thousand environments may run at once; here they share one small machine. */
const MOST_PROCESSES = 10;
const IDLE_LIMIT_MS = 120_000;

/** Runs one function in as many processes as it has invocations at the same time, started when first needed. */
export function startRuntime(
  definition: LambdaFunction,
  deps: {
    credentials: Credentials;
    endpoints: Readonly<Record<string, string>>;
    onLog: (log: FunctionLog) => void;
    mostProcesses?: number;
    idleLimitMs?: number;
  },
): Runtime {
  const { onLog, mostProcesses = MOST_PROCESSES, idleLimitMs = IDLE_LIMIT_MS } = deps;
  const idle: { environment: ExecutionEnvironment; reaper: NodeJS.Timeout }[] = [];
  const running = new Set<ExecutionEnvironment>();
  const waiting: (() => void)[] = [];
  let taken = 0;
  let closed = false;

  async function withEnvironment<T>(use: (environment: ExecutionEnvironment, cold: boolean) => Promise<T>): Promise<T> {
    while (taken >= mostProcesses) await new Promise<void>(resolve => waiting.push(resolve));
    taken += 1;
    try {
      const warm = takeIdle();
      const environment = warm ?? (await start());
      const result = await use(environment, warm === undefined);
      giveBack(environment);
      return result;
    } finally {
      taken -= 1;
      waiting.shift()?.();
    }
  }

  async function start(): Promise<ExecutionEnvironment> {
    const onLine = (line: string) => onLog(readLogLine(definition.title, line));
    const environment = await startEnvironment(definition, { ...deps, onLine });
    running.add(environment);
    if (closed) await environment.stop();
    return environment;
  }

  // The one used last, so that the others fall idle.
  function takeIdle(): ExecutionEnvironment | undefined {
    for (;;) {
      const last = idle.pop();
      if (last === undefined) return undefined;
      clearTimeout(last.reaper);
      if (last.environment.alive) return last.environment;
      running.delete(last.environment);
    }
  }

  function giveBack(environment: ExecutionEnvironment): void {
    if (!environment.alive || closed) {
      running.delete(environment);
      void environment.stop();
      return;
    }
    const reaper = setTimeout(() => {
      idle.splice(
        idle.findIndex(entry => entry.environment === environment),
        1,
      );
      running.delete(environment);
      void environment.stop();
    }, idleLimitMs).unref();
    idle.push({ environment, reaper });
  }

  return {
    definition,
    async invoke(event) {
      const requestId = randomUUID();
      if (taken + waiting.length >= (definition.reservedConcurrency ?? Number.POSITIVE_INFINITY)) {
        const errorMessage = 'Rate Exceeded.';
        return { requestId, cold: false, outcome: { ok: false, errorType: 'TooManyRequestsException', errorMessage } };
      }
      return withEnvironment(async (environment, cold) => {
        const outcome = await environment.invoke(JSON.stringify(event), requestId);
        if (!outcome.ok) {
          onLog({
            function: definition.title,
            level: 'ERROR',
            requestId,
            message: `${outcome.errorType}: ${outcome.errorMessage}`,
          });
        }
        return { requestId, outcome, cold };
      });
    },
    async close() {
      closed = true;
      for (const { reaper } of idle.splice(0)) clearTimeout(reaper);
      await Promise.all([...running].map(environment => environment.stop()));
    },
  };
}
