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
  /** Created at start; the project's own table when left out. */
  tables?: readonly TableDefinition[];
  /** Where the tables live between runs; in memory when left out. */
  dataDir?: string | undefined;
  onCall?: OnCall;
  /** Hears of every item that changed, in the order of the writes: where a table stream begins. */
  onChange?: (change: TableChange) => void;
  /** Hears of what each request met in a table, where a count is kept of what it would cost. */
  onUse?: ((use: TableUse, by: AwsCall) => void) | undefined;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

export type DynamoDb = {
  readonly endpoint: string;
  /** The first table's name. */
  readonly tableName: string;
  /** Deletes what TTL would have deleted by now; also runs by itself every ten minutes. */
  purgeExpired(): Promise<number>;
  close(): Promise<void>;
};

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const PURGE_INTERVAL_MS = 10 * 60_000;

/**
 * DynamoDB on the loopback interface: dynalite behind a small front. Reads pass straight through; writes go one after
 * the other, so that the front can add what dynalite lacks (the item that failed a condition, TTL, changes heard).
 */
export async function startDynamoDb(options: DynamoDbOptions = {}): Promise<DynamoDb> {
  const { tables = [connectTable], dataDir, onCall, onChange, onUse, clock = Date.now } = options;
  letIteratorsEnd();
  const server = dynalite({ createTableMs: 0, ...(dataDir && { path: join(dataDir, 'table') }) });
  const emulator = takeListener(server);
  const ask = asking(emulator);

  const write = tableWriter({ ask, tables, onChange });
  const ttl = timeToLive({ ask, write, tables, clock });
  const writing = (action: string) => (body: string, by: AwsCall) =>
    write(action, body, { onUse: onUse && (use => onUse(use, by)) });
  const answers: Record<string, (body: string, by: AwsCall) => Promise<AwsAnswer>> = {
    PutItem: writing('PutItem'),
    UpdateItem: writing('UpdateItem'),
    DeleteItem: writing('DeleteItem'),
    BatchWriteItem: writing('BatchWriteItem'),
    ...(onUse && { GetItem: reading, Query: reading, Scan: reading }),
    DescribeTimeToLive: async body => ttl.describe(body),
    UpdateTimeToLive: async body => ttl.update(body),
  };

  const underWay = new Set<Promise<void>>();
  let closing = false;
  server.on('request', (request, response) => {
    if (closing) {
      response.destroy();
      return;
    }
    const answered: Promise<void> = answerTo(request, response)
      .catch(() => void response.destroy())
      .finally(() => underWay.delete(answered));
    underWay.add(answered);
  });

  async function reading(text: string, by: AwsCall): Promise<AwsAnswer> {
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
    await emulated(emulator, readAgain(body, { method, url, headers }), response);
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
      // The emulator throws where nobody can catch it if it finds its database closed.
      await Promise.all(underWay);
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

/** Lets the emulator answer; resolves once it has, even if nobody is left to hear it. */
function emulated(emulator: RequestListener, request: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = response.end;
    response.end = (...given: unknown[]) => {
      resolve();
      return Reflect.apply(end, response, given) as ServerResponse;
    };
    emulator(request, response);
  });
}

/** Calls the emulator in this process, without a socket. */
function asking(emulator: RequestListener): Ask {
  const headers = {
    'content-type': CONTENT_TYPE,
    'x-amz-date': '20000101T000000Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=local/20000101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  };
  return (action, body) =>
    new Promise(resolve => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const request = readAgain(Buffer.from(text), {
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
      // The only members of a response that dynalite touches.
      emulator(request, response as never);
    });
}

/** A request whose body was read already, with the only members of it that dynalite touches. */
function readAgain(body: Buffer, head: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): IncomingMessage {
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
 * Lets dynalite end its iterators: it calls a method that the store it uses no longer has. One that is not ended stays in memory
 * for as long as the table, and every query makes one (dynalite 4.0.0, abstract-level 3.1.1).
 */
export function letIteratorsEnd(): void {
  for (const { prototype } of [AbstractKeyIterator, AbstractValueIterator]) {
    Object.assign(prototype, {
      return(this: { close(): Promise<void> }) {
        return this.close();
      },
    });
  }
}
