import { setTimeout as wait } from 'node:timers/promises';
import { parseObject } from '../aws-call';
import type { Invocation } from './runtime';
import type { StreamRecord } from '../dynamodb/stream';
import type { Stack } from '../cloudformation/template';

/** An event source mapping: how a function receives a table's changes. */
export type EventSource = {
  readonly streamArn: string;
  /** The function's name or ARN. */
  readonly function: string;
  /** Returns whether the filter criteria select a record. */
  readonly admits: (record: StreamRecord) => boolean;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly bisects: boolean;
  /** Infinity for -1, the default. */
  readonly mostRetries: number;
  readonly mostAgeMs: number;
  readonly reportsFailures: boolean;
  /** ARN of the queue that receives a record of each abandoned batch. */
  readonly onFailure: string | undefined;
};

type MappingProperties = {
  readonly EventSourceArn?: string;
  readonly FunctionName: string;
  readonly Enabled?: boolean;
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly BisectBatchOnFunctionError?: boolean;
  readonly MaximumRetryAttempts?: number;
  readonly MaximumRecordAgeInSeconds?: number;
  readonly FunctionResponseTypes?: readonly string[];
  readonly DestinationConfig?: { readonly OnFailure?: { readonly Destination?: string } };
  readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern?: string }[] };
};

export function eventSourcesOf(stack: Stack): EventSource[] {
  const limit = (value = -1) => (value < 0 ? Number.POSITIVE_INFINITY : value);
  return stack
    .resources<MappingProperties>('AWS::Lambda::EventSourceMapping')
    .filter(({ properties }) => properties.Enabled !== false)
    .map(({ properties }) => {
      const patterns = properties.FilterCriteria?.Filters?.map(({ Pattern = '{}' }) => Pattern) ?? [];
      return {
        admits: eventFilter(patterns),
        streamArn: properties.EventSourceArn ?? '',
        function: properties.FunctionName,
        batchSize: properties.BatchSize ?? 100,
        windowMs: (properties.MaximumBatchingWindowInSeconds ?? 0) * 1000,
        bisects: properties.BisectBatchOnFunctionError ?? false,
        mostRetries: limit(properties.MaximumRetryAttempts),
        mostAgeMs: limit(properties.MaximumRecordAgeInSeconds) * 1000,
        reportsFailures: properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
        onFailure: properties.DestinationConfig?.OnFailure?.Destination,
      };
    });
}

export type RunningEventSource = {
  push(record: StreamRecord): void;
  /** Resolves once every pushed record was delivered or abandoned. */
  idle(): Promise<void>;
  /** Starts no further invocation. Undelivered records are lost. */
  stop(): void;
};

export type EventSourceDeps = {
  invoke(event: { Records: readonly StreamRecord[] }): Promise<Invocation>;
  /** Receives the failure record that Lambda writes for an abandoned batch. */
  onFailure(queueArn: string, body: string): void;
  clock?: () => number;
  pause?: (ms: number) => Promise<unknown>;
};

const RETRY_LEAST_MS = 100;
const RETRY_MOST_MS = 5000;

/**
 * Delivers a stream's records to a function as Lambda does: in order, one batch at a time. After a partial failure it
 * continues from the first failed record. A batch that fails as a whole is bisected if configured, and abandoned after
 * too many retries or when it is too old.
 */
