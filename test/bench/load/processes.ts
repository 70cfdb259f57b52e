import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A process as the operating system sees it. */
export type Seen = { readonly pid: number; readonly residentBytes: number };

/** Linux counts CPU time in hundredths of a second for every program, whatever its clock. */
const TICKS_PER_SECOND = 100;

/** The function processes of the local stack that runs in this process. */
export function functionProcesses(stackPid: number): Seen[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap(line => {
    const [, pid, parent, kib] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+.*bootstrap\.cjs/.exec(line) ?? [];
    return Number(parent) === stackPid ? [{ pid: Number(pid), residentBytes: Number(kib) * 1024 }] : [];
  });
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Open files and sockets; 0 where the system has no `/proc` to tell. */
export function openFiles(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  return existsSync(directory) ? readdirSync(directory).length : 0;
}

/** CPU time a process has used so far, its own and the kernel's for it. Linux only. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything, so the fields are counted from its end.
  const [userTicks, systemTicks] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return ((Number(userTicks) + Number(systemTicks)) * 1000) / TICKS_PER_SECOND;
}
