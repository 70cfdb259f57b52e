import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Api, Throttle } from './api';
import { jwtAuthorizer } from './authorizer';
import { corsHeaders, functionAnswer, type GatewayAnswer, ownAnswer, preflightHeaders } from './gateway-answer';
import { gatewayEvent, type ReceivedRequest } from './gateway-event';
import { bodyWithin } from '../../loopback';
import { routeTable } from './route-table';
import type { Invocation } from '../lambda/runtime';

/** One line of the access log. */
export type Access = {
  readonly at: number;
  readonly method: string;
  /** Undefined if no route matches. */
  readonly routeKey: string | undefined;
  readonly functionArn: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly cold: boolean;
};

export type GatewayDeps = {
  readonly invoke: (functionArn: string, event: unknown) => Promise<Invocation>;
  readonly onAccess: (access: Access) => void;
  /** Serves requests that no route matches. Returns false if it does not handle the request. */
  readonly beside?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly clock?: () => number;
};

type Handled = { answer: GatewayAnswer; routeKey?: string; functionArn?: string; cold?: boolean };

// Quotas of HTTP APIs (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html) and of
// Lambda's synchronous invocations.
const HEAD_LIMIT_BYTES = 10_240;
const REQUEST_LIMIT_BYTES = 10 * 1024 * 1024;
const EVENT_LIMIT_BYTES = 6 * 1024 * 1024;

/** Creates a request listener that does what API Gateway does before and after the function. */
export function gateway(api: Api, { invoke, onAccess, beside, clock = Date.now }: GatewayDeps): RequestListener {
  const findRoute = routeTable(api.routes);
  const throttles = throttling(api.throttleOf);
  const authorize = jwtAuthorizer(clock);

  async function handle(received: ReceivedRequest, match: ReturnType<typeof findRoute>): Promise<Handled> {
    const { request } = received;
    if (headBytes(request) > HEAD_LIMIT_BYTES) return { answer: ownAnswer(431) };
    if (match === undefined) {
      const preflight = api.cors && request.method === 'OPTIONS';
      return { answer: preflight ? { status: 204, headers: {}, body: Buffer.alloc(0) } : ownAnswer(404) };
    }
    const { route, pathParameters } = match;
    const reached = { routeKey: route.key };
    if (!throttles.admit(route.key)) return { ...reached, answer: ownAnswer(429) };

    const verdict = route.jwt && (await authorize(request.headers.authorization, route.jwt));
    if (verdict?.ok === false) {
      return { ...reached, answer: ownAnswer(verdict.status, { 'www-authenticate': verdict.wwwAuthenticate }) };
    }

    const body = await bodyWithin(request, REQUEST_LIMIT_BYTES);
    if (body === undefined) return { ...reached, answer: ownAnswer(413) };
    const event = gatewayEvent(received, { routeKey: route.key, pathParameters, verdict, body });
    if (body.length > EVENT_LIMIT_BYTES / 8 && Buffer.byteLength(JSON.stringify(event)) > EVENT_LIMIT_BYTES) {
      return { ...reached, answer: ownAnswer(413) };
    }

    const { functionArn, timeoutMs } = route;
    const invocation = await within(timeoutMs, invoke(functionArn, event));
    return { ...reached, functionArn, cold: invocation?.cold ?? false, answer: answerOf(invocation) };
  }

  return (request, response) => {
    const receivedAt = clock();
    const startedAt = performance.now();
    const requestId = randomBytes(11).toString('base64');
    const [rawPath = '', ...query] = (request.url ?? '/').split('?');
    const path = decodedPath(rawPath);
    const match = path === undefined ? undefined : findRoute(request.method ?? '', path);
    if (match === undefined && beside?.(request, response)) return;

    const received = { request, requestId, path: path ?? rawPath, rawQueryString: query.join('?'), receivedAt };
    const handled: Promise<Handled> =
      path === undefined ? Promise.resolve({ answer: ownAnswer(400) }) : handle(received, match);
    handled
      .catch((): Handled => ({ answer: ownAnswer(500) }))
      .then(({ answer, routeKey, functionArn, cold = false }) => {
        const isPreflight = api.cors !== undefined && request.method === 'OPTIONS' && match === undefined;
        send(request, response, answer, {
          'apigw-requestid': requestId,
          ...(isPreflight && api.cors
            ? preflightHeaders(api.cors, request.headers)
            : corsHeaders(api.cors, request.headers)),
        });
        const ms = performance.now() - startedAt;
        const method = request.method ?? '';
        onAccess({ at: receivedAt, method, routeKey, functionArn, status: answer.status, ms, cold });
      })
      .catch(() => response.destroy());
  };
}

/** Returns 500 if the function failed, and 503 if it timed out or could not be run. */
function answerOf(invocation: Invocation | undefined): GatewayAnswer {
  if (invocation === undefined) return ownAnswer(503);
  const { outcome } = invocation;
  if (outcome.ok) return functionAnswer(outcome.payload);
  return ownAnswer(outcome.errorType === 'TooManyRequestsException' ? 503 : 500);
}

/**
 * Returns the size of the request line and headers in HTTP/1.1. AWS's quota counts only header values; names count here
 * too, so that a request accepted here is accepted there.
 */
function headBytes({ method, url, httpVersion, rawHeaders }: IncomingMessage): number {
  const requestLine = `${method} ${url} HTTP/${httpVersion}\r\n`;
  // Each name is followed by `: ` and each value by a line break.
  return rawHeaders.reduce((sum, part) => sum + part.length + 2, requestLine.length);
}

/** Returns the decoded path before a decoded `?`, or undefined if it cannot be decoded. */
function decodedPath(rawPath: string): string | undefined {
  if (!rawPath.includes('%')) return rawPath;
  try {
    return decodeURIComponent(rawPath).split('?')[0];
  } catch {
    return undefined;
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: GatewayAnswer,
  added: Record<string, string>,
): void {
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    ...(headers as Record<string, string | string[]>),
    ...added,
    ...(hasBody && { 'content-length': body.length }),
  });
  response.end(request.method === 'HEAD' || !hasBody ? undefined : body);
}

/** A token bucket per route. `admit` returns whether one more request may pass now. */
export function throttling(
  throttleOf: (routeKey: string) => Throttle,
  clock: () => number = () => performance.now(),
): { admit(routeKey: string): boolean } {
  const buckets = new Map<string, { tokens: number; filledAt: number }>();

  return {
    admit(routeKey) {
      const { rate, burst } = throttleOf(routeKey);
      const now = clock();
      const { tokens, filledAt } = buckets.get(routeKey) ?? { tokens: burst, filledAt: now };
      const filled = Math.min(burst, tokens + ((now - filledAt) / 1000) * rate);
      const admitted = filled >= 1;
      buckets.set(routeKey, { tokens: admitted ? filled - 1 : filled, filledAt: now });
      return admitted;
    },
  };
}
