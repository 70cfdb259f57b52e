import * as http from 'node:http';
import * as https from 'node:https';
import { agents } from '../platform/agents';
import { type Clock, type Instant, SECOND } from '../platform/clock';

/** Time limits of a request to Terra. `total` is below the time limit of the function that makes it. */
export type Budget = { connect: Instant; attempt: Instant; total: Instant };

export const TERRA_BUDGET: Budget = { connect: SECOND, attempt: 4 * SECOND, total: 9 * SECOND };

export type TerraRequest = {
  method: 'GET' | 'POST' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
};

/**
 * The outcome of one request. `unsent`: there was no connection, so nothing happened at Terra.
 * `broken`: the connection failed after that. `late`: no full answer in time.
 */
export type Exchange =
  | { kind: 'answer'; status: number; body: string }
  | { kind: 'unsent' | 'broken'; reason: string }
  | { kind: 'late' };

/** Sends one request; tests replace it. */
export type Send = (request: TerraRequest, attempt: { connect: Instant; whole: Instant }) => Promise<Exchange>;

const ANSWER_LIMIT_BYTES = 1024 * 1024;

/**
 * Sends with at most two attempts within the budget. Makes the second only if a whole attempt still fits and it is safe: always
 * after `unsent`; after a broken connection or 502, 503, 504 only if the request is `repeatable`.
 */
export async function sendWithin(
  request: TerraRequest,
  repeatable: boolean,
  budget: Budget,
  clock: Clock,
  send: Send = sendOnce,
): Promise<Exchange> {
  const deadline = clock() + budget.total;
  const first = await send(request, { connect: budget.connect, whole: budget.attempt });
  const isWorthwhile = first.kind === 'unsent' || (repeatable && isTransient(first));
  if (!isWorthwhile || deadline - clock() < budget.attempt) return first;
  return send(request, { connect: budget.connect, whole: budget.attempt });
}

function isTransient(exchange: Exchange): boolean {
  return exchange.kind === 'broken' || (exchange.kind === 'answer' && [502, 503, 504].includes(exchange.status));
}

/** Sends one request over a keep-alive socket without following redirects. Resolves with the outcome; never rejects. */
export const sendOnce: Send = ({ method, url, headers, body }, { connect, whole }) =>
  new Promise(resolve => {
    const isTls = url.protocol === 'https:';
    const request = (isTls ? https : http).request(url, {
      method,
      agent: agents[isTls ? 'https:' : 'http:'],
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    });
    let connected = false;
    const finish = (exchange: Exchange) => {
      clearTimeout(connectTimer);
      clearTimeout(wholeTimer);
      resolve(exchange);
      request.destroy();
    };
    const connectTimer = setTimeout(
      () => connected || finish({ kind: 'unsent', reason: 'no connection in time' }),
      connect,
    );
    const wholeTimer = setTimeout(() => finish({ kind: 'late' }), whole);

    request.on('socket', socket => {
      const ready = () => {
        connected = true;
        clearTimeout(connectTimer);
      };
      if (!socket.connecting) ready();
      else socket.once(isTls ? 'secureConnect' : 'connect', ready);
    });
    request.on('error', error => finish({ kind: connected ? 'broken' : 'unsent', reason: error.name }));
    request.on('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_LIMIT_BYTES) finish({ kind: 'answer', status: response.statusCode ?? 0, body: '' });
        else chunks.push(chunk);
      });
      response.on('error', error => finish({ kind: 'broken', reason: error.name }));
      response.on('end', () => {
        clearTimeout(connectTimer);
        clearTimeout(wholeTimer);
        resolve({ kind: 'answer', status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body);
  });
