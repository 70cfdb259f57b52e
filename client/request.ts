import { ConnectError, type ErrorCode, isErrorCode } from './error';
import type { Fetch, FetchAnswer, FetchInit, Signal } from './platform';
import { platform, untilAborted } from './platform';

/** One request to the API. */
export type Call<T> = {
  method: 'GET' | 'POST' | 'DELETE';
  /** After `/v1/`. */
  path: string;
  body?: object;
  idempotencyKey?: string;
  /** The success statuses, each with the required fields of its answer. */
  answers: Record<number, readonly (keyof T & string)[]>;
};

export type RequestDeps = {
  /** Without a trailing slash. */
  apiUrl: string;
  fetch: Fetch;
  now: () => number;
  timeoutMs: number;
};

/** Lambda's response limit. A longer answer is not from the API. */
const ANSWER_LIMIT = 6 * 1024 * 1024;

/** Sends one request. Throws a `ConnectError` for anything except a declared answer. */
export async function request<T>(
  call: Call<T>,
  token: string,
  signal: Signal | undefined,
  deps: RequestDeps,
): Promise<T> {
  const { status, retryAfter, text } = await ask(call, token, signal, deps);
  const body = readJson(text);
  const fields = call.answers[status];
  if (fields && isObject(body) && fields.every(field => field in body)) return body as T;
  throw fields ? new ConnectError('unexpected_answer', { status }) : readFailure(status, retryAfter, body, deps.now());
}

type RawAnswer = { status: number; retryAfter: string | null; text: string };

/** Sends the request and reads the answer. A timeout and any other failure count as a network error. */
async function ask<T>(call: Call<T>, token: string, signal: Signal | undefined, deps: RequestDeps): Promise<RawAnswer> {
  const giveUp = new platform.AbortController();
  const stop = () => giveUp.abort();
  const timer = platform.setTimeout(stop, deps.timeoutMs);
  const { method, path, body, idempotencyKey } = call;
  const init: FetchInit = {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: giveUp.signal,
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'manual',
  };
  const fetchText = async (): Promise<RawAnswer> => {
    const answer = await deps.fetch(`${deps.apiUrl}/v1/${path}`, init);
    const { status, headers } = answer;
    return { status, retryAfter: headers.get('retry-after'), text: await readText(answer) };
  };
  try {
    // Also raced, in case `fetch` ignores its signal.
    return await untilAborted(untilAborted(fetchText(), giveUp.signal), signal);
  } catch (error) {
    if (signal?.aborted || error instanceof ConnectError) throw error;
    // The error is not kept as a cause: a platform's message may quote a header.
    throw new ConnectError('network');
  } finally {
    stop();
    platform.clearTimeout(timer);
  }
}

async function readText(answer: FetchAnswer): Promise<string> {
  const { status } = answer;
  if (Number(answer.headers.get('content-length')) > ANSWER_LIMIT)
    throw new ConnectError('unexpected_answer', { status });
  const text = await answer.text();
  if (text.length > ANSWER_LIMIT) throw new ConnectError('unexpected_answer', { status });
  return text;
}

/** API Gateway's own errors have a status but no code. */
const gatewayCodes: Record<number, ErrorCode> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  413: 'payload_too_large',
  429: 'rate_limited',
  431: 'payload_too_large',
  500: 'internal',
  503: 'unavailable',
  504: 'unavailable',
};

function readFailure(status: number, retryAfter: string | null, body: unknown, now: number): ConnectError {
  const retryAfterMs = readRetryAfter(retryAfter, now);
  const more = { status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (!isObject(body)) return new ConnectError('unexpected_answer', more);
  const { code, message, requestId } = body;
  // A code that this client does not know falls back to the one of its status.
  const isApiError = typeof code === 'string' || typeof message === 'string';
  const known = isErrorCode(code) ? code : isApiError ? gatewayCodes[status] : undefined;
  const id = typeof requestId === 'string' && /^[\w=/+-]{1,40}$/.test(requestId) ? { requestId } : {};
  return new ConnectError(known ?? 'unexpected_answer', { ...more, ...id });
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
