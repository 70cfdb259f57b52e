import { answer, type HttpRequest, json, refuse, type Reply } from './http';
import type { World } from './world';

const HUGE_BYTES = 8 * 1024 * 1024;
const RETRY_AFTER_SECONDS = '7';

/**
 * Returns the fault that the active scenario puts in place of the answer of `endpoint`, 'slow' to delay the real
 * answer, or undefined.
 */
export function faultFor(world: World, request: HttpRequest, endpoint: string): Reply | 'slow' | undefined {
  const fault = world.switches.take('fault', endpoint);
  switch (fault) {
    case 'none':
      return undefined;
    case 'slow':
      return 'slow';
    case 'bad_request':
      return refuse(world, request, 400, 'bad request');
    case 'unauthorized':
      return refuse(world, request, 401, 'dev-id or x-api-key headers are missing');
    case 'forbidden':
      return refuse(world, request, 403, 'invalid credentials');
    case 'not_found':
      return refuse(world, request, 404, 'not found');
    case 'gone':
      return refuse(world, request, 410, 'this endpoint is no longer available');
    case 'rate_limited':
      return withHeaders(refuse(world, request, 429, 'rate limit exceeded'), {
        'retry-after': RETRY_AFTER_SECONDS,
        'x-terra-ratelimit-limit': '6000',
        'x-terra-ratelimit-remaining': '0',
        'x-terra-ratelimit-reset-after': RETRY_AFTER_SECONDS,
        'x-terra-ratelimit-rule': 'r2',
      });
    case 'rate_limited_bare':
      return refuse(world, request, 429, 'rate limit exceeded');
    case 'server_error':
      return refuse(world, request, 500, 'internal error');
    case 'unavailable':
      return withHeaders(refuse(world, request, 503, 'service unavailable'), { 'retry-after': RETRY_AFTER_SECONDS });
    case 'gateway_timeout':
      return refuse(world, request, 504, 'upstream request timeout');
    case 'html':
      return answer(
        200,
        { 'content-type': 'text/html' },
        '<!doctype html><title>Just a moment</title><h1>Checking</h1>',
      );
    case 'truncated_json':
      return answer(200, { 'content-type': 'application/json' }, '{"status":"success","user_id":"40f7');
    case 'message_null':
      return json(200, { message: null });
    case 'status_error':
      return json(200, { status: 'error', message: 'something went wrong' });
    case 'redirect':
      return answer(302, { location: `${world.url}/v2/moved` }, '');
    case 'huge':
      return json(200, { status: 'success', filler: 'x'.repeat(HUGE_BYTES) });
    case 'drip': {
      const body = JSON.stringify({ status: 'success', message: 'one byte a second' });
      return { kind: 'drip', status: 200, headers: { 'content-type': 'application/json' }, body };
    }
    case 'hang':
      return { kind: 'hang' };
    case 'reset':
      return { kind: 'reset' };
    default:
      return fault satisfies never;
  }
}

function withHeaders(reply: Reply, headers: Record<string, string>): Reply {
  return reply.kind === 'answer' ? { ...reply, headers: { ...reply.headers, ...headers } } : reply;
}
