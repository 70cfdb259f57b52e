import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import dynalite from 'dynalite';
import { type AwsAnswer, callOf, type OnCall, parseObject, sendAwsAnswer } from './aws-call';
import { addressOf, closeServer, listen } from './loopback';
import { readBody } from './request-body';
import { type TableChange, tableWriter } from './table-writer';
import { connectTable, type TableDefinition } from './tables';
import { timeToLive } from './time-to-live';

export type DynamoDbOptions = {
  /** Created at start; the project's own table when left out. */
  tables?: readonly TableDefinition[];
  /** Where the tables live between runs; in memory when left out. */
  dataDir?: string | undefined;
  onCall?: OnCall;
  /** Hears of every item that changed, in the order of the writes: where a table stream begins. */
  onChange?: (change: TableChange) => void;
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

/** Sends one call to the emulator behind the front. */
export type Ask = (action: string, body: object | string) => Promise<AwsAnswer & { body: Record<string, unknown> }>;

const CONTENT_TYPE = 'application/x-amz-json-1.0';
const PURGE_INTERVAL_MS = 10 * 60_000;

/**
 * DynamoDB on the loopback interface: dynalite behind a small front. Reads pass straight through; writes go one after
 * the other, so that the front can add what dynalite lacks (the item that failed a condition, TTL, changes heard).
 */
export async function startDynamoDb(options: DynamoDbOptions = {}): Promise<DynamoDb> {
  const { tables = [connectTable], dataDir, onCall, onChange, clock = Date.now } = options;
  const server = dynalite({ createTableMs: 0, ...(dataDir && { path: join(dataDir, 'table') }) });
  const emulator = takeListener(server);
  const ask = asking(emulator);

  const write = tableWriter({ ask, tables, onChange });
  const ttl = timeToLive({ ask, write, tables, clock });
  const answers: Record<string, (body: string) => Promise<AwsAnswer>> = {
    PutItem: body => write('PutItem', body),
    UpdateItem: body => write('UpdateItem', body),
    DeleteItem: body => write('DeleteItem', body),
    BatchWriteItem: body => write('BatchWriteItem', body),
    DescribeTimeToLive: async body => ttl.describe(body),
    UpdateTimeToLive: async body => ttl.update(body),
  };

  server.on('request', (request, response) => {
    answerTo(request, response).catch(() => response.destroy());
  });

  async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(request);
    const body = await readBody(request);
    const text = body.toString();
    const own = Object.hasOwn(answers, call.action) ? answers[call.action] : undefined;
    const answer = onCall?.(call, parseObject(text) ?? {}) ?? (await own?.(text));
    if (answer) return sendAwsAnswer(response, answer, CONTENT_TYPE);
    const { method, url, headers } = request;
    emulator(readAgain(body, { method, url, headers }), response);
  }

  const port = await listen(server);
  for (const table of tables) await createTable(ask, table);
  const purging = setInterval(() => void ttl.purge(), PURGE_INTERVAL_MS).unref();

  return {
    endpoint: `http://${addressOf(port)}`,
    tableName: tables[0]?.TableName ?? '',
    purgeExpired: () => ttl.purge(),
    close() {
      clearInterval(purging);
      return closeServer(server);
    },
  };
}

function takeListener(server: Server): RequestListener {
  const [listener] = server.listeners('request') as RequestListener[];
  if (listener === undefined) throw new Error('dynalite has changed: its server has no request listener');
  server.removeAllListeners('request');
  return listener;
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
