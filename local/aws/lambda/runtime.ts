import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { CpuLimit } from './cpu-limit';
import { type ExecutionEnvironment, type Outcome, startEnvironment } from './execution-environment';
import type { Credentials, LambdaFunction } from './lambda-function';

/** The result of one invocation. */
export type Invocation = {
  readonly requestId: string;
  readonly outcome: Outcome | Throttled;
  /** Whether a new process was started for it. */
  readonly cold: boolean;
};

/** The invocation exceeded the function's reserved concurrency or this machine's limits. */
export type Throttled = {
  readonly ok: false;
  readonly errorType: 'TooManyRequestsException';
  readonly errorMessage: string;
};

export type Runtime = {
  readonly definition: LambdaFunction;
  invoke(event: unknown): Promise<Invocation>;
  /** Ends all processes. Running and waiting invocations fail. */
  close(): Promise<void>;
};

type Idle = { readonly environment: ExecutionEnvironment; reaper: NodeJS.Timeout };

const throttled: Throttled = { ok: false, errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' };

/** The limits of one function. */
export type Limits = {
  readonly mostProcesses: number;
  /** The most invocations that may wait for a process; more are throttled. */
  readonly mostWaiting: number;
  /** An invocation that waited this long is throttled, because its caller is about to time out. */
  readonly longestWaitMs: number;
  readonly idleLimitMs: number;
  /** For all processes except the last one, since they were started for a burst. */
  readonly surplusIdleLimitMs: number;
};

/**
 * AWS allows 1,000 concurrent environments. Here they share one small machine, with some extra for functions that wait
 * for Terra.
 */
const LIMITS: Limits = {
  mostProcesses: Math.min(10, Math.max(4, 2 * availableParallelism())),
  mostWaiting: 100,
  longestWaitMs: 5_000,
  idleLimitMs: 120_000,
  surplusIdleLimitMs: 5_000,
};

/** Runs one function. Each concurrent invocation has its own process, started on demand. */
export function startRuntime(
  definition: LambdaFunction,
  deps: {
    credentials: Credentials;
    endpoints: Readonly<Record<string, string>>;
    onLog: (log: FunctionLog) => void;
    /** By default the processes use whole cores. */
    cpuLimit?: Pick<CpuLimit, 'limit'> | undefined;
  } & Partial<Limits>,
): Runtime {
  const { onLog } = deps;
  const { mostProcesses, mostWaiting, longestWaitMs, idleLimitMs, surplusIdleLimitMs } = { ...LIMITS, ...deps };
  const idle: Idle[] = [];
  const running = new Set<ExecutionEnvironment>();
  const waiting: ((mayRun: boolean) => void)[] = [];
  let taken = 0;
  let closed = false;

  /** Resolves with whether the invocation may have a process. */
  async function take(): Promise<boolean> {
    if (closed || taken + waiting.length >= (definition.reservedConcurrency ?? Number.POSITIVE_INFINITY)) return false;
    if (taken < mostProcesses) {
      taken += 1;
      return true;
    }
    return waiting.length < mostWaiting && waitForTurn();
  }

  function waitForTurn(): Promise<boolean> {
    return new Promise(resolve => {
      const waiter = (mayRun: boolean) => {
        clearTimeout(patience);
        resolve(mayRun);
      };
      const patience = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1);
        resolve(false);
      }, longestWaitMs);
      waiting.push(waiter);
    });
  }

  function yieldTurn(): void {
    const next = waiting.shift();
    if (next) next(true);
    else taken -= 1;
  }

  async function withEnvironment<T>(use: (environment: ExecutionEnvironment, cold: boolean) => Promise<T>): Promise<T> {
    try {
      const warm = takeIdle();
      const environment = warm ?? (await start());
      const result = await use(environment, warm === undefined);
      giveBack(environment);
      return result;
    } finally {
      yieldTurn();
    }
  }

  async function start(): Promise<ExecutionEnvironment> {
    const onLine = (line: string) => onLog(readLogLine(definition.title, line));
    const environment = await startEnvironment(definition, { ...deps, onLine });
    running.add(environment);
    if (closed) await environment.stop();
    return environment;
  }

  // Takes the most recently used process, so that the others become idle.
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
    const after = (ms: number, act: () => void) => setTimeout(act, ms).unref();
    const reap = () => {
      idle.splice(idle.indexOf(entry), 1);
      running.delete(environment);
      void environment.stop();
    };
    const entry: Idle = {
      environment,
      reaper: after(Math.min(surplusIdleLimitMs, idleLimitMs), () => {
        if (running.size > 1) return reap();
        entry.reaper = after(idleLimitMs - surplusIdleLimitMs, reap);
      }),
    };
    idle.push(entry);
  }

  return {
    definition,
    async invoke(event) {
      const requestId = randomUUID();
      if (!(await take())) return { requestId, cold: false, outcome: throttled };
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
      for (const waiter of waiting.splice(0)) waiter(false);
      for (const { reaper } of idle.splice(0)) clearTimeout(reaper);
      await Promise.all([...running].map(environment => environment.stop()));
    },
  };
}

/** One line that a function logged. */
export type FunctionLog = {
  readonly function: string;
  readonly level: string;
  readonly requestId?: string;
  /** The logged object or text. */
  readonly message: unknown;
};

/** Parses a line of a function's output: the runtime's JSON, or plain text printed by something else. */
export function readLogLine(title: string, line: string): FunctionLog {
  try {
    const { level, requestId, ...rest } = JSON.parse(line) as Record<string, unknown>;
    if (typeof level === 'string') {
      const message = Object.hasOwn(rest, 'errorType') ? rest : rest.message;
      return { function: title, level, message, ...(typeof requestId === 'string' && { requestId }) };
    }
  } catch {
    // Not JSON, so plain text.
  }
  return { function: title, level: 'INFO', message: line };
}
