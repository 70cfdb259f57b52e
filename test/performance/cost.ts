import type { CleanupCount, FlowCounts, Step } from './flow-counts';

/**
 * AWS's list prices in us-east-1, in dollars for a million, without any free tier; looked up on 2026-11-23 at
 * https://aws.amazon.com/<service>/pricing/ (dynamodb on demand, lambda, api-gateway, eventbridge, cloudwatch, secrets-manager).
 */
export const PRICES = {
  writeUnits: 0.625,
  readUnits: 0.125,
  httpRequests: 1,
  lambdaRequests: 0.2,
  /** arm64 */
  lambdaGbSeconds: 13.3334,
  events: 1,
  logGigabytes: 500_000,
  secretCalls: 5,
  scheduledRuns: 1,
} as const;

/** Dollars a month. */
export const MONTHLY_PRICES = { secret: 0.4, alarm: 0.1 } as const;

/** What cannot be counted on a laptop: milliseconds billed a warm run, at 512 MB. Creating waits for Terra. */
export const ASSUMED = {
  memoryGb: 0.5,
  ms: {
    'create-session': 200,
    'receive-webhook': 20,
    'complete-callback': 15,
    'confirm-session': 25,
    'publish-changes': 20,
  },
  sweepMs: 150,
  /** A line of the access log. */
  accessLogBytes: 300,
  /** CloudWatch counts these for each line. */
  lineOverheadBytes: 26,
} as const;

export type CostLine = {
  readonly what: string;
  readonly unit: string;
  /** For one flow. */
  readonly amount: number;
  readonly usdPerMillion: number;
};

/** The steps of the flow that costs are said of. */
export const FLOW = 'widget, webhook first';

/** The cost of one user who connects through the widget, from the counts of each step and of the following sweep. */
export function costOfFlow({ steps, publisherLogBytes }: FlowCounts, sweep: CleanupCount): CostLine[] {
  const flow = steps.filter(step => step.flow === FLOW);
  const total = (count: (step: Step) => number) => flow.reduce((sum, step) => sum + count(step), 0);
  // What a request changed lies in the stream together, and is taken from there together.
  const publishing = flow.filter(step => step.changes > 0).length;
  const ms = total(step => billedMs(step.function)) + publishing * ASSUMED.ms['publish-changes'];
  const logBytes =
    total(step => step.logBytes + step.logLines * ASSUMED.lineOverheadBytes) +
    publishing * (publisherLogBytes + ASSUMED.lineOverheadBytes) +
    flow.length * (ASSUMED.accessLogBytes + ASSUMED.lineOverheadBytes);

  return [
    line(
      'DynamoDB: rows written',
      'write units',
      total(step => step.writeUnits),
      'writeUnits',
    ),
    line('HTTP API', 'requests', flow.length, 'httpRequests'),
    line(
      'DynamoDB: due index',
      'write units',
      total(step => step.indexWriteUnits),
      'writeUnits',
    ),
    line(
      'EventBridge',
      'events',
      total(step => step.events),
      'events',
    ),
    line('Lambda: time (assumed)', 'GB-seconds', (ms / 1000) * ASSUMED.memoryGb, 'lambdaGbSeconds'),
    line('Lambda: requests', 'requests', flow.length + publishing, 'lambdaRequests'),
    line('DynamoDB: cleanup', 'write units', sweep.writeUnits, 'writeUnits'),
    line('CloudWatch Logs', 'GB', logBytes / 1e9, 'logGigabytes'),
    line(
      'DynamoDB: reads',
      'read units',
      total(step => step.readUnits) + sweep.findUnits + sweep.judgeUnits,
      'readUnits',
    ),
    line(
      'Secrets Manager',
      'fetches',
      total(step => step.secretFetches),
      'secretCalls',
    ),
  ].toSorted((a, b) => b.amount * b.usdPerMillion - a.amount * a.usdPerMillion);
}

/** Dollars for a million flows. */
export const usdPerMillionFlows = ({ amount, usdPerMillion }: CostLine): number => amount * usdPerMillion;

/** The monthly cost of a deployment without users. */
export function costOfMonth(
  { steps }: FlowCounts,
  {
    secrets,
    alarms,
    sweepsPerHour,
    reconcilesPerHour,
  }: { secrets: number; alarms: number; sweepsPerHour: number; reconcilesPerHour: number },
): { what: string; usd: number }[] {
  const hours = 730;
  const runs = [
    { step: steps.find(step => step.function === 'sweep-stale'), count: sweepsPerHour * hours },
    { step: steps.find(step => step.function === 'reconcile'), count: reconcilesPerHour * hours },
  ];
  const usd = (count: number, price: keyof typeof PRICES) => (count * PRICES[price]) / 1e6;
  const each = runs.map(
    ({ step, count }) =>
      usd(count, 'scheduledRuns') +
      usd(count, 'lambdaRequests') +
      usd((count * ASSUMED.sweepMs * ASSUMED.memoryGb) / 1000, 'lambdaGbSeconds') +
      usd(count * (step?.readUnits ?? 0), 'readUnits') +
      usd((count * ((step?.logBytes ?? 0) + ASSUMED.lineOverheadBytes)) / 1e9, 'logGigabytes'),
  );
  return [
    { what: `${alarms} alarms`, usd: alarms * MONTHLY_PRICES.alarm },
    { what: `${secrets} secrets`, usd: secrets * MONTHLY_PRICES.secret },
    { what: 'the schedules, finding nothing', usd: each.reduce((sum, cost) => sum + cost, 0) },
  ];
}

function billedMs(name: string): number {
  const ms: Readonly<Record<string, number>> = ASSUMED.ms;
  const assumed = ms[name];
  if (assumed === undefined) throw new Error(`no duration is assumed for ${name}`);
  return assumed;
}

function line(what: string, unit: string, amount: number, price: keyof typeof PRICES): CostLine {
  return { what, unit, amount, usdPerMillion: PRICES[price] };
}
