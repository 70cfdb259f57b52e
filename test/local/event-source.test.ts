import { type EventSource, eventSourcesOf, startEventSource } from '../../local/aws/lambda/event-source';
import { startEventSources } from '../../local/aws/lambda/event-sources';
import { readTemplate } from '../../local/aws/cloudformation/assembly';
import type { Invocation } from '../../local/aws/lambda/runtime';
import { type StreamRecord, streamOf } from '../../local/aws/dynamodb/stream';
import { readStack } from '../../local/aws/cloudformation/template';
import { assemblyOf } from './fixture';

const NOON = Date.UTC(2026, 10, 22, 12);
const source: EventSource = {
  streamArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/Records/stream/local',
  function: 'publish',
  admits: () => true,
  batchSize: 4,
  windowMs: 0,
  bisects: false,
  mostRetries: 2,
  mostAgeMs: Number.POSITIVE_INFINITY,
  reportsFailures: true,
  onFailure: 'arn:of:the:queue',
};
const record = (n: number) =>
  ({ dynamodb: { SequenceNumber: `${n}`, ApproximateCreationDateTime: NOON / 1000 } }) as StreamRecord;

const ok = (failed: unknown[] = []): Invocation => ({
  requestId: 'r',
  cold: false,
  outcome: {
    ok: true,
    payload: JSON.stringify({ batchItemFailures: failed.map(itemIdentifier => ({ itemIdentifier })) }),
  },
});
const thrown: Invocation = {
  requestId: 'r',
  cold: false,
  outcome: { ok: false, errorType: 'Error', errorMessage: 'no' },
};

/** Delivers records 1 to `count`; what the function was given each time, and what was written of batches given up. */
async function deliver(
  count: number,
  answer: (numbers: string[], call: number) => Invocation,
  more: Partial<EventSource> = {},
  clock = () => NOON,
) {
  const given: string[] = [];
  const letters: Record<string, unknown>[] = [];
  const running = startEventSource(
    { ...source, ...more },
    {
      clock,
      pause: async () => {},
      async invoke({ Records }) {
        const numbers = Records.map(({ dynamodb }) => dynamodb.SequenceNumber);
        given.push(numbers.join(' '));
        return answer(numbers, given.length);
      },
      onFailure: (queue, body) => letters.push({ queue, ...JSON.parse(body) }),
    },
  );
  for (let n = 1; n <= count; n++) running.push(record(n));
  await running.idle();
  return { given, letters };
}

test('records arrive in order, in batches of the template’s size', async () => {
  expect((await deliver(6, () => ok())).given).toEqual(['1 2 3 4', '5 6']);
});

test('a batch is delivered again from its first failed record', async () => {
  const { given } = await deliver(4, (_, call) => (call === 1 ? ok(['4', '3']) : ok()));

  expect(given).toEqual(['1 2 3 4', '3 4']);
});

test('a function that reports no failures has accepted the whole batch', async () => {
  expect((await deliver(2, () => ok(['1']), { reportsFailures: false })).given).toEqual(['1 2']);
});

test.each([
  ['that throws', () => thrown],
  ['that names a record it was not given', () => ok(['99'])],
  ['that names none', () => ok([''])],
])('a batch of a function %s is retried up to its limit, and then reported', async (_what, answer) => {
  const { given, letters } = await deliver(2, answer);

  expect(given).toEqual(['1 2', '1 2', '1 2']);
  expect(letters).toEqual([
    expect.objectContaining({
      queue: 'arn:of:the:queue',
      requestContext: { functionArn: 'publish', condition: 'RetryAttemptsExhausted', approximateInvokeCount: 3 },
      DDBStreamBatchInfo: expect.objectContaining({ startSequenceNumber: '1', endSequenceNumber: '2', batchSize: 2 }),
    }),
  ]);
});

test('bisecting isolates the record at which the function crashes', async () => {
  const { given, letters } = await deliver(4, numbers => (numbers.includes('3') ? thrown : ok()), { bisects: true });

  expect(given).toEqual(['1 2 3 4', '1 2', '3 4', '3', '3', '3', '4']);
  expect(letters).toMatchObject([{ DDBStreamBatchInfo: { startSequenceNumber: '3', batchSize: 1 } }]);
});

test('a record that is too old is given up at its next failure', async () => {
  const late = () => NOON + 2000;
  const { given, letters } = await deliver(1, () => thrown, { mostAgeMs: 1000 }, late);

  expect(given).toEqual(['1']);
  expect(letters).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }]);
});

