import type { IncomingHttpHeaders } from 'node:http';
import type { Cors } from './api';

/** An answer ready to be sent. */
export type GatewayAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
};

/** What the gateway says by itself, in AWS's words. */
const messages = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

export function ownAnswer(status: keyof typeof messages, headers: Record<string, string> = {}): GatewayAnswer {
  const body = Buffer.from(JSON.stringify({ message: messages[status] }));
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Reads what a function returned, payload format 2.0; anything it should not have returned becomes a 500. */
export function functionAnswer(payload: string): GatewayAnswer {
  const returned: unknown = JSON.parse(payload);
  if (!isObject(returned) || !('statusCode' in returned)) return inferredAnswer(returned);
  const { statusCode, headers = {}, cookies = [], body = '', isBase64Encoded = false } = returned;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599 || !isObject(headers) || typeof body !== 'string') {
    return ownAnswer(500);
  }
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      ...Object.fromEntries(given.filter(([name]) => !belongsToGateway(name))),
      ...(Array.isArray(cookies) && cookies.length > 0 && { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** A function may leave everything out but the body. */
function inferredAnswer(returned: unknown): GatewayAnswer {
  const body = Buffer.from(typeof returned === 'string' ? returned : JSON.stringify(returned));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

// CORS is configured on the API, so what the function says of it does not count; the length is the gateway's to know.
const belongsToGateway = (name: string): boolean =>
  name.startsWith('access-control-') ||
  name === 'content-length' ||
  name === 'transfer-encoding' ||
  name === 'connection';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type CorsHeaders = Record<string, string>;

/** The headers the gateway adds to every answer; none for an origin it does not know. */
export function corsHeaders(cors: Cors | undefined, { origin }: IncomingHttpHeaders): CorsHeaders {
  const allowed = cors && origin !== undefined && allowedOrigin(cors, origin);
  if (!allowed) return {};
  return {
    'access-control-allow-origin': allowed,
    ...(cors.AllowCredentials && { 'access-control-allow-credentials': 'true' }),
    ...(cors.ExposeHeaders?.length && { 'access-control-expose-headers': cors.ExposeHeaders.join(',') }),
  };
}

/** The headers of the gateway's own answer to a preflight. */
export function preflightHeaders(cors: Cors, headers: IncomingHttpHeaders): CorsHeaders {
  const allowed = corsHeaders(cors, headers);
  if (Object.keys(allowed).length === 0) return {};
  return {
    ...allowed,
    ...(cors.AllowMethods?.length && { 'access-control-allow-methods': cors.AllowMethods.join(',') }),
    ...(cors.AllowHeaders?.length && { 'access-control-allow-headers': cors.AllowHeaders.join(',') }),
    ...(cors.MaxAge !== undefined && { 'access-control-max-age': `${cors.MaxAge}` }),
  };
}

function allowedOrigin({ AllowOrigins = [] }: Cors, origin: string): string | undefined {
  if (AllowOrigins.includes('*')) return '*';
  const known = AllowOrigins.some(
    allowed => allowed === origin || (allowed.endsWith('://*') && origin.startsWith(allowed.slice(0, -1))),
  );
  return known ? origin : undefined;
}
