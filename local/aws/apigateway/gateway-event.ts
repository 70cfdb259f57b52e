import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { account } from '../iam/account';
import type { Verdict } from './authorizer';

/** A received request before routing. */
export type ReceivedRequest = {
  readonly request: IncomingMessage;
  readonly requestId: string;
  /** Percent-decoded, as an HTTP API passes it on. */
  readonly path: string;
  readonly rawQueryString: string;
  readonly receivedAt: number;
};

// Hop-by-hop headers are not passed on, and cookies have a field of their own.
const droppedHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'cookie']);

/** Builds the event that a function receives for a request, in payload format 2.0. */
export function gatewayEvent(
  { request, requestId, path, rawQueryString, receivedAt }: ReceivedRequest,
  {
    routeKey,
    pathParameters,
    verdict,
    body,
  }: {
    routeKey: string;
    pathParameters: Readonly<Record<string, string>>;
    verdict: (Verdict & { ok: true }) | undefined;
    body: Buffer;
  },
): APIGatewayProxyEventV2 {
  const method = request.method ?? 'GET';
  const host = request.headers.host ?? 'localhost';
  const sourceIp = (request.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
  const cookies = request.headersDistinct.cookie?.flatMap(header => header.split('; '));
  const query = queryParameters(rawQueryString);
  const text = isText(request.headers['content-type']);

  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString,
    ...(cookies && { cookies }),
    headers: {
      ...headersOf(request),
      'content-length': `${body.length}`,
      'x-amzn-trace-id': `Root=1-${Math.floor(receivedAt / 1000).toString(16)}-${'0'.repeat(24)}`,
      'x-forwarded-for': [request.headers['x-forwarded-for'], sourceIp].filter(Boolean).join(', '),
      'x-forwarded-port': host.split(':')[1] ?? '80',
      'x-forwarded-proto': 'http',
    },
    ...(query && { queryStringParameters: query }),
    requestContext: {
      accountId: account.accountId,
      apiId: 'local',
      ...(verdict && { authorizer: { jwt: { claims: verdict.claims, scopes: verdict.scopes } } }),
      domainName: host,
      domainPrefix: host.split(/[.:]/)[0] ?? host,
      http: {
        method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId,
      routeKey,
      stage: '$default',
      time: logTime(receivedAt),
      timeEpoch: receivedAt,
    },
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    ...(body.length > 0 && { body: body.toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !text,
  };
}

/** Bodies of other types, or without a content type, are base64-encoded. */
function isText(contentType: string | undefined): boolean {
  return /^\s*(text\/[^;]*|application\/(json|javascript|xml))\s*(;|$)/i.test(contentType ?? '');
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct)
      .filter(([name]) => !droppedHeaders.has(name))
      .map(([name, values]) => [name, (values ?? []).join(',')]),
  );
}

function queryParameters(rawQueryString: string): Record<string, string> | undefined {
  if (rawQueryString === '') return undefined;
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries(values);
}

/** `12/Mar/2026:19:03:58 +0000` */
function logTime(at: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(at).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
