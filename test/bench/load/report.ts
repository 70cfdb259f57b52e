import type { GatewayCpuFigures, LoadFigures, OverloadFigures, Rise, SoakFigures, SoakLevel } from './figures';

/** Formats the figures of a load. */
export function loadLines({ webhooks, sessions }: LoadFigures): string[] {
  return [...riseLines('Webhooks', webhooks), '', ...riseLines('Sessions opened', sessions)];
}

function riseLines(title: string, { steps, knee }: Rise): string[] {
  const rows = steps.map(step => [
    `${step.connections}`,
    step.requestsPerSecond.toFixed(0),
    step.p50Ms.toFixed(1),
    step.p99Ms.toFixed(1),
    `${step.errors}`,
    step === knee ? 'knee' : '',
  ]);
  return [title, ...columns([['connections', 'requests/s', 'p50 ms', 'p99 ms', 'errors', ''], ...rows])];
}

export function overloadLines({ throttles, webhooks, sessions, ...after }: OverloadFigures): string[] {
  const rows = [webhooks, sessions].map(({ statuses, ...flood }, at) => [
    at === 0 ? 'webhooks' : 'sessions',
    flood.offeredPerSecond.toFixed(0),
    Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
    flood.servedP99Ms.toFixed(0),
    flood.shedP99Ms.toFixed(0),
    `${flood.connectionsLost + flood.unanswered}`,
  ]);
  const { accepted, stored, ordinaryMs, recoveredAfterMs } = after;
  const back = recoveredAfterMs === null ? 'never' : `after ${(recoveredAfterMs / 1000).toFixed(1)} s`;
  return [
    `Overload, ${throttles === 'template' ? 'throttles as deployed' : 'throttles lifted'}`,
    ...columns([['', 'offered/s', 'answered', 'served p99 ms', 'shed p99 ms', 'lost'], ...rows]),
    `  accepted webhooks stored: ${stored} of ${accepted}`,
    `  ordinary requests (a webhook and a session in ${ordinaryMs.toFixed(0)} ms) served as before ${back}`,
  ];
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const count = (number: number) => number.toFixed(1);

const levels: Readonly<Record<SoakLevel, [name: string, said: (level: number) => string]>> = {
  heapBytes: ['heap after gc', mib],
  residentBytes: ['resident', mib],
  functionResidentBytes: ['resident, a function process', mib],
  openFiles: ['open files', count],
  handles: ['handles', count],
  functionProcesses: ['function processes', count],
};

export function soakLines(figures: SoakFigures): string[] {
  const { minutes, requestsPerSecond, answered, errors, grew } = figures;
  const rows = (Object.keys(levels) as SoakLevel[]).map(level => {
    const [name, said] = levels[level];
    const { from, to, growth } = figures[level];
    return [name, said(from), said(to), `${growth >= 0 ? '+' : ''}${(growth * 100).toFixed(1)} %`];
  });
  return [
    `Soak of ${minutes} min at ${requestsPerSecond.toFixed(0)} requests/s: ${answered} answered, ${errors} errors`,
    ...columns([['over its last two thirds', 'from', 'to', ''], ...rows]),
    grew.length === 0 ? '  nothing grew' : `  grew: ${grew.map(level => levels[level][0]).join(', ')}`,
  ];
}

export function gatewayCpuLines(figures: GatewayCpuFigures): string[] {
  const { stackCpuMs, bareCpuMs, ratio, requestsPerSecond, bareRequestsPerSecond } = figures;
  return [
    'CPU of one webhook',
    ...columns([
      ['', 'ms', 'requests/s'],
      ['local stack', stackCpuMs.toFixed(2), requestsPerSecond.toFixed(0)],
      ['bare server', bareCpuMs.toFixed(2), bareRequestsPerSecond.toFixed(0)],
      ['ratio', ratio.toFixed(2), ''],
    ]),
  ];
}

/** Rows under each other, the first column to the left and the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map(row => row[at]?.length ?? 0)));
  return rows.map(row =>
    `  ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart((widths[at] ?? 0) + 2))).join('')}`.trimEnd(),
  );
}
