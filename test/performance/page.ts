import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ASSUMED, type CostLine, usdPerMillionFlows } from './cost';
import type { Counts, FlowCounts, OwnerCount, ScaleCount, SecretCount, Step } from './flow-counts';
import { COLD_FLOW, IDLE_FLOW } from './flows';

export const PAGE = join(__dirname, '../../docs/performance.md');
export const CHART = join(__dirname, '../../docs/cost.svg');

export type SectionName = 'flows' | 'cleanup' | 'owner' | 'secrets' | 'cost' | 'month';

/** The part of the page between its markers, as it is written there now. */
export function writtenSection(name: SectionName): string {
  const { page, from, to } = find(name);
  return page.slice(from, to).trim();
}

/** The page with the part between these markers replaced. */
export function withSection(name: SectionName, text: string): string {
  const { page, from, to } = find(name);
  return `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`;
}

function find(name: SectionName) {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [`<!-- counted: ${name} -->`, `<!-- /counted: ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md lacks the markers of ${name}`);
  return { page, from: from + begin.length, to };
}

const FLOW_HEAD = [
  'what happens',
  'round trips',
  'read units',
  'write units',
  'of them for the index',
  'Terra calls',
  'secret fetches',
  'log bytes',
  'events',
];

/** Every step of every flow; a line for the whole where the steps make one. */
export function flowsSection({ steps, returnedSessionBytes, linkRoomBytes }: FlowCounts): string {
  const isUsual = (flow: string) => flow !== COLD_FLOW && flow !== IDLE_FLOW;
  const flows = [...new Set(steps.map(step => step.flow))].toSorted((a, b) => Number(isUsual(b)) - Number(isUsual(a)));
  const rows = flows.flatMap(flow => {
    const own = steps.filter(step => step.flow === flow);
    const isWhole = own.some(step => step.name === 'confirm') && !own.some(step => step.isCold);
    return [
      [`**${flow}**`, ...FLOW_HEAD.slice(1).map(() => '')],
      ...own.map(step => [step.name, ...cells(step)]),
      ...(isWhole ? [['*the whole*', ...cells(sum(own))]] : []),
    ];
  });
  return [
    table(FLOW_HEAD, rows),
    `The row of a session has at most ${returnedSessionBytes} bytes once its browser has returned. Before that it also holds
Terra's link, for which one unit leaves ${linkRoomBytes} bytes; a longer link costs a unit more at each of create, webhook and callback.`,
  ].join('\n\n');
}

const cells = (counts: Omit<Counts, 'function'>): string[] =>
  [
    counts.roundTrips,
    counts.readUnits,
    counts.writeUnits + counts.indexWriteUnits,
    counts.indexWriteUnits,
    counts.terraCalls,
    counts.secretFetches,
    counts.logBytes,
    counts.events,
  ].map(String);

/** The steps of a flow together. */
export function sum(steps: readonly Step[]): Omit<Counts, 'function'> {
  const of = (name: Exclude<keyof Counts, 'function'>) => steps.reduce((total, step) => total + step[name], 0);
  return {
    roundTrips: of('roundTrips'),
    readUnits: of('readUnits'),
    writeUnits: of('writeUnits'),
    indexWriteUnits: of('indexWriteUnits'),
    terraCalls: of('terraCalls'),
    secretFetches: of('secretFetches'),
    logLines: of('logLines'),
    logBytes: of('logBytes'),
    changes: of('changes'),
    events: of('events'),
  };
}

