import { createServer, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { itemKey } from '../../functions/core/store/table';
import type { JudgedCall } from '../../local/aws/iam/access';
import type { LogEntry } from '../../local/log-entry';
import { addressOf, closeServer, listen, readBody } from '../../local/loopback';
import type { LocalStack } from '../../local/stack';
import type { TableUse } from '../../local/aws/dynamodb/table-use';
import type { TableChange } from '../../local/aws/dynamodb/table-writer';
import { withProperties } from '../contract/altered-template';
import { startSharedStack } from '../support/synthesis';
import type { Counts } from './flow-counts';
import { readUnits, writeUnits } from './units';

type FunctionLine = Extract<LogEntry, { kind: 'function' }>;
type Held = { type: string; headers: IncomingHttpHeaders; body: Buffer };

/** What came of it, and what was counted of the function that was asked. */
export type Counted<T> = Counts & { readonly isCold: boolean; readonly done: T };

/** A running local stack at whose endpoints everything is counted, and whose Terra delivers on request. */
export type CountedStack = {
  readonly stack: LocalStack;
  /** What the table held after each write, in order. */
  readonly changes: readonly TableChange[];
  /** Does something and counts what `asked` did for it, and what was published of that. */
  count<T>(asked: string, act: () => Promise<T>): Promise<Counted<T>>;
  /** The longest line of `publish-changes` for what one request changed, its duration as long as it can be. */
  publisherLogBytes(): number;
  /** Hands over the oldest delivery of this type that Terra has made, as Terra signed it. */
  deliver(type: string): Promise<Response>;
  close(): Promise<void>;
};

const PUBLISHER = 'publish-changes';
const PATIENCE_MS = 120_000;
const POLL_MS = 5;

/** What several requests changed may come in one batch when the machine is busy, and its count has more digits. */
const MOST_RECORDS_OF_ONE = 9;

/** How far Terra's clock is ahead, so that nothing ever falls into the millisecond of what it follows. */
const AHEAD_MS = 1000;

/** A line as the runtime writes it, its duration as long as it can be. Log group overhead is not in it. */
const LONGEST_MS = 12_000;

export async function startCountedStack(): Promise<CountedStack> {
  const calls: JudgedCall[] = [];
  const uses: { use: TableUse; by: string | undefined }[] = [];
  const changes: TableChange[] = [];
  const lines: FunctionLine[] = [];
  const runs: { function: string | undefined; cold: boolean }[] = [];
  const held: Held[] = [];

  const mailbox = createServer(async (request, response) => {
    const body = await readBody(request);
    held.push({
      type: String((JSON.parse(body.toString()) as { type: unknown }).type),
      headers: request.headers,
      body,
    });
    response.end();
  });
  const port = await listen(mailbox);

  const stack = await startSharedStack({
    // Nothing runs by itself while it is counted.
    alter: withProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 day)' }),
    onCall: call => void calls.push(call),
    onUse: (use, by) => void uses.push({ use, by }),
    onChange: change => void changes.push(change),
    log(entry) {
      if (entry.kind === 'function') lines.push(entry);
      if (entry.kind === 'request' || entry.kind === 'schedule') runs.push(entry);
    },
  });
  const { sandbox } = stack;
  if (!sandbox) throw new Error('counting needs the sandbox');
  sandbox.setWebhookUrl(`http://${addressOf(port)}/`);

  const publisherHeard = () =>
    sum(lines.filter(line => line.function === PUBLISHER).map(line => Number(factsOf(line).records)));
  const terraCalls = () => sandbox.history().filter(({ kind }) => kind === 'request').length;

  /** Waits until Terra has made its deliveries and everything written was published. */
  async function settled(): Promise<void> {
    await sandbox?.settled();
    await until(() => publisherHeard() >= changes.filter(isSpokenOf).length);
  }

  return {
    stack,
    changes,
    async count(asked, act) {
      await settled();
      const from = [calls, uses, changes, lines, runs].map(list => list.length);
      const [call = 0, use = 0, change = 0, line = 0, run = 0] = from;
      const terra = terraCalls();
      const events = stack.events().length;

      const done = await act();
      await settled();
      await until(() => lines.slice(line).some(each => each.function === asked));

      const mine = calls.slice(call).filter(made => made.function === asked);
      const used = uses.slice(use).flatMap(({ use: each, by }) => (by === asked ? [each] : []));
      const written = used.flatMap(each => (each.kind === 'write' ? [writeUnits(each)] : []));
      const said = lines.slice(line).filter(each => each.function === asked);
      return {
        done,
        isCold: runs.slice(run).some(each => each.function === asked && each.cold),
        function: asked,
        roundTrips: mine.filter(({ service }) => service === 'dynamodb').length,
        readUnits: sum(used.map(each => (each.kind === 'read' ? readUnits(each) : 0))),
        writeUnits: sum(written.map(units => units.table)),
        indexWriteUnits: sum(written.map(units => units.index)),
        terraCalls: terraCalls() - terra,
        secretFetches: mine.filter(({ action }) => action === 'GetSecretValue').length,
        logLines: said.length,
        logBytes: sum(said.map(lineBytes)),
        changes: changes.slice(change).filter(isSpokenOf).length,
        events: stack.events().length - events,
      };
    },
    publisherLogBytes: () =>
      Math.max(
        ...lines
          .filter(line => line.function === PUBLISHER && Number(factsOf(line).records) <= MOST_RECORDS_OF_ONE)
          .map(lineBytes),
      ),
    async deliver(type) {
      await settled();
      const [delivery] = held.splice(
        held.findIndex(each => each.type === type),
        1,
      );
      if (delivery?.type !== type) throw new Error(`Terra made no delivery of the type ${type}`);
      const { 'x-terra-signature': signature, 'x-terra-ordering-timestamp': stamp } = delivery.headers;
      const headers = {
        'content-type': 'application/json',
        'x-terra-signature': String(signature),
        'x-terra-ordering-timestamp': String(Number(stamp) + AHEAD_MS),
      };
      return fetch(`${stack.apiUrl}/v1/webhooks/terra`, { method: 'POST', headers, body: delivery.body });
    },
    async close() {
      await stack.close();
      await closeServer(mailbox);
    },
  };
}

/** What was logged or published comes a moment after the answer. */
async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('a function never logged what it did');
    await pause(POLL_MS);
  }
}

/** Whether the stream's filter lets `publish-changes` hear of it. */
function isSpokenOf({ keys, after }: TableChange): boolean {
  const item = String(keys.item?.S);
  return after !== undefined && [itemKey.session(''), itemKey.connection('')].some(kind => item.startsWith(kind));
}

function factsOf({ message }: FunctionLine): Record<string, unknown> {
  return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : {};
}

/** A line's bytes in CloudWatch, where the duration takes as many digits as it can. */
function lineBytes(line: FunctionLine): number {
  const { level, requestId, message } = line;
  const facts = factsOf(line);
  const timed = 'ms' in facts ? { ...facts, ms: LONGEST_MS } : message;
  return Buffer.byteLength(JSON.stringify({ timestamp: new Date(0).toISOString(), level, requestId, message: timed }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
