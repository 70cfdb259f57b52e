/**
 * Limits processes to a share of one core: stops a process whose CPU time exceeds its share of the elapsed time, and
 * continues it later. It runs in its own process, in plain JavaScript, so that it can still continue every process
 * after the local stack was killed, which closes its standard input.
 * Reads one command per line: `<pid> <share>` limits a process, `<pid>` removes its limit.
 */
const { readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');

const TICK_MS = 5;
/** A process may use the CPU time of this period in one burst, like a cgroup's quota on Linux. */
const SPAN_MS = 20;
/** `/proc` counts CPU time in hundredths of a second. */
const CPU_TICK_MS = 10;

/** By process id. `debtMs` is the CPU time used beyond the share; a negative value may still be used. */
const limited = new Map();

/** Returns the CPU time of all threads of a process, or undefined if it has ended. */
function cpuMsOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The process's name is in parentheses and may contain any character.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * CPU_TICK_MS;
  } catch {
    return undefined;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended.
  }
}

function release(pid) {
  if (limited.get(pid)?.isStopped) signal(pid, 'SIGCONT');
  limited.delete(pid);
}

function tick() {
  for (const [pid, limit] of limited) {
    const cpuMs = cpuMsOf(pid);
    if (cpuMs === undefined) {
      limited.delete(pid);
      continue;
    }
    const now = performance.now();
    const { share } = limit;
    const debtMs = limit.debtMs + (cpuMs - limit.cpuMs) - (now - limit.at) * share;
    const isStopped = debtMs > 0;
    if (isStopped !== limit.isStopped) signal(pid, isStopped ? 'SIGSTOP' : 'SIGCONT');
    limited.set(pid, { share, at: now, cpuMs, debtMs: Math.max(debtMs, -share * SPAN_MS), isStopped });
  }
}

let timer;
createInterface(process.stdin)
  .on('line', line => {
    const [pid, share] = line.split(' ').map(Number);
    release(pid);
    const cpuMs = share === undefined ? undefined : cpuMsOf(pid);
    if (cpuMs !== undefined) {
      limited.set(pid, { share, at: performance.now(), cpuMs, debtMs: -share * SPAN_MS, isStopped: false });
    }
    if (limited.size > 0) timer ??= setInterval(tick, TICK_MS);
    else timer = clearInterval(timer);
  })
  .on('close', () => {
    for (const pid of limited.keys()) release(pid);
    process.exit(0);
  });

// A terminal sends these signals to every process; this one must outlive its parent.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});
