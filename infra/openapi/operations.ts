import type * as z from 'zod/mini';
import type * as routes from '../../functions/routes';
import type { RouteName } from '../parts/connect-api';
import { connection, ids, sessions } from './examples';

type Routes = Pick<typeof routes, RouteName>;
type Body<S> = S extends z.ZodMiniType ? z.infer<S> : string;
type Examples<S> = { readonly [name: string]: Body<S> };
type NamesIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

/** Texts and examples of one route, in addition to its declaration in `functions/routes.ts`. */
type OperationText<R extends routes.Route> = {
  /** Heading in the reference. */
  readonly title: string;
  readonly tag: keyof typeof tags;
  /** Follows the route's `summary`. */
  readonly description: string;
  readonly path: { readonly [N in NamesIn<R['path']>]: { readonly description: string; readonly example: string } };
  readonly replies: {
    readonly [S in keyof R['replies']]: {
      readonly description: string;
      /** Description of the Location header, if there is one. */
      readonly location?: string;
      readonly examples: Examples<R['replies'][S]>;
    };
  };
} & (R extends { body: infer B } ? { readonly body: Examples<B> } : unknown);

/** The chapters of the reference, in reading order. */
export const tags = {
  Sessions: 'One attempt of a user to connect a provider in the browser, from the link to the confirmation.',
  'Mobile SDK':
    'Providers on the phone (Apple Health, Samsung Health, Health Connect) connect through Terra’s mobile SDK.',
  Connections: 'Connected provider accounts. Every change is also published to the deployment’s EventBridge bus.',
  User: 'All records of the signed-in user.',
  Providers: 'Providers that users can connect.',
  Callbacks: 'Where Terra sends browsers back to. Apps do not call these.',
  Webhook: 'Where Terra delivers its events. Apps do not call this.',
} as const;

const sessionId = { description: 'The session’s `id`.', example: ids.session };
const connectionId = { description: 'The connection’s `id`, or an earlier id of it.', example: ids.connection };
const state = {
  description:
    'The session’s state token, a secret with at most 512 characters. It identifies the session that the browser returns from.',
  example: ids.state,
};
const appPage =
  '<!doctype html><html lang="en">…<a href="myapp://connected?session_id=…&amp;status=returned&amp;code=…">…';
const neutralPage = '<!doctype html><html lang="en">…You can close this page…';

