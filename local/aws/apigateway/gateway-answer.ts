import type { IncomingHttpHeaders } from 'node:http';
import type { Cors } from './api';

export type GatewayAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
};

/** The messages of the gateway's own responses, as on AWS. */
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

/** Reads a function's result in payload format 2.0. An invalid result becomes a 500. */
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
      ...Object.fromEntries(given.filter(([name]) => !isSetByGateway(name))),
      ...(Array.isArray(cookies) && cookies.length > 0 && { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** A function may return only a body. */
function inferredAnswer(returned: unknown): GatewayAnswer {
  const body = Buffer.from(typeof returned === 'string' ? returned : JSON.stringify(returned));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

// CORS is configured on the API, so a function's CORS headers are dropped; the gateway computes the length.
const isSetByGateway = (name: string): boolean =>
  name.startsWith('access-control-') ||
  name === 'content-length' ||
  name === 'transfer-encoding' ||
  name === 'connection';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type CorsHeaders = Record<string, string>;

/** Returns the CORS headers that the gateway adds to every response; none if the origin is not allowed. */
export function corsHeaders(cors: Cors | undefined, { origin }: IncomingHttpHeaders): CorsHeaders {
  const allowed = cors && origin !== undefined && allowedOrigin(cors, origin);
  if (!allowed) return {};
  return {
    'access-control-allow-origin': allowed,
    ...(cors.AllowCredentials && { 'access-control-allow-credentials': 'true' }),
    ...(cors.ExposeHeaders?.length && { 'access-control-expose-headers': cors.ExposeHeaders.join(',') }),
  };
}

/** Returns the headers of the gateway's response to a preflight request. */
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
