import type { Scenario } from './knobs';

const anyServer = 'OpenAPI v2 lists only 400, 401 and 404; any HTTP service can answer like this';

/** Faults that replace the answer of any API call. */
export const faultScenarios = [
  {
    name: 'bad-request',
    imitates: 'Every call is rejected as malformed: 400.',
    source: 'OpenAPI v2, BadRequest',
    changes: { fault: 'bad_request' },
  },
  {
    name: '401',
    imitates: 'Valid credentials are rejected: 401.',
    source: 'OpenAPI v2, Unauthorized',
    changes: { fault: 'unauthorized' },
  },
  {
    name: '403',
    imitates: 'Valid credentials are rejected: 403, as by the widget service.',
    source: 'OpenAPI widget, /widget/api/session 403',
    changes: { fault: 'forbidden' },
  },
  {
    name: '404',
    imitates: 'Nothing is found: 404.',
    source: 'OpenAPI v2, NotFound',
    changes: { fault: 'not_found' },
  },
  {
    name: '410',
    imitates: 'Every endpoint is gone: 410.',
    source: 'Docs: implementation-terra-widget-legacy',
    changes: { fault: 'gone' },
  },
  {
    name: '429',
    imitates: 'Too many requests: 429 with Retry-After and the rate-limit headers.',
    source: 'Docs: reference/health-and-fitness-api/rate-limits (data reads; other endpoints have no documented limit)',
    changes: { fault: 'rate_limited' },
  },
  {
    name: '429-bare',
    imitates: 'Too many requests: 429 without Retry-After.',
    source: anyServer,
    changes: { fault: 'rate_limited_bare' },
  },
  { name: '500', imitates: 'Terra fails: 500.', source: anyServer, changes: { fault: 'server_error' } },
  {
    name: '503',
    imitates: 'Terra is down: 503 with Retry-After.',
    source: anyServer,
    changes: { fault: 'unavailable' },
  },
  {
    name: '504',
    imitates: "Terra's gateway times out: 504.",
    source: 'FAQ: userinfo-verification-flow',
    changes: { fault: 'gateway_timeout' },
  },
  {
    name: 'html',
    imitates: 'A proxy answers 200 with a web page instead of JSON.',
    source: anyServer,
    changes: { fault: 'html' },
  },
  {
    name: 'truncated-json',
    imitates: 'The JSON stops in the middle.',
    source: anyServer,
    changes: { fault: 'truncated_json' },
  },
  {
    name: 'message-null',
    imitates: 'The answer is {"message":null}, the symptom of swapped keys.',
    source: 'FAQ: auth-flow-start',
    changes: { fault: 'message_null' },
  },
  {
    name: 'status-error',
    imitates: 'A 200 whose body says status "error".',
    source: 'OpenAPI v2: status is "success" or "error" in 200 answers',
    changes: { fault: 'status_error' },
  },
  {
    name: 'redirecting',
    imitates: 'The API answers 302 to another address.',
    source: anyServer,
    changes: { fault: 'redirect' },
  },
  { name: 'huge', imitates: 'The answer is 8 MB of JSON.', source: anyServer, changes: { fault: 'huge' } },
  {
    name: 'slow',
    imitates: 'Every answer takes 12 s.',
    source: 'FAQ: userinfo-verification-flow (lookups by reference id are heavy)',
    changes: { fault: 'slow' },
  },
  {
    name: 'slow-drip',
    imitates: 'Headers at once, then one byte of the body per second.',
    source: anyServer,
    changes: { fault: 'drip' },
  },
  {
    name: 'hang',
    imitates: 'The request is accepted and never answered.',
    source: anyServer,
    changes: { fault: 'hang' },
  },
  { name: 'reset', imitates: 'The connection is reset.', source: anyServer, changes: { fault: 'reset' } },
] as const satisfies readonly Scenario[];
