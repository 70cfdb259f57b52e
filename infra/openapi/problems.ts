import { type ErrorCode, errorStatus } from '../../functions/core/http/errors';
import { problemDocument } from '../../functions/core/http/serve';
import type { Caller, Route } from '../../functions/routes';
import { ref } from './schemas';

/** The meaning of each code for a caller, and the `detail` of its example. `comesWith`: the response has Retry-After. */
export const problems: Record<ErrorCode, { meaning: string; detail: string; comesWith?: 'Retry-After' }> = {
  invalid_request: {
    meaning: 'a field or header is missing, unknown or malformed; `detail` names it.',
    detail: 'Invalid: returnTo.',
  },
  code_invalid: {
    meaning: 'the code is wrong, older than 10 minutes, or not of this session.',
    detail: 'The code is wrong, expired or not of this session.',
  },
  provider_unavailable: {
    meaning: 'the provider cannot be connected this way: mobile providers need a token, the others a session.',
    detail: 'This provider connects with the mobile SDK: mint a token instead.',
  },
  unauthenticated: {
    meaning:
      'the caller is unknown: the token has no usable subject or another issuer, or the signature is not Terra’s.',
    detail: 'Sign in and try again.',
  },
  forbidden: { meaning: 'this caller is not allowed to do that. No route returns it today.', detail: 'Not allowed.' },
  not_found: {
    meaning: 'it does not exist, or it belongs to another user; the response is the same.',
    detail: 'There is nothing here.',
  },
  idempotency_conflict: {
    meaning: 'this `Idempotency-Key` was used before with another body.',
    detail: 'This Idempotency-Key was used with another body.',
  },
  in_progress: {
    meaning: 'the first request with this `Idempotency-Key` is not finished. Repeat the request after `Retry-After`.',
    detail: 'The first request with this Idempotency-Key is under way.',
    comesWith: 'Retry-After',
  },
  session_closed: {
    meaning: 'the session has ended. Open a new one.',
    detail: 'The session is closed. Open a new one.',
  },
  erasing: {
    meaning: 'the records of this user are being erased. Try again in a few minutes.',
    detail: 'The records of this user are being erased. Try again later.',
  },
  payload_too_large: { meaning: 'the body has more than 16 KiB.', detail: 'The body must have at most 16384 bytes.' },
  rate_limited: {
    meaning:
      'this user made too many requests: by default 10 sessions and 20 tokens in 10 minutes. Or 100 recent sessions, tokens or connections of this user are stored.',
    detail: 'Too many requests by this user. Try again later.',
    comesWith: 'Retry-After',
  },
  internal: {
    meaning: 'an unexpected error. The deployment’s log has it under `requestId`.',
    detail: 'Try again later.',
  },
  terra_rejected: {
    meaning: 'Terra refused the request, or gave an unexpected answer.',
    detail: 'Terra rejected the request.',
  },
  terra_credentials: {
    meaning: 'Terra does not accept this deployment’s credentials. Only its operator can fix this.',
    detail: 'Terra did not accept the credentials of this deployment.',
  },
  terra_endpoint_gone: {
    meaning: 'Terra has withdrawn the endpoint that this deployment uses. Only its operator can fix this.',
    detail: 'Terra has withdrawn this endpoint.',
  },
  terra_limit_reached: {
    meaning: 'the Terra account has reached its user limit.',
    detail: 'The user limit of the Terra account is reached.',
  },
  terra_unavailable: {
    meaning: 'Terra is unavailable, or limits this deployment. Repeat the request after `Retry-After`.',
    detail: 'Terra is not available at the moment.',
    comesWith: 'Retry-After',
  },
  unavailable: {
    meaning: 'the table or the secrets cannot be reached. Repeat the request later.',
    detail: 'Try again later.',
  },
  terra_timeout: { meaning: 'Terra did not answer in time.', detail: 'Terra did not answer in time.' },
};

/** The responses of API Gateway itself, without or instead of a function. */
export const gatewayAnswers: Record<number, { message: string; when: string; on: (route: Route) => boolean }> = {
  401: { message: 'Unauthorized', when: 'the token is missing or not valid.', on: isFor('user') },
  403: { message: 'Forbidden', when: 'the token lacks the scope that this deployment requires.', on: isFor('user') },
  404: { message: 'Not Found', when: 'the deployment has no such route.', on: () => true },
  413: {
    message: 'Request Entity Too Large',
    when: 'the request is larger than 10 MB, the limit of API Gateway, or about 4.5 MB, the limit of a function.',
    on: ({ method }) => method === 'POST',
  },
  429: {
    message: 'Too Many Requests',
    when: 'all callers together exceed the rate limit of the route.',
    on: () => true,
  },
  431: {
    message: 'Request Header Fields Too Large',
    when: 'request line and headers have more than 10,240 bytes in total, usually because of the token.',
    on: () => true,
  },
  500: { message: 'Internal Server Error', when: 'the function failed.', on: () => true },
  503: { message: 'Service Unavailable', when: 'the function could not run, or timed out.', on: () => true },
  504: { message: 'Endpoint request timed out', when: 'the function timed out.', on: () => true },
};

