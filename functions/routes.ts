import * as z from 'zod/mini';
import type { ErrorCode } from './core/http/errors';

/** Who may call a route: a signed-in user of the app (JWT), an end user's browser, or Terra (signature). */
export type Caller = 'user' | 'browser' | 'terra';

type Replies = Readonly<Record<number, z.ZodMiniType | 'page'>>;

/** One route of the API. The CDK construct, OpenAPI, the functions and the tests use it. */
export type Route = {
  /** The folder of the function that handles it. */
  readonly function: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: `/v1/${string}`;
  readonly caller: Caller;
  readonly summary: string;
  /** Schema of the JSON body; a POST without a body counts as `{}`. */
  readonly body?: z.ZodMiniType;
  /** Schema of the response by status; `page` is an HTML page or a redirect. */
  readonly replies: Replies;
  /** Error codes it may return, in addition to `internal` and `unavailable`. */
  readonly errors: readonly ErrorCode[];
};

// Both calls are marked pure and take a function, so that a function's bundle keeps only the routes that it uses.
const route = <const R extends Route>(declare: () => R): R => declare();
const schema = <S extends z.ZodMiniType>(declare: () => S): S => declare();

/** ISO 8601 in UTC with `Z`. */
const Time = /* @__PURE__ */ schema(() => z.iso.datetime());

/** A provider id as `GET /v1/providers` returns it; case-insensitive. */
const ProviderId = /* @__PURE__ */ schema(() => z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9_]{1,39}$/)));

export const ConnectionStatus = /* @__PURE__ */ schema(() =>
  z.enum(['unconfirmed', 'connected', 'error', 'disconnecting', 'disconnected']),
);

export const ConnectionReason = /* @__PURE__ */ schema(() =>
  z.enum([
    'awaiting_confirmation',
    'unsolicited',
    'provider_rejected',
    'owner',
    'erased',
    'wrong_owner',
    'not_confirmed',
    'revoked',
    'deauthorised',
    'absent',
  ]),
);

/** A lasting link between the signed-in user and one provider account. */
export const Connection = /* @__PURE__ */ schema(() =>
  z.strictObject({
    id: z.string(),
    provider: z.string(),
    status: ConnectionStatus,
    reason: z.optional(ConnectionReason),
    terraUserId: z.optional(z.string()),
    scopes: z.array(z.string()),
    connectedAt: z.optional(Time),
    lastDataAt: z.optional(Time),
    needsAction: z.optional(z.enum(['confirm', 'reconnect'])),
    updatedAt: Time,
    version: z.number(),
  }),
);

export const SessionStatus = /* @__PURE__ */ schema(() =>
  z.enum(['pending', 'returned', 'completed', 'failed', 'expired', 'rejected']),
);

export const SessionFailure = /* @__PURE__ */ schema(() =>
  z.enum(['cancelled', 'denied', 'expired', 'provider_error', 'wrong_owner', 'unknown']),
);

const Flow = /* @__PURE__ */ schema(() => z.enum(['widget', 'direct']));

/** One attempt to connect. */
export const Session = /* @__PURE__ */ schema(() =>
  z.strictObject({
    id: z.string(),
    flow: Flow,
    status: SessionStatus,
    provider: z.optional(z.string()),
    url: z.optional(z.string()),
    expiresAt: Time,
    connectionId: z.optional(z.string()),
    failure: z.optional(SessionFailure),
  }),
);

const terraErrors = [
  'terra_rejected',
  'terra_credentials',
  'terra_endpoint_gone',
  'terra_limit_reached',
  'terra_unavailable',
  'terra_timeout',
] as const;

export const createSession = /* @__PURE__ */ route(() => ({
  function: 'create-session',
  method: 'POST',
  path: '/v1/sessions',
  caller: 'user',
  summary: 'Create a session: a link that the signed-in user opens to connect a provider',
  body: z.strictObject({
    provider: z.optional(ProviderId),
    providers: z.optional(z.array(ProviderId).check(z.minLength(1), z.maxLength(20))),
    returnTo: z.string().check(z.minLength(1), z.maxLength(64)),
    language: z.optional(z.string().check(z.regex(/^[a-z]{2}(-[A-Z]{2})?$/))),
  }),
  replies: {
    201: z.strictObject({
      id: z.string(),
      flow: Flow,
      /** `pending`, or if the request repeats an Idempotency-Key, the current status; `url` is then absent once the link was used. */
      status: SessionStatus,
      url: z.optional(z.string()),
      expiresAt: Time,
    }),
  },
  errors: [
    'invalid_request',
    'payload_too_large',
    'provider_unavailable',
    'unauthenticated',
    'idempotency_conflict',
    'in_progress',
    'erasing',
    'rate_limited',
    ...terraErrors,
  ],
}));