test('nothing is delivered after the stop', async () => {
  const given: number[] = [];
  const running = startEventSource(source, {
    pause: async () => {},
    async invoke({ Records }) {
      given.push(Records.length);
      running.stop();
      return thrown;
    },
    onFailure: () => given.push(-1),
  });
  running.push(record(1));
  await running.idle();
  running.push(record(2));

  expect(given).toEqual([1]);
});

test('a change of a table becomes a record with both images, for the functions subscribed to it', async () => {
  const given: StreamRecord[] = [];
  const sources = startEventSources([source], {
    pause: async () => {},
    async invoke(_name, { Records }) {
      given.push(...Records);
      return ok();
    },
    onFailure: () => {},
    clock: () => NOON,
  });
  const [keys, before, after] = [{ owner: { S: 'a' } }, { n: { N: '1' } }, { n: { N: '2' } }];
  const change = { table: 'Records', keys, before: undefined, after: undefined, expired: false };

  sources.changed({ ...change, after: before });
  sources.changed({ ...change, before, after });
  sources.changed({ ...change, before: after, expired: true });
  sources.changed({ ...change, table: 'Another', after });
  await new Promise(resolve => setTimeout(resolve, 20));
  sources.stop();

  expect(given).toMatchObject([
    { eventName: 'INSERT', dynamodb: { Keys: keys, NewImage: before } },
    { eventName: 'MODIFY', dynamodb: { OldImage: before, NewImage: after }, eventSourceARN: source.streamArn },
    { eventName: 'REMOVE', dynamodb: { OldImage: after }, userIdentity: { principalId: 'dynamodb.amazonaws.com' } },
  ]);
  const numbers = given.map(({ dynamodb }) => BigInt(dynamodb.SequenceNumber));
  expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(new Set(numbers).size).toBe(3);
  expect(given[0]?.dynamodb).not.toHaveProperty('OldImage');
});

test('a later run continues the sequence numbers', () => {
  const change = { table: 'Records', keys: {}, before: undefined, after: undefined, expired: false };
  const [first, second] = [NOON, NOON + 1].map(at => streamOf('arn', () => at)(change).dynamodb.SequenceNumber);

  expect(BigInt(second ?? 0)).toBeGreaterThan(BigInt(first ?? 0));
});

describe('the template’s mapping', () => {
  const read = (properties: object) =>
    eventSourcesOf(
      readStack(
        'fixture',
        readTemplate(
          assemblyOf({
            Mapping: {
              Type: 'AWS::Lambda::EventSourceMapping',
              Properties: { FunctionName: 'publish', ...properties },
            },
          }),
        ),
        { apiUrl: 'http://localhost:1' },
      ),
    );

  test('sets how records are delivered', () => {
    const given = {
      EventSourceArn: source.streamArn,
      BatchSize: 4,
      BisectBatchOnFunctionError: false,
      MaximumRetryAttempts: 2,
      MaximumRecordAgeInSeconds: -1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: 'arn:of:the:queue' } },
    };

    expect(read(given)).toEqual([{ ...source, admits: expect.any(Function) }]);
  });

  test('uses Lambda’s defaults for what it leaves out', () => {
    expect(read({})).toMatchObject([
      { batchSize: 100, bisects: false, mostRetries: Number.POSITIVE_INFINITY, reportsFailures: false },
    ]);
  });

  test('can be disabled', () => {
    expect(read({ Enabled: false })).toEqual([]);
  });

  test('filters records', async () => {
    const pattern = {
      eventName: ['INSERT', 'MODIFY'],
      dynamodb: { Keys: { item: { S: [{ prefix: 'session#' }, 'x'] } } },
    };
    const [{ admits } = source] = read({ FilterCriteria: { Filters: [{ Pattern: JSON.stringify(pattern) }] } });
    const of = (eventName: 'INSERT' | 'REMOVE', item: string) => ({
      ...record(1),
      eventName,
      dynamodb: { ...record(1).dynamodb, Keys: { item: { S: item } } },
    });

    expect(admits(of('INSERT', 'session#1'))).toBe(true);
    expect(admits(of('INSERT', 'x'))).toBe(true);
    expect(admits(of('INSERT', 'quota#sessions'))).toBe(false);
    expect(admits(of('REMOVE', 'session#1'))).toBe(false);
    expect(admits(record(1))).toBe(false);
    expect((await deliver(3, () => ok(), { admits: ({ dynamodb }) => dynamodb.SequenceNumber !== '2' })).given).toEqual(
      ['1 3'],
    );
  });

  test('is refused if it uses a filter that is not emulated', () => {
    const filter = { Filters: [{ Pattern: '{"n":[{"numeric":[">",1]}]}' }] };

    expect(() => read({ FilterCriteria: filter })).toThrow('The filter [{"numeric":[">",1]}] is not emulated');
  });
});