export function startEventSource(source: EventSource, deps: EventSourceDeps): RunningEventSource {
  const { invoke, onFailure, clock = Date.now, pause = ms => wait(ms, undefined, { ref: false }) } = deps;
  const queue: StreamRecord[] = [];
  let running: Promise<void> | undefined;
  let stopped = false;

  async function run(): Promise<void> {
    // The write that caused the record must be answered first.
    await pause(source.windowMs);
    while (queue.length > 0 && !stopped) await deliver(queue.splice(0, source.batchSize));
    running = undefined;
  }

  async function deliver(records: readonly StreamRecord[]): Promise<void> {
    let batch = records;
    for (let failures = 0; batch.length > 0 && !stopped; ) {
      const left = await attempt(batch);
      if (left.length < batch.length) {
        failures = 0;
        batch = left;
        continue;
      }
      failures += 1;
      if (stopped) return;
      if (source.bisects && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await deliver(batch.slice(0, half));
        return deliver(batch.slice(half));
      }
      const condition = abandonReason(batch, failures);
      if (condition) return abandon(batch, condition, failures);
      await pause(Math.min(RETRY_LEAST_MS * 2 ** failures, RETRY_MOST_MS));
    }
  }

  /** Returns the undelivered rest of the batch: everything from the first failed record on. */
  async function attempt(batch: readonly StreamRecord[]): Promise<readonly StreamRecord[]> {
    const { outcome } = await invoke({ Records: batch });
    if (!outcome.ok) return batch;
    if (!source.reportsFailures) return [];
    const { batchItemFailures } = parseObject(outcome.payload) ?? {};
    if (!Array.isArray(batchItemFailures) || batchItemFailures.length === 0) return [];
    const failed = new Set(batchItemFailures.map(failure => (failure as { itemIdentifier?: unknown })?.itemIdentifier));
    const known = new Set<unknown>(batch.map(({ dynamodb }) => dynamodb.SequenceNumber));
    // An unknown sequence number counts as failure of the whole batch.
    if ([...failed].some(number => !known.has(number))) return batch;
    return batch.slice(batch.findIndex(({ dynamodb }) => failed.has(dynamodb.SequenceNumber)));
  }

  function abandonReason([first]: readonly StreamRecord[], failures: number): string | undefined {
    if (failures > source.mostRetries) return 'RetryAttemptsExhausted';
    const age = clock() - (first?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000;
    return age > source.mostAgeMs ? 'RecordAgeExceeded' : undefined;
  }

  function abandon(batch: readonly StreamRecord[], condition: string, invocations: number): void {
    if (source.onFailure === undefined) return;
    const [first, last] = [batch[0]?.dynamodb, batch.at(-1)?.dynamodb];
    const time = (seconds = 0) => new Date(seconds * 1000).toISOString();
    const failureRecord = {
      requestContext: { functionArn: source.function, condition, approximateInvokeCount: invocations },
      version: '1.0',
      timestamp: new Date(clock()).toISOString(),
      DDBStreamBatchInfo: {
        shardId: 'shardId-local',
        startSequenceNumber: first?.SequenceNumber,
        endSequenceNumber: last?.SequenceNumber,
        approximateArrivalOfFirstRecord: time(first?.ApproximateCreationDateTime),
        approximateArrivalOfLastRecord: time(last?.ApproximateCreationDateTime),
        batchSize: batch.length,
        streamArn: source.streamArn,
      },
    };
    onFailure(source.onFailure, JSON.stringify(failureRecord));
  }

  return {
    push(record) {
      if (stopped || !source.admits(record)) return;
      queue.push(record);
      running ??= run();
    },
    idle: async () => running,
    stop() {
      stopped = true;
      queue.length = 0;
    },
  };
}

/** One rule of an event pattern. Only exact values and prefixes are emulated. */
type Rule = string | number | boolean | null | { readonly prefix: string };

/**
 * Creates a function that returns whether an event matches any of the patterns. Without patterns, every event matches.
 */
export function eventFilter(patterns: readonly string[]): (event: object) => boolean {
  const parsed = patterns.map(pattern => parseObject(pattern) ?? {});
  for (const pattern of parsed) check(pattern);
  return event => parsed.length === 0 || parsed.some(pattern => matches(pattern, event));
}

function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return (pattern as Rule[]).some(rule => accepts(rule, value));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern as object).every(([name, inner]) => matches(inner, Reflect.get(value, name)));
}

function accepts(rule: Rule, value: unknown): boolean {
  if (typeof rule === 'object' && rule !== null) return typeof value === 'string' && value.startsWith(rule.prefix);
  return rule === value;
}

function check(pattern: unknown): void {
  for (const inner of Object.values(pattern as object)) {
    if (!Array.isArray(inner)) check(inner);
    else if (!inner.every(isEmulated)) throw new Error(`The filter ${JSON.stringify(inner)} is not emulated`);
  }
}

const isEmulated = (rule: unknown): boolean =>
  typeof rule !== 'object' || rule === null || Object.keys(rule).join() === 'prefix';
