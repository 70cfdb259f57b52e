import { countSecretFetches } from '../performance/count-secret-fetches';
import type { CleanupCount, Counts, Step } from '../performance/flow-counts';
import { LARGE, measureFlows, measureScale, SMALL, STALE_OWNERS } from '../performance/measure';
import { sum } from '../performance/page';
import { ownNode } from './node-versions';
import type { Row } from './report';

/** The flow that docs and costs use. */
const FLOW = 'widget, webhook first';

/**
 * What is counted rather than timed (targets 6, 7, 8 and 10), in short: `npx jest test/performance` holds every request to its
 * own budget, and `docs/performance.md` lists flow by flow.
 */
export async function measureCounted(say: (line: string) => void): Promise<Row[]> {
  say('counting what flows ask for');
  const { flows } = await measureFlows();
  say('counting secret fetches');
  const secrets = await countSecretFetches();
  say('counting cleanup');
  const { cleanups } = await measureScale();

  const warm = flows.steps.filter(step => !step.isCold);
  const flow = warm.filter(step => step.flow === FLOW);
  const whole = sum(flow);
  const [small, large] = cleanups.filter(({ stale }) => stale === 'abandoned session').map(findUnits);
  const row = (target: number, what: string, figure: number, unit: string, limit: number): Row => ({
    target,
    what,
    figure,
    unit,
    limit,
    node: ownNode.version,
  });
  return [
    row(6, `most DynamoDB round trips of a request (${FLOW})`, most(flow, 'roundTrips'), '', 3),
    row(6, 'most DynamoDB round trips of a callback', most(of(warm, 'complete-callback'), 'roundTrips'), '', 1),
    row(6, 'most DynamoDB round trips of a read', most(of(warm, 'read-state'), 'roundTrips'), '', 2),
    row(6, 'secret fetches in 1,000 warm calls', Math.max(...secrets.map(each => each.fetchesForWarmCalls)), '', 0),
    row(
      6,
      'secret fetches for 50 cold callers at once',
      Math.max(...secrets.map(each => each.fetchesForColdCallers)),
      '',
      1,
    ),
    row(7, `write units of a whole flow, index included (${FLOW})`, whole.writeUnits + whole.indexWriteUnits, '', 12),
    row(8, `read units to find a stale row among ${STALE_OWNERS}`, Math.max(...cleanups.map(findUnits)), '', 0.05),
    row(8, `its growth from ${SMALL} to ${LARGE} rows`, (large ?? Number.NaN) / (small ?? Number.NaN), '×', 1.05),
    row(10, 'most log bytes of a successful request', most(warm, 'logBytes'), 'bytes', 512),
    row(10, 'most log lines of a successful request', most(warm, 'logLines'), '', 1),
  ];
}

const of = (steps: readonly Step[], name: string) => steps.filter(step => step.function === name);

const findUnits = ({ findUnits: units, dueRows }: CleanupCount) => units / dueRows;

/** The most of a count; NaN, which holds no gate, where nothing was counted. */
function most(steps: readonly Step[], count: Exclude<keyof Counts, 'function'>): number {
  return steps.length === 0 ? Number.NaN : Math.max(...steps.map(step => step[count]));
}
