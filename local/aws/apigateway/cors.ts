import type { IncomingHttpHeaders } from 'node:http';
import type { Cors } from './api';

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
