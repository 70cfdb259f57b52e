import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { account } from '../iam/account';
import { type AwsAnswer, type OnCall, parseObject, startService } from '../aws-call';

/** An event in the form a rule's target receives, and the bus it was published to. */
export type BusEvent = {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly bus: string;
};

export type Bus = {
  readonly endpoint: string;
  readonly name: string;
  /** Returns the last 1,000 events, oldest first. */
  events(): readonly BusEvent[];
  /** Serves `GET /_local/events`: these events, or one user's with `?sub=`. Returns false for any other request. */
  answers(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
};

type Entry = Readonly<Record<string, unknown>>;
type Result = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

const KEPT = 1000;
const ENTRIES_LIMIT = 10;
const SIZE_LIMIT_BYTES = 256 * 1024;
const PAGE = '/_local/events';

/**
 * Starts EventBridge on the loopback interface: accepts events for the template's buses and keeps them for inspection.
 */
export async function startBus(options: { names: readonly string[]; onCall?: OnCall }): Promise<Bus> {
  const { names, onCall } = options;
  const kept: { event: BusEvent; receivedAt: string }[] = [];

  function put(entry: Entry): Result {
    const wrong = problemOf(entry, names);
    if (wrong) return wrong;
    const event = eventOf(entry);
    kept.push({ event, receivedAt: new Date().toISOString() });
    if (kept.length > KEPT) kept.shift();
    return { EventId: event.id };
  }

  function putEvents({ Entries }: Record<string, unknown>): AwsAnswer {
    const entries = Array.isArray(Entries) ? (Entries as Entry[]) : [];
    if (entries.length === 0 || entries.length > ENTRIES_LIMIT) {
      return failure('ValidationException', `Entries must hold 1 to ${ENTRIES_LIMIT} entries`);
    }
    if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > SIZE_LIMIT_BYTES) {
      return failure('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const results = entries.map(put);
    const failed = results.filter(result => 'ErrorCode' in result).length;
    return { status: 200, body: { FailedEntryCount: failed, Entries: results } };
  }

  const { endpoint, close } = await startService({
    onCall,
    contentType: 'application/x-amz-json-1.1',
    answer: (action, request) =>
      action === 'PutEvents' ? putEvents(request) : failure('UnknownOperationException', `${action} is not emulated`),
  });

  return {
    endpoint,
    name: names[0] ?? '',
    events: () => kept.map(({ event }) => event),
    answers(request, response) {
      const [path, query] = (request.url ?? '').split('?');
      if (request.method !== 'GET' || path !== PAGE) return false;
      const sub = new URLSearchParams(query).get('sub');
      const selected = kept.filter(({ event }) => sub === null || subjectOf(event) === sub);
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(
        JSON.stringify({
          events: selected.map(({ event }) => event),
          receivedAt: selected.map(({ receivedAt }) => receivedAt),
        }),
      );
      return true;
    },
    close,
  };
}

/** Returns the error of one entry, or undefined. The other entries of the call are still accepted. */
function problemOf(entry: Entry, names: readonly string[]): Result | undefined {
  const missing = ['Source', 'DetailType', 'Detail'].find(
    name => typeof entry[name] !== 'string' || entry[name] === '',
  );
  if (missing !== undefined) {
    const ErrorMessage = `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`;
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  if (!names.includes(busOf(entry))) {
    return { ErrorCode: 'InvalidArgument', ErrorMessage: `There is no bus ${busOf(entry)}` };
  }
  if (String(entry.Source).startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSource', ErrorMessage: 'Not authorized for the source.' };
  }
  if (detailOf(entry) === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  return undefined;
}

function eventOf(entry: Entry): BusEvent {
  const { Source, DetailType, Time } = entry;
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': String(DetailType),
    source: String(Source),
    account: account.accountId,
    time: (typeof Time === 'number' ? new Date(Time * 1000) : new Date()).toISOString().replace(/\.\d+/, ''),
    region: account.region,
    resources: [],
    detail: detailOf(entry) ?? {},
    bus: busOf(entry),
  };
}

function subjectOf({ detail: { owner } }: BusEvent): unknown {
  return typeof owner === 'object' && owner !== null && 'sub' in owner ? owner.sub : undefined;
}

const detailOf = ({ Detail }: Entry) => parseObject(String(Detail));

/** A bus is named by its name or its ARN. */
const busOf = ({ EventBusName = 'default' }: Entry): string => String(EventBusName).split('/').at(-1) ?? '';

const sizeOf = ({ Source = '', DetailType = '', Detail = '' }: Entry): number =>
  [Source, DetailType, Detail].reduce<number>((sum, part) => sum + Buffer.byteLength(String(part)), 14);

const failure = (type: string, message: string): AwsAnswer => ({ status: 400, body: { __type: type, message } });
