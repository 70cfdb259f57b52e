import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type * as z from 'zod/mini';
import type { Caller, Route } from '../../routes';
import { readCaller } from './caller';
import type { Clock } from '../platform/clock';
import { type ErrorCode, errorStatus, errorTitle, Problem } from './errors';
import type { LogFields, Log } from '../platform/log';
import type { SignedIn } from '../state/owner';
import { pageHeaders } from './page';

type PathParameters<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { [K in Name]: string } & PathParameters<Rest>
  : unknown;

/** A validated request of a route. */
export type RequestOf<R extends Route> = {
  path: PathParameters<R['path']>;
  query: Readonly<Record<string, string | undefined>>;
  /** Names are in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: R['body'] extends z.ZodMiniType ? z.infer<R['body']> : undefined;
  /** The unparsed body, over which Terra signs. */
  rawBody: Buffer;
  /** Adds fields to the log line of this request. */
  note: Note;
} & (R['caller'] extends 'user' ? { caller: SignedIn } : unknown) &
  (R['caller'] extends 'browser' ? { browser: Browser } : unknown);

/** What identifies a browser, in addition to its headers. */
export type Browser = { cookies: readonly string[]; sourceIp: string };

type JsonReplies<R extends Route> = {
  [S in keyof R['replies'] & number]: R['replies'][S] extends z.ZodMiniType
    ? { status: S; body: z.infer<R['replies'][S]>; headers?: Record<string, string> }
    : { status: S; page: string; headers: Record<string, string>; cookies?: string[] };
};

/** One of the replies that the route declares. */
export type ReplyOf<R extends Route> = JsonReplies<R>[keyof R['replies'] & number];

/** Handles a request of a route with its dependencies. */
export type Behaviour<R extends Route, Deps> = (request: RequestOf<R>, deps: Deps) => Promise<ReplyOf<R>>;

/** Dependencies of `serve` itself. */
export type ServeDeps = { issuer: string | undefined; clock: Clock; log: Log };

/** Event of an API Gateway HTTP API, payload format 2.0, with the claims that the JWT authorizer adds on `user` routes. */
export type GatewayEvent = APIGatewayProxyEventV2 & {
  requestContext: { authorizer?: { jwt?: { claims?: Record<string, unknown> } } };
};

type Answer = {
  status: number;
  body?: unknown;
  page?: string;
  headers?: Record<string, string>;
  cookies?: string[];
};
type Served<Deps> = {
  route: Route;
  answer: (event: GatewayEvent, deps: Deps, note: Note, issuer: string | undefined) => Promise<Answer>;
};
/** Adds fields to the log line of a request. */
export type Note = (facts: LogFields) => void;

const BODY_LIMIT_BYTES = 16 * 1024;

/** Binds a route to its behaviour, and builds the behaviour's request. */
export function on<R extends Route, Deps>(route: R, behaviour: Behaviour<R, Deps>): Served<Deps> {
  return {
    route,
    async answer(event, deps, note, issuer) {
      const rawBody = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
      const request = {
        path: event.pathParameters ?? {},
        query: event.queryStringParameters ?? {},
        headers: event.headers,
        ...(route.caller === 'user' && {
          caller: readCaller(event.headers.authorization, event.requestContext.authorizer?.jwt?.claims ?? {}, issuer),
        }),
        ...(route.caller === 'browser' && {
          browser: { cookies: event.cookies ?? [], sourceIp: event.requestContext.http.sourceIp },
        }),
        body: route.body && readBody(route.body, rawBody),
        rawBody,
        note,
      };
      return behaviour(request as unknown as RequestOf<R>, deps);
    },
  };
}

/**
 * Returns the Lambda handler: it picks the route, validates the request, calls the behaviour, turns errors into problem
 * documents and writes one log line. `wire` creates the dependencies at the first request.
 */