export const readSession = /* @__PURE__ */ route(() => ({
  function: 'read-state',
  method: 'GET',
  path: '/v1/sessions/{id}',
  caller: 'user',
  summary: 'Read one of the signed-in user’s own sessions',
  replies: { 200: Session },
  errors: ['unauthenticated', 'not_found'],
}));

export const confirmSession = /* @__PURE__ */ route(() => ({
  function: 'confirm-session',
  method: 'POST',
  path: '/v1/sessions/{id}/confirm',
  caller: 'user',
  summary:
    'Confirm a session with the one-time code from the return URL: proves that the user who started it also finished it',
  body: z.strictObject({ code: z.optional(z.string().check(z.maxLength(512))) }),
  replies: {
    200: z.strictObject({ id: z.string(), status: z.literal('completed'), connection: Connection }),
    202: z.strictObject({ id: z.string(), status: SessionStatus }),
  },
  errors: ['invalid_request', 'payload_too_large', 'code_invalid', 'unauthenticated', 'not_found', 'session_closed'],
}));

export const mintToken = /* @__PURE__ */ route(() => ({
  function: 'mint-token',
  method: 'POST',
  path: '/v1/tokens',
  caller: 'user',
  summary: 'Create one single-use token for the mobile SDK',
  body: z.strictObject({ provider: z.optional(ProviderId) }),
  replies: {
    201: z.strictObject({
      token: z.string(),
      referenceId: z.string(),
      expiresIn: z.int(),
      expiresAt: Time,
    }),
  },
  errors: [
    'invalid_request',
    'payload_too_large',
    'provider_unavailable',
    'unauthenticated',
    'erasing',
    'rate_limited',
    ...terraErrors,
  ],
}));

export const listConnections = /* @__PURE__ */ route(() => ({
  function: 'read-state',
  method: 'GET',
  path: '/v1/connections',
  caller: 'user',
  summary: 'List all connections of the signed-in user, newest first',
  replies: { 200: z.strictObject({ connections: z.array(Connection) }) },
  errors: ['unauthenticated'],
}));

export const readConnection = /* @__PURE__ */ route(() => ({
  function: 'read-state',
  method: 'GET',
  path: '/v1/connections/{id}',
  caller: 'user',
  summary: 'Read one connection of the signed-in user',
  replies: { 200: Connection },
  errors: ['unauthenticated', 'not_found'],
}));

export const disconnect = /* @__PURE__ */ route(() => ({
  function: 'disconnect',
  method: 'DELETE',
  path: '/v1/connections/{id}',
  caller: 'user',
  summary: 'Disconnect a connection: at once here, and at Terra as soon as Terra agrees',
  replies: { 202: Connection },
  errors: ['unauthenticated', 'not_found'],
}));

export const erase = /* @__PURE__ */ route(() => ({
  function: 'disconnect',
  method: 'DELETE',
  path: '/v1/me',
  caller: 'user',
  summary: 'Erase the signed-in user: disconnects all connections, then deletes every record',
  replies: { 202: z.strictObject({ status: z.literal('erasing') }) },
  errors: ['unauthenticated', 'rate_limited'],
}));

export const listProviders = /* @__PURE__ */ route(() => ({
  function: 'list-providers',
  method: 'GET',
  path: '/v1/providers',
  caller: 'user',
  summary: 'List the providers that this deployment’s Terra account offers',
  replies: {
    200: z.strictObject({
      providers: z.array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          icon: z.optional(z.string()),
          kind: z.enum(['web', 'sdk']),
        }),
      ),
    }),
  },
  errors: ['unauthenticated', ...terraErrors],
}));

export const returnSuccess = /* @__PURE__ */ route(() => ({
  function: 'complete-callback',
  method: 'GET',
  path: '/v1/callback/{state}/success',
  caller: 'browser',
  summary: 'Terra redirects the browser here after the user connected',
  replies: { 200: 'page', 303: 'page' },
  errors: [],
}));

export const returnFailure = /* @__PURE__ */ route(() => ({
  function: 'complete-callback',
  method: 'GET',
  path: '/v1/callback/{state}/failure',
  caller: 'browser',
  summary: 'Terra redirects the browser here after a failure',
  replies: { 200: 'page', 303: 'page' },
  errors: [],
}));

export const receiveWebhook = /* @__PURE__ */ route(() => ({
  function: 'receive-webhook',
  method: 'POST',
  path: '/v1/webhooks/terra',
  caller: 'terra',
  summary: 'Terra delivers its signed events here',
  replies: {
    200: z.strictObject({ outcome: z.enum(['applied', 'unchanged', 'foreign', 'noted', 'ignored', 'poison']) }),
  },
  errors: ['unauthenticated'],
}));
