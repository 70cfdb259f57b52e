import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import type { World } from './world';

export type HttpRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Path and query as received. */
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
};

export type Answer = { status: number; headers: Readonly<Record<string, string>>; body: string | Buffer };

/** What the server does with a request: answer it, answer it slowly, leave it hanging or reset the connection. */
export type Reply =
  | ({ kind: 'answer'; afterMs?: number } & Answer)
  | ({ kind: 'drip' } & Answer)
  | { kind: 'hang' }
  | { kind: 'reset' };

/** More than any request body that Terra accepts. */
export const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

export function answer(status: number, headers: Record<string, string>, body: string | Buffer): Reply {
  return { kind: 'answer', status, headers: { 'cache-control': 'no-store', ...headers }, body };
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return answer(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

/** Answers with a page that loads no external resources. `scriptNonce` admits its one inline script. */
export function page(status: number, markup: string, scriptNonce?: string): Reply {
  const scripts = scriptNonce === undefined ? '' : ` script-src 'nonce-${scriptNonce}'; connect-src 'self';`;
  return answer(
    status,
    {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; img-src 'self';${scripts} base-uri 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    markup,
  );
}

export function seeOther(location: string): Reply {
  return answer(303, { location, 'referrer-policy': 'no-referrer' }, '');
}

/** Parses the body as JSON; returns undefined if it is not JSON. */
export function parseJson(body: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

export function isJsonRequest({ headers }: HttpRequest): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '');
}

/** One endpoint of Terra's API. `note` adds a remark to the history. */
export type Endpoint = (world: World, request: HttpRequest, note: (remark: string) => void) => Reply;

/**
 * Answers with an error of the v2 API: problem+json since June 2026 (OpenAPI, Problem), before that {message,status}.
 */
export function refuse(world: World, request: HttpRequest, status: number, detail: string): Reply {
  if (world.switches.knob('errorBody') === 'legacy') return refuseOldStyle(status, detail);
  const title = (STATUS_CODES[status] ?? 'error').toLowerCase();
  const problem = { type: 'about:blank', title, instance: request.target, detail };
  return answer(status, { 'content-type': 'application/problem+json' }, JSON.stringify(problem));
}

/** Answers with the older error format, which the widget service still uses. OpenAPI widget. */
export function refuseOldStyle(status: number, message: string): Reply {
  return json(status, { message, status: 'error' });
}
