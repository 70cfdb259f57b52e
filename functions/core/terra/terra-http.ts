import * as http from 'node:http';
import * as https from 'node:https';
import { agents } from '../platform/agents';
import { type Clock, type Instant, SECOND } from '../platform/clock';

/** How long a request to Terra may take, so that the caller's own time limit is never met. */
export type Budget = { connect: Instant; attempt: Instant; total: Instant };

export const TERRA_BUDGET: Budget = { connect: SECOND, attempt: 4 * SECOND, total: 9 * SECOND };

export type TerraRequest = {
  method: 'GET' | 'POST' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string | undefined;
};

/**
 * What came of one request. `unsent`: no connection was made, so nothing can have happened at Terra.
 * `broken`: the connection failed after that. `late`: no full answer in time.
 */
export type Exchange =
  | { kind: 'answer'; status: number; body: string }
  | { kind: 'unsent' | 'broken'; reason: string }
  | { kind: 'late' };

/** Sends a request to Terra; a seam for tests that need no socket. */
export type Send = (request: TerraRequest, attempt: { connect: Instant; whole: Instant }) => Promise<Exchange>;

const ANSWER_LIMIT_BYTES = 1024 * 1024;

/**
 * Sends with at most two attempts within the budget. The second comes only where it is safe: after `unsent` always, after
 * a broken connection or 502, 503, 504 only if the request may be repeated, and only if a whole attempt still fits.
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
  const isWorthwhile = first.kind === 'unsent' || (repeatable && isPassing(first));
  if (!isWorthwhile || deadline - clock() < budget.attempt) return first;
  return send(request, { connect: budget.connect, whole: budget.attempt });
}

function isPassing(exchange: Exchange): boolean {
  return exchange.kind === 'broken' || (exchange.kind === 'answer' && [502, 503, 504].includes(exchange.status));
}

/** One request over a kept-alive socket. Redirects are answers like any other; nothing follows them. */
export const sendOnce: Send = ({ method, url, headers, body }, { connect, whole }) =>
  new Promise(resolve => {
    const isTls = url.protocol === 'https:';
    const request = (isTls ? https : http).request(url, {
      method,
      agent: agents[isTls ? 'https:' : 'http:'],
      headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    });
    let connected = false;
    const projectConnections = (exchange: Exchange) => {
      clearTimeout(connectTimer);
      clearTimeout(wholeTimer);
      resolve(exchange);
      request.destroy();
    };
    const connectTimer = setTimeout(
      () => connected || projectConnections({ kind: 'unsent', reason: 'no connection in time' }),
      connect,
    );
    const wholeTimer = setTimeout(() => projectConnections({ kind: 'late' }), whole);

    request.on('socket', socket => {
      const ready = () => {
        connected = true;
        clearTimeout(connectTimer);
      };
      if (!socket.connecting) ready();
      else socket.once(isTls ? 'secureConnect' : 'connect', ready);
    });
    request.on('error', error => projectConnections({ kind: connected ? 'broken' : 'unsent', reason: error.name }));
    request.on('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_LIMIT_BYTES)
          projectConnections({ kind: 'answer', status: response.statusCode ?? 0, body: '' });
        else chunks.push(chunk);
      });
      response.on('error', error => projectConnections({ kind: 'broken', reason: error.name }));
      response.on('end', () => {
        clearTimeout(connectTimer);
        clearTimeout(wholeTimer);
        resolve({ kind: 'answer', status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body);
  });