export function serve<Deps>(served: readonly Served<Deps>[], wire: () => Deps & { serve: ServeDeps }) {
  let wired: (Deps & { serve: ServeDeps }) | undefined;
  return async (event: GatewayEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    wired ??= wire();
    const { issuer, clock, log } = wired.serve;
    const startedAt = clock();
    const entry = served.find(({ route }) => event.routeKey === `${route.method} ${route.path}`);
    const facts: LogFields = { route: event.routeKey };
    const note: Note = more => Object.assign(facts, more);

    const answer = entry
      ? await entry.answer(event, wired, note, issuer).catch(error => answerProblem(error, event, note))
      : answerProblem(new Problem('not_found', 'There is nothing here.'), event, note);

    note({ status: answer.status, ms: clock() - startedAt });
    log(facts.error ? 'error' : facts.alarm ? 'warn' : 'info', 'request', facts);
    return render(answer, entry?.route.caller);
  };
}

function render(
  { status, body, page, headers, cookies }: Answer,
  caller: Caller | undefined,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      ...(caller === 'browser' && pageHeaders),
      ...(page === undefined && { 'content-type': 'application/json' }),
      ...(caller === 'user' && { 'cache-control': 'no-store' }),
      ...headers,
    },
    ...(cookies && { cookies }),
    body: page ?? JSON.stringify(body),
  };
}

function readBody<S extends z.ZodMiniType>(schema: S, rawBody: Buffer): z.infer<S> {
  if (rawBody.length > BODY_LIMIT_BYTES)
    throw new Problem('payload_too_large', `The body must have at most ${BODY_LIMIT_BYTES} bytes.`);
  const parsed = schema.safeParse(rawBody.length === 0 ? {} : parseJson(rawBody));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap(issue =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => `unknown field ${JSON.stringify(key.slice(0, 40))}`)
      : [issue.path.join('.')],
  );
  const named = [...new Set(fields.filter(field => field !== ''))].slice(0, 5);
  throw new Problem(
    'invalid_request',
    named.length > 0 ? `Invalid: ${named.join(', ')}.` : 'The body must be a JSON object.',
  );
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    throw new Problem('invalid_request', 'The body must be JSON.');
  }
}

/** Turns an error into a problem document. Reasons and stacks are only logged. */
function answerProblem(error: unknown, event: GatewayEvent, note: Note): Answer {
  const problem =
    error instanceof Problem ? error : new Problem(isOutage(error) ? 'unavailable' : 'internal', 'Try again later.');
  note({ code: problem.code, ...(problem.reason !== undefined && { reason: problem.reason }) });
  if (problem.code === 'terra_credentials' || problem.code === 'terra_endpoint_gone') note({ alarm: problem.code });
  if (!(error instanceof Problem)) note(errorFields(error));
  return {
    status: errorStatus[problem.code],
    body: problemDocument(problem.code, problem.message, event.requestContext.requestId),
    headers: {
      'content-type': 'application/problem+json',
      ...(problem.retryAfterSeconds !== undefined && { 'retry-after': String(problem.retryAfterSeconds) }),
    },
  };
}

/** Returns a problem document (RFC 9457) with the fields `code` and `requestId` added. */
export function problemDocument(code: ErrorCode, detail: string, requestId: string) {
  return {
    type: `urn:terra-connect:problem:${code}`,
    title: errorTitle[code],
    status: errorStatus[code],
    detail,
    code,
    requestId,
  };
}

function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  // Removes the message: it can contain secrets, also in lines that look like stack frames.
  const frames = error.stack
    ?.replace(error.message, '')
    .split('\n')
    .filter(line => line.trimStart().startsWith('at '))
    .slice(0, 4);
  return { error: error.name, ...(frames && { stack: frames.map(frame => frame.trim()).join(' | ') }) };
}

/** Returns whether an error of the AWS SDK is an outage of the table or the secrets, after which the caller can retry. */
function isOutage(error: unknown): boolean {
  return (
    error instanceof Error &&
    ('$metadata' in error || '$fault' in error || /^(TimeoutError|ECONN|NetworkingError)/.test(error.name))
  );
}