function isFor(caller: Caller) {
  return (route: Route) => route.caller === caller;
}

const everyCode = Object.keys(errorStatus) as ErrorCode[];

/** Codes that every route can return, in addition to those it declares. */
const everywhere = ['internal', 'unavailable'] as const satisfies readonly ErrorCode[];

type Response = { description: string; headers?: object; content: Record<string, object> };

/** Returns a named response for each error status of a route, with its problems and the gateway's own response. */
export function errorResponses(route: Route): { status: number; name: string; response: Response }[] {
  const codes = [...new Set<ErrorCode>([...route.errors, ...everywhere])];
  const own = Object.keys(gatewayAnswers)
    .map(Number)
    .filter(status => gatewayAnswers[status]?.on(route));
  const statuses = [...new Set([...codes.map(code => errorStatus[code]), ...own])].toSorted((a, b) => a - b);
  return statuses.map(status => {
    const answered = codes.filter(code => errorStatus[code] === status);
    const fromGateway = own.includes(status) ? gatewayAnswers[status] : undefined;
    const name = [status, ...answered, ...(fromGateway ? ['gateway'] : [])].join('-');
    return { status, name, response: errorResponse(status, answered, fromGateway) };
  });
}

function errorResponse(
  status: number,
  codes: readonly ErrorCode[],
  fromGateway: { message: string; when: string } | undefined,
): Response {
  const lines = [
    ...codes.map(code => `- \`${code}\`: ${problems[code].meaning}`),
    ...(fromGateway ? [`- from API Gateway, with a \`message\` and no code: ${fromGateway.when}`] : []),
  ];
  const waits = codes.some(code => problems[code].comesWith === 'Retry-After');
  return {
    description: lines.join('\n'),
    ...(codes.length > 0 && {
      headers: {
        'Cache-Control': ref('headers', 'NoStore'),
        ...(waits && { 'Retry-After': ref('headers', 'RetryAfter') }),
      },
    }),
    content: {
      ...(codes.length > 0 && { 'application/problem+json': problemContent(status, codes) }),
      ...(fromGateway && {
        'application/json': {
          schema: ref('schemas', 'GatewayMessage'),
          examples: { gateway: ref('examples', `gateway-${status}`) },
        },
      }),
    },
  };
}

const problemContent = (status: number, codes: readonly ErrorCode[]) => ({
  schema: {
    allOf: [ref('schemas', 'Problem')],
    properties: { status: { const: status }, code: { enum: codes } },
  },
  examples: Object.fromEntries(codes.map(code => [code, ref('examples', code)])),
});

/** Returns an example of each code and of each response of the gateway, by the names that `errorResponses` uses. */
export function errorExamples(codes: readonly ErrorCode[]): Record<string, object> {
  const ours = codes.map(code => [
    code,
    {
      summary: code,
      description: problems[code].meaning,
      value: problemDocument(code, problems[code].detail, 'JKJaXmPLvHcESHA='),
    },
  ]);
  const gateways = Object.entries(gatewayAnswers).map(([status, { message, when }]) => [
    `gateway-${status}`,
    { summary: 'from API Gateway', description: when, value: { message } },
  ]);
  return Object.fromEntries([...ours, ...gateways]);
}

/** Returns the codes that at least one of these routes can return. */
export const answeredCodes = (routes: readonly Route[]): ErrorCode[] => {
  const answered = new Set<ErrorCode>([...everywhere, ...routes.flatMap(({ errors }) => errors)]);
  return everyCode.filter(code => answered.has(code));
};

/** Schemas of error bodies. */
export const errorSchemas = {
  ErrorCode: {
    description: [
      'The error code, for programs.',
      everyCode.map(code => `- \`${code}\`: ${problems[code].meaning}`).join('\n'),
    ].join('\n\n'),
    type: 'string',
    enum: everyCode,
  },
  Problem: {
    description: 'An error (RFC 9457). Contains no secrets; the deployment’s log has more.',
    type: 'object',
    properties: {
      type: { type: 'string', format: 'uri', description: 'A URN for the code: `urn:terra-connect:problem:<code>`.' },
      title: { type: 'string', description: 'A short title, the same for every occurrence of the code.' },
      status: { type: 'integer', description: 'The HTTP status again.' },
      detail: { type: 'string', description: 'What is wrong or what to do in this case, in English, for developers.' },
      code: { ...ref('schemas', 'ErrorCode'), description: 'The error code, for programs.' },
      requestId: { type: 'string', description: 'Finds the request in the deployment’s log.' },
    },
    required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
    additionalProperties: false,
  },
  GatewayMessage: {
    description: 'A response of API Gateway itself. It has no code; use the status.',
    type: 'object',
    properties: { message: { type: ['string', 'null'], description: 'A text from AWS.' } },
    required: ['message'],
    additionalProperties: false,
  },
};