/** Texts of each route. The type requires one for every route and refuses others. */
export const operations: { readonly [N in RouteName]: OperationText<Routes[N]> } = {
  createSession: {
    title: 'Open a session',
    tag: 'Sessions',
    description:
      'The `url` in the response leads to Terra’s widget, or directly to one provider. Open it in the browser, a new tab or an in-app browser tab; providers refuse web views and frames.\n\nWith an `Idempotency-Key`, repeating the request returns the same session. Without it, each request opens another one.',
    path: {},
    body: {
      widget: { returnTo: 'web' },
      someProviders: { returnTo: 'web', providers: ['GARMIN', 'OURA'], language: 'de' },
      direct: { returnTo: 'ios', provider: 'GARMIN' },
    },
    replies: {
      201: {
        description: 'The session is open.',
        location: 'The session: `/v1/sessions/{id}`.',
        examples: { widget: sessions.opened, direct: sessions.openedDirect },
      },
    },
  },
  readSession: {
    title: 'Read a session',
    tag: 'Sessions',
    description: 'To wait for the end of a session, poll every one to two seconds.',
    path: { id: sessionId },
    replies: {
      200: {
        description: 'The session.',
        examples: {
          pending: sessions.pending,
          returned: sessions.returned,
          completed: sessions.completed,
          failed: sessions.failed,
          expired: sessions.expired,
          rejected: sessions.rejected,
        },
      },
    },
  },
  confirmSession: {
    title: 'Confirm a session',
    tag: 'Sessions',
    description:
      'Only the browser that finished received the `code`, and it is valid only with the token of the user who started. If another user redeems it, no one is connected. The request can be repeated and returns the current state.',
    path: { id: sessionId },
    body: { withCode: { code: ids.code }, withoutCodes: {} },
    replies: {
      200: {
        description: 'Connected.',
        examples: { connected: { id: ids.session, status: 'completed', connection: connection.connected } },
      },
      202: {
        description: 'The code is redeemed; Terra’s confirmation is pending. Poll `GET /v1/sessions/{id}`.',
        examples: { awaited: { id: ids.session, status: 'returned' } },
      },
    },
  },
  mintToken: {
    title: 'Mint an SDK token',
    tag: 'Mobile SDK',
    description:
      'The token is bound to the signed-in user. Request it just before `initConnection`, pass it on, and do not store it. The connection appears in `GET /v1/connections` after Terra reported it.',
    path: {},
    body: { apple: { provider: 'APPLE' }, any: {} },
    replies: {
      201: {
        description: 'The token.',
        examples: {
          token: {
            token: '9a1cd0d1f0c4fd4f1b9bc7d2f7cb3e1f5d6b0a8e3c47d92b61f58a0e7c3d4b29',
            referenceId: ids.reference,
            expiresIn: 180,
            expiresAt: '2026-11-22T09:03:00.000Z',
          },
        },
      },
    },
  },
  listConnections: {
    title: 'List connections',
    tag: 'Connections',
    description: 'Ended connections are listed for 90 days. The list is not paged.',
    path: {},
    replies: {
      200: {
        description: 'The connections.',
        examples: {
          some: { connections: [connection.unconfirmed, connection.connected, connection.disconnected] },
          none: { connections: [] },
        },
      },
    },
  },
  readConnection: {
    title: 'Read a connection',
    tag: 'Connections',
    description: 'Accepts the connection’s `id` or an earlier id of it.',
    path: { id: connectionId },
    replies: {
      200: { description: 'The connection.', examples: { connected: connection.connected, error: connection.error } },
    },
  },
  disconnect: {
    title: 'Disconnect',
    tag: 'Connections',
    description:
      'If Terra does not confirm at once, the request to Terra is repeated until it does. The request can be repeated.',
    path: { id: connectionId },
    replies: {
      202: {
        description: 'Ended here; `disconnecting` until Terra confirms.',
        examples: { disconnected: connection.disconnected, disconnecting: connection.disconnecting },
      },
    },
  },
  erase: {
    title: 'Erase the signed-in user',
    tag: 'User',
    description:
      'Until the erasure is finished, new sessions and tokens are refused with `erasing`. Requests that Terra does not confirm at once are repeated until it does. The request can be repeated.',
    path: {},
    replies: { 202: { description: 'The erasure has started.', examples: { erasing: { status: 'erasing' } } } },
  },
  listProviders: {
    title: 'List providers',
    tag: 'Providers',
    description:
      'Sorted by name. The list is read from Terra at most every ten minutes. While Terra is unavailable, the last list is returned for up to a day.',
    path: {},
    replies: {
      200: {
        description: 'The providers.',
        examples: {
          two: {
            providers: [
              { id: 'APPLE', name: 'Apple Health', kind: 'sdk' },
              { id: 'GARMIN', name: 'Garmin', icon: 'https://assets.example.com/garmin.webp', kind: 'web' },
            ],
          },
        },
      },
    },
  },
  returnSuccess: {
    title: 'Return after success',
    tag: 'Callbacks',
    description:
      'Sends the browser on to the session’s return target with `session_id`, `status=returned` and, unless the deployment has `confirmation: "off"`, the one-time `code`; or, for a mobile provider, with `status=sdk_required` and `provider`. Nothing in the query is trusted. Every invalid state gets the same neutral page.',
    path: { state },
    replies: {
      200: {
        description: 'A page that opens the app by its custom scheme, or the neutral page.',
        examples: { toTheApp: appPage, neutral: neutralPage },
      },
      303: {
        description: 'Redirect to the return target.',
        location: 'The return target with the added query parameters.',
        examples: {},
      },
    },
  },
  returnFailure: {
    title: 'Return after failure',
    tag: 'Callbacks',
    description:
      'Sends the browser on to the session’s return target with `session_id`, `status=failed` and `error`: `cancelled`, `denied`, `provider_error` or `unknown`. The user can still succeed with the same link until it expires.',
    path: { state },
    replies: {
      200: {
        description: 'A page that opens the app by its custom scheme, or the neutral page.',
        examples: { neutral: neutralPage },
      },
      303: {
        description: 'Redirect to the return target.',
        location: 'The return target with the added query parameters.',
        examples: {},
      },
    },
  },
  receiveWebhook: {
    title: 'Receive an event',
    tag: 'Webhook',
    description:
      'The signature is verified over the raw body. The response is 200 only after the new state is stored; Terra repeats a delivery that gets another status. Repeated, late and unordered deliveries lead to the same state. Of data events, only the time of arrival is stored.',
    path: {},
    replies: {
      200: { description: 'Accepted.', examples: { applied: { outcome: 'applied' }, foreign: { outcome: 'foreign' } } },
    },
  },
};
