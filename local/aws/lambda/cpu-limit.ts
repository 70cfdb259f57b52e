import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LambdaFunction } from './lambda-function';
import { StartError } from '../../start-error';

/**
 * The memory size that buys one vCPU; smaller sizes get a proportional share.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
const ONE_VCPU_MB = 1769;

/** Returns the share of one core that a function's memory buys. At most 1, because one thread cannot use more. */
export const cpuShareOf = ({ memoryMb }: Pick<LambdaFunction, 'memoryMb'>): number =>
  Math.min(1, memoryMb / ONE_VCPU_MB);

/** Limits processes to a share of one core. */
export type CpuLimit = {
  /** Limits the process until the returned function is called. */
  limit(pid: number, share: number): () => void;
  /** Ends every limit. */
  close(): Promise<void>;
};

/**
 * Starts limiting processes to their CPU share by stopping and continuing them. Needs no privileges.
 * @throws StartError on other systems than Linux, where reading another process's CPU time is expensive.
 */
export function startCpuLimit(platform: NodeJS.Platform = process.platform): CpuLimit {
  if (platform !== 'linux') {
    throw new StartError(`--like-lambda is not supported on ${platform}, only on Linux: run npm start without it`);
  }
  const limited = new Set<number>();
  const limiter = spawn(process.execPath, [join(__dirname, 'cpu-limiter.cjs')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exited = once(limiter, 'exit').then(() => {
    // The limiter continues the processes it stopped; this covers a limiter that was killed.
    for (const pid of limited) resume(pid);
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

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // The process has ended.
  }
}
