import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LambdaFunction } from './lambda-function';
import { StartError } from '../../start-error';

/** Lambda gives one vCPU to a function with this much memory, and less in proportion: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const ONE_VCPU_MB = 1769;

/** Returns the share of one core that a function's memory buys; 1 is a whole one, which is the most one thread can use. */
export const cpuShareOf = ({ memoryMb }: Pick<LambdaFunction, 'memoryMb'>): number =>
  Math.min(1, memoryMb / ONE_VCPU_MB);

/** Holds processes to a share of one core. */
export type CpuLimit = {
  /** Limits the process until the returned function is called. */
  limit(pid: number, share: number): () => void;
  /** Ends every limit. */
  close(): Promise<void>;
};

/**
 * Starts to hold processes to their share, by stopping and continuing them. Takes no privileges.
 * @throws StartError on other systems than Linux, where the CPU time of another process cannot be read as cheaply.
 */
export function startCpuLimit(platform: NodeJS.Platform = process.platform): CpuLimit {
  if (platform !== 'linux') {
    throw new StartError(`--like-lambda is not supported on ${platform}, only on Linux: start without it`);
  }
  const limited = new Set<number>();
  const limiter = spawn(process.execPath, [join(__dirname, 'cpu-limiter.cjs')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exited = once(limiter, 'exit').then(() => {
    // It continues what it stopped; this is for one that was killed.
    for (const pid of limited) proceed(pid);
  });
  limiter.stdin.on('error', () => undefined);

  return {
    limit(pid, share) {
      limited.add(pid);
      limiter.stdin.write(`${pid} ${share}\n`);
      return () => {
        if (limited.delete(pid)) limiter.stdin.write(`${pid}\n`);
      };
    },
    async close() {
      limiter.stdin.end();
      await exited;
    },
  };
}

function proceed(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It ended on its own.
  }
}
