import { readFileSync } from 'node:fs';
import type { FlowCounts, Step } from './flow-counts';
import { IDLE_FLOW } from './flows';
import { type Flows, measureFlows } from './measure';
import { CHART, type SectionName, sum, writtenSection } from './page';
import { chartOfFlows, sectionsOfFlows } from './sections';

let measured: Flows;
let flows: FlowCounts;
let warm: Step[];
beforeAll(async () => {
  measured = await measureFlows();
  flows = measured.flows;
  warm = flows.steps.filter(step => !step.isCold);
});

const said = (steps: readonly Step[], count: keyof Step) =>
  steps.map(step => `${step.flow}, ${step.name}: ${String(step[count])}`);

/** The most round trips design §12 allows without contention; erasing has no bound of its own. */
function mostRoundTrips({ function: name, name: step, flow }: Step): number {
  switch (name) {
    case 'complete-callback':
      // The attempt, the counter of questions and, with Terra's answer, the return.
      return ['widget, callback first', 'webhook lost'].includes(flow) ? 3 : 1;
    case 'create-session':
      return flow === 'with an Idempotency-Key' ? 4 : 3;
    case 'confirm-session':
      return step === 'confirm' ? 3 : 4;
    case 'mint-token':
      return 3;
    case 'disconnect':
      return step === 'erase' ? Number.POSITIVE_INFINITY : 3;
    case 'receive-webhook':
      if (step.startsWith('webhook auth') && !step.endsWith('auth_cancelled')) return 3;
      return step === 'webhook user_reauth' ? 4 : 2;
    case 'read-state':
      return 2;
    case 'list-providers':
      return 0;
    case 'sweep-stale':
      // One for each shard of the index.
      return 8;
    case 'reconcile':
      // The place of the daily check, and the ends to be looked for.
      return 2;
    default:
      throw new Error(`no budget for ${name}`);
  }
}

test('no warm request exceeds its number of table round trips', () => {
  expect(
    said(
      warm.filter(step => step.roundTrips > mostRoundTrips(step)),
      'roundTrips',
    ),
  ).toEqual([]);
});

test('every function that answers a request was counted, cold and warm', () => {
  const answering = ['complete-callback', 'confirm-session', 'create-session', 'disconnect', 'list-providers'];
  const rest = ['mint-token', 'read-state', 'receive-webhook'];
  const functions = (isCold: boolean) =>
    new Set(flows.steps.filter(step => step.isCold === isCold && step.flow !== IDLE_FLOW).map(step => step.function));

  expect([...functions(true)].toSorted()).toEqual([...answering, ...rest]);
  expect([...functions(false)].toSorted()).toEqual([...answering, ...rest]);
});

test('no warm request fetches a secret', () => {
  expect(
    said(
      warm.filter(step => step.secretFetches > 0),
      'secretFetches',
    ),
  ).toEqual([]);
});

test('a process fetches each secret once, and reads the key’s fingerprint once', () => {
  const cold = flows.steps.filter(step => step.isCold);
  const extra = cold.map(step => {
    const same = warm.find(other => other.function === step.function && other.name === step.name);
    return [step.function, step.secretFetches, same && step.roundTrips - same.roundTrips];
  });

  expect(extra).toEqual([
    ['list-providers', 1, 0],
    // The very first one also writes the fingerprint down.
    ['create-session', 2, 2],
    ['receive-webhook', 1, 0],
    ['complete-callback', 0, 0],
    ['confirm-session', 1, 1],
    ['mint-token', 2, 1],
    ['read-state', 1, undefined],
    ['disconnect', 2, 1],
  ]);
});

test('a request calls Terra at most once, and an erasure once for each connection', () => {
  const most = (step: Step) => (step.name === 'erase' ? 3 : 1);

  expect(
    said(
      flows.steps.filter(step => step.terraCalls > most(step)),
      'terraCalls',
    ),
  ).toEqual([]);
  expect(warm.filter(step => step.function === 'receive-webhook' && step.terraCalls > 0)).toEqual([]);
});

test.each([
  ['widget, webhook first', 12],
  // Two more: a return that comes before the event is refused once, and the question to Terra is counted.
  ['widget, callback first', 14],
  ['direct link', 12],
])('a whole flow (%s) costs at most %d write units, index entries included', (flow, most) => {
  const whole = sum(flows.steps.filter(step => step.flow === flow));

  expect(whole.events).toBe(3);
  expect(whole.writeUnits + whole.indexWriteUnits).toBeLessThanOrEqual(most);
});

test('every successful request writes one line of at most 512 bytes', () => {
  expect(
    said(
      flows.steps.filter(step => step.logLines !== 1),
      'logLines',
    ),
  ).toEqual([]);
  expect(
    said(
      flows.steps.filter(step => step.logBytes > 512),
      'logBytes',
    ),
  ).toEqual([]);
  expect(flows.publisherLogBytes).toBeLessThanOrEqual(512);
});

test('a session row whose browser has returned is at most 1 KB', () => {
  expect(flows.returnedSessionBytes).toBeGreaterThan(400);
  expect(flows.returnedSessionBytes).toBeLessThanOrEqual(1024);
});

test('repeated data within the hour writes and publishes nothing', () => {
  const coalesced = warm.find(step => step.name === 'webhook daily, coalesced');

  expect(coalesced).toMatchObject({ roundTrips: 1, writeUnits: 0, indexWriteUnits: 0, changes: 0, events: 0 });
});

test('docs/performance.md shows the counted figures (node --import tsx test/performance/write.ts updates it)', () => {
  for (const [name, text] of Object.entries(sectionsOfFlows(measured))) {
    expect(writtenSection(name as SectionName)).toBe(text);
  }
  expect(readFileSync(CHART, 'utf8')).toBe(chartOfFlows(measured));
});
