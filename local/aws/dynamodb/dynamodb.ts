import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import dynalite from 'dynalite';
import { type Ask, type AwsAnswer, type AwsCall, callOf, type OnCall, parseObject, sendAwsAnswer } from '../aws-call';
import { addressOf, closeServer, listen, readBody } from '../../loopback';
import { readUse, type TableUse } from './table-use';
import { type TableChange, tableWriter } from './table-writer';
import { connectTable, type TableDefinition } from './tables';
import { timeToLive } from './time-to-live';
import { AbstractKeyIterator, AbstractValueIterator } from 'abstract-level';

export type DynamoDbOptions = {
  /** Created at start. Defaults to the project's table. */
  tables?: readonly TableDefinition[];
  /** Directory that keeps the tables between runs. By default they are in memory. */
  dataDir?: string | undefined;
  onCall?: OnCall;
  /** Called for every changed item, in the order of the writes: the source of a table stream. */
  onChange?: (change: TableChange) => void;
  /** Called with what each request read or wrote, to count its cost. */
  onUse?: ((use: TableUse, by: AwsCall) => void) | undefined;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

export type DynamoDb = {
  readonly endpoint: string;
  readonly tableName: string;
  /** Deletes expired items as TTL would and returns how many. Also runs every ten minutes. */
  purgeExpired(): Promise<number>;
  close(): Promise<void>;
};

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const PURGE_INTERVAL_MS = 10 * 60_000;

/**
 * Starts DynamoDB on the loopback interface: dynalite behind a small front. Reads are passed through. Writes run one at
 * a time, so that the front can add what dynalite lacks: the item that failed a condition, TTL and change
 * notifications.
 */
export async function startDynamoDb(options: DynamoDbOptions = {}): Promise<DynamoDb> {
  const { tables = [connectTable], dataDir, onCall, onChange, onUse, clock = Date.now } = options;
  addIteratorReturn();
  const server = dynalite({ createTableMs: 0, ...(dataDir && { path: join(dataDir, 'table') }) });
  const emulator = takeListener(server);
  const ask = createAsk(emulator);

  const write = tableWriter({ ask, tables, onChange });
  const ttl = timeToLive({ ask, write, tables, clock });
  const writeAction = (action: string) => (body: string, by: AwsCall) =>
    write(action, body, { onUse: onUse && (use => onUse(use, by)) });
  const answers: Record<string, (body: string, by: AwsCall) => Promise<AwsAnswer>> = {
    PutItem: writeAction('PutItem'),
    UpdateItem: writeAction('UpdateItem'),
    DeleteItem: writeAction('DeleteItem'),
    BatchWriteItem: writeAction('BatchWriteItem'),
    ...(onUse && { GetItem: readWithUse, Query: readWithUse, Scan: readWithUse }),
    DescribeTimeToLive: async body => ttl.describe(body),
    UpdateTimeToLive: async body => ttl.update(body),
  };

  const pending = new Set<Promise<void>>();
  let closing = false;
  server.on('request', (request, response) => {
    if (closing) {
      response.destroy();
      return;
    }
    const answered: Promise<void> = answerTo(request, response)
      .catch(() => void response.destroy())
      .finally(() => pending.delete(answered));
    pending.add(answered);
  });

  async function readWithUse(text: string, by: AwsCall): Promise<AwsAnswer> {
    const answer = await ask(by.action, text);
    if (answer.status === 200) onUse?.(await readUse(by.action, parseObject(text) ?? {}, answer.body, ask), by);
    return answer;
  }

  async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(request);
    const body = await readBody(request);
    const text = body.toString();
    const own = Object.hasOwn(answers, call.action) ? answers[call.action] : undefined;
    const answer = onCall?.(call, parseObject(text) ?? {}) ?? (await own?.(text, call));
    if (answer) return sendAwsAnswer(response, answer, CONTENT_TYPE);
    const { method, url, headers } = request;
    await forward(emulator, replayRequest(body, { method, url, headers }), response);
  }

  const port = await listen(server);
  for (const table of tables) await createTable(ask, table);
  const purging = setInterval(() => void ttl.purge(), PURGE_INTERVAL_MS).unref();

  return {
    endpoint: `http://${addressOf(port)}`,
    tableName: tables[0]?.TableName ?? '',
    purgeExpired: () => ttl.purge(),
    async close() {
      clearInterval(purging);
      closing = true;
      // The emulator throws an uncaught error if a request finds its database closed.
      await Promise.all(pending);
      await closeServer(server);
    },
  };
}

function takeListener(server: Server): RequestListener {
  const [listener] = server.listeners('request') as RequestListener[];
  if (listener === undefined) throw new Error('dynalite has changed: its server has no request listener');
  server.removeAllListeners('request');
  return listener;
}

/** Passes a request to the emulator. Resolves once it has answered, even if the client has disconnected. */
function forward(emulator: RequestListener, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = response.end;
    response.end = (...given: unknown[]) => {
      resolve();
      return Reflect.apply(end, response, given) as ServerResponse;
    };
    emulator(request, response);
  });
}

/** Creates a function that calls the emulator in this process, without a socket. */
function createAsk(emulator: RequestListener): Ask {
  const headers = {
    'content-type': CONTENT_TYPE,
    'x-amz-date': '20000101T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  };
  return (action, body) =>
    new Promise(resolve => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const request = replayRequest(Buffer.from(text), {
        method: 'POST',
        url: '/',
        headers: { ...headers, 'x-amz-target': `DynamoDB_20120810.${action}` },
      });
      const response = {
        statusCode: 200,
        setHeader() {},
        end(answer: string) {
          resolve({ status: this.statusCode, body: parseObject(answer) ?? {} });
        },
      };
      // dynalite uses only these members of a response.
      emulator(request, response as never);
    });
}

/** Creates a request from a body that was read already, with only the members that dynalite uses. */
function replayRequest(body: Buffer, head: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): IncomingMessage {
  return Object.assign(Readable.from(body.length > 0 ? [body] : []), head) as never;
}

async function createTable(ask: Ask, { TimeToLiveSpecification: _, ...table }: TableDefinition): Promise<void> {
  const created = await ask('CreateTable', { ...table, BillingMode: 'PAY_PER_REQUEST' });
  const exists = String(created.body.__type).endsWith('#ResourceInUseException');
  if (created.status !== 200 && !exists) throw new Error(`table ${table.TableName}: ${String(created.body.message)}`);
  for (;;) {
    const { body } = await ask('DescribeTable', { TableName: table.TableName });
    if ((body.Table as { TableStatus?: string } | undefined)?.TableStatus === 'ACTIVE') return;
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

/**
 * Adds the `return` method to iterators that dynalite 4.0.0 calls and abstract-level 3.1.1 no longer has. Without it
 * every query leaks an iterator for as long as the table is open.
 */
export function addIteratorReturn(): void {
  for (const { prototype } of [AbstractKeyIterator, AbstractValueIterator]) {
    Object.assign(prototype, {
      return(this: { close(): Promise<void> }) {
        return this.close();
      },
    });
  }
}
