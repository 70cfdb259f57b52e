import { alarms } from '../../infra/parts/alarm-list';
import { costOfFlow, costOfMonth, FLOW, usdPerMillionFlows } from './cost';
import type { CleanupCount, FlowCounts, Step } from './flow-counts';
import { costSection } from './page';

const nothing: Step = {
  flow: FLOW,
  name: 'callback',
  isCold: false,
  function: 'complete-callback',
  roundTrips: 0,
  readUnits: 0,
  writeUnits: 0,
  indexWriteUnits: 0,
  terraCalls: 0,
  secretFetches: 0,
  logLines: 0,
  logBytes: 0,
  changes: 0,
  events: 0,
};
const flowsOf = (...steps: Step[]): FlowCounts => ({
  steps,
  returnedSessionBytes: 0,
  linkRoomBytes: 0,
  publisherLogBytes: 100,
});
const sweep: CleanupCount = {
  stale: 'completed session',
  tableRows: 0,
  staleOwners: 1,
  dueRows: 1,
  findUnits: 0.04,
  judgeUnits: 0.96,
  writeUnits: 2,
  roundTrips: 2,
  terraCalls: 0,
};
const costs = (...steps: Step[]) =>
  Object.fromEntries(costOfFlow(flowsOf(...steps), sweep).map(line => [line.what, usdPerMillionFlows(line)]));

test.each<[string, Partial<Step>, number]>([
  ['DynamoDB: rows written', { writeUnits: 4 }, 2.5],
  ['DynamoDB: due index', { indexWriteUnits: 2 }, 1.25],
  ['DynamoDB: cleanup', {}, 1.25],
  // With the one unit of the sweep.
  ['DynamoDB: reads', { readUnits: 3 }, 0.5],
  ['EventBridge', { events: 3 }, 3],
  ['HTTP API', {}, 1],
  ['Secrets Manager', { secretFetches: 2 }, 10],
  ['Lambda: requests', {}, 0.2],
  ['Lambda: requests', { changes: 2 }, 0.4],
  // 15 ms, and with publishing 20 more, at half a GB.
  ['Lambda: time (assumed)', {}, 0.015 * 0.5 * 13.3334],
  ['Lambda: time (assumed)', { changes: 1 }, 0.035 * 0.5 * 13.3334],
  // A line of the function and one of the access log, each with what CloudWatch adds.
  ['CloudWatch Logs', { logLines: 1, logBytes: 200 }, ((200 + 26 + 300 + 26) * 0.5) / 1000],
])('%s of a million flows of one request, for %j', (what, counts, usd) => {
  expect(costs({ ...nothing, ...counts })[what]).toBeCloseTo(usd, 6);
});

test('only the steps of the flow are counted, each request once', () => {
  expect(costs(nothing, nothing, { ...nothing, flow: 'another' })['HTTP API']).toBe(2);
});

test('a function without an assumed duration is an error', () => {
  expect(() => costs({ ...nothing, function: 'new-function' })).toThrow('no duration is assumed for new-function');
});

test('the table’s percentages are of its total', () => {
  const section = costSection(costOfFlow(flowsOf({ ...nothing, events: 100 }), sweep));
  const shares = [...section.matchAll(/\| (\d+) % \|/g)].map(([, share]) => Number(share));

  expect(section).toContain('| EventBridge | 100 events | $1.00 a million | $100.00 | 97 % |');
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(97);
});

test('an idle month costs the alarms, the secrets and the scheduled runs', () => {
  const idle = { ...nothing, flow: 'idle', logBytes: 174 };
  const flows = flowsOf(
    { ...idle, function: 'sweep-stale', readUnits: 4 },
    { ...idle, function: 'reconcile', readUnits: 1 },
  );

  const [alarmed, secrets, schedules] = costOfMonth(flows, {
    secrets: 3,
    alarms: alarms.length,
    sweepsPerHour: 60,
    reconcilesPerHour: 0,
  });

  expect(alarmed?.usd).toBeCloseTo(alarms.length / 10);
  expect(secrets?.usd).toBeCloseTo(1.2);
  const millions = (60 * 730) / 1e6;
  const run = 1 + 0.2 + 0.15 * 0.5 * 13.3334 + 4 * 0.125 + (200 * 0.5) / 1000;
  expect(schedules?.usd).toBeCloseTo(millions * run, 6);
});