/** What the cleanup, a list and the daily check need, in tables of several sizes. */
export function cleanupSection(scales: readonly ScaleCount[]): string {
  const [cleanups, listings, reconciles] = [
    scales.flatMap(scale => scale.cleanups),
    scales.map(scale => scale.listing),
    scales.map(scale => scale.reconcile),
  ];
  return [
    table(
      [
        'stale, 100 owners each',
        'rows in the table',
        'due rows',
        'read units to find them',
        'to judge',
        'write units',
        'round trips',
        'Terra calls',
      ],
      cleanups.map(({ stale, tableRows, dueRows, findUnits, judgeUnits, writeUnits, roundTrips, terraCalls }) => [
        stale,
        whole(tableRows),
        ...[dueRows, findUnits, judgeUnits, writeUnits, roundTrips, terraCalls].map(figure),
      ]),
    ),
    table(
      ['a list of', 'rows in the table', 'read units', 'round trips'],
      listings.map(({ connections, tableRows, readUnits, roundTrips }) => [
        `${connections} connections`,
        whole(tableRows),
        ...[readUnits, roundTrips].map(figure),
      ]),
    ),
    table(
      ['the daily check of', 'rows in the table', 'read units', 'write units', 'round trips', 'Terra calls'],
      reconciles.map(({ tableRows, readUnits, writeUnits, roundTrips, terraCalls }) => [
        '100 connections',
        whole(tableRows),
        ...[readUnits, writeUnits, roundTrips, terraCalls].map(figure),
      ]),
    ),
  ].join('\n\n');
}

/** What calls read about an ordinary user, and about one with as many rows as are kept. */
export function ownerSection(counts: readonly OwnerCount[]): string {
  return table(
    ['read units of', 'a user with one connection', 'a user with the most rows that are kept'],
    counts.map(({ call, ofOrdinary, ofLargest }) => [call, ...[ofOrdinary, ofLargest].map(figure)]),
  );
}

export function secretsSection(secrets: readonly SecretCount[]): string {
  return table(
    ['secret', 'callers of a cold process at once', 'fetches', 'calls after that', 'fetches'],
    secrets.map(({ secret, coldCallers, fetchesForColdCallers, warmCalls, fetchesForWarmCalls }) => [
      secret,
      ...[coldCallers, fetchesForColdCallers, warmCalls, fetchesForWarmCalls].map(whole),
    ]),
  );
}

export function costSection(lines: readonly CostLine[]): string {
  const total = lines.reduce((usd, line) => usd + usdPerMillionFlows(line), 0);
  const rows = lines.map(line => [
    line.what,
    line.unit === 'GB' ? `${Math.round(line.amount * 1e9)} bytes` : `${figure(line.amount)} ${line.unit}`,
    line.unit === 'GB' ? `${dollars(line.usdPerMillion / 1e6)} a GB` : `${dollars(line.usdPerMillion, 4)} a million`,
    dollars(usdPerMillionFlows(line)),
    `${Math.round((100 * usdPerMillionFlows(line)) / total)} %`,
  ]);
  const assumed = Object.entries(ASSUMED.ms).map(([name, ms]) => `${name} ${ms} ms`);
  return [
    table(
      ['where the money goes', 'for one flow', 'price', 'for a million flows', 'share'],
      [...rows, ['**together**', '', '', `**${dollars(total)}**`, '']],
    ),
    `Assumed, since a laptop cannot tell: ${assumed.join(', ')}, each warm at ${ASSUMED.memoryGb * 1024} MB; ${ASSUMED.accessLogBytes} bytes a line of the access log; what one request changed is published by one run.`,
  ].join('\n\n');
}

export function monthSection(lines: readonly { what: string; usd: number }[]): string {
  const total = lines.reduce((sumUsd, { usd }) => sumUsd + usd, 0);
  return table(
    ['a month in which nothing happens', ''],
    [...lines.map(({ what, usd }) => [what, dollars(usd)]), ['**together**', `**${dollars(total)}**`]],
  );
}

const whole = (count: number): string => count.toLocaleString('en-US');

const figure = (count: number): string => String(Math.round(count * 1000) / 1000);

/** Dollars with two digits, or with as many as it takes up to `most`. */
function dollars(usd: number, most = 2): string {
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: most })}`;
}

/** A table of markdown, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
