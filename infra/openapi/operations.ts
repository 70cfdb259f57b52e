import type * as z from 'zod/mini';
import type * as routes from '../../functions/routes';
import type { RouteName } from '../parts/connect-api';
import { connection, ids, sessions } from './examples';

type Routes = Pick<typeof routes, RouteName>;
type Body<S> = S extends z.ZodMiniType ? z.infer<S> : string;
type Examples<S> = { readonly [name: string]: Body<S> };
type NamesIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

/** What is said of one route, beside what `functions/routes.ts` declares. */
type Told<R extends routes.Route> = {
  /** A few words: the heading in the reference. */
  readonly title: string;
  readonly tag: keyof typeof tags;
  /** What is to be known beside the route's `summary`, which goes before it. */
  readonly description: string;
  readonly path: { readonly [N in NamesIn<R['path']>]: { readonly description: string; readonly example: string } };
  readonly replies: {
    readonly [S in keyof R['replies']]: {
      readonly description: string;
      /** What the Location header leads to, where there is one. */
      readonly location?: string;
      readonly examples: Examples<R['replies'][S]>;
    };
  };
} & (R extends { body: infer B } ? { readonly body: Examples<B> } : unknown);

/** The chapters of the reference, in reading order. */
export const tags = {
  Sessions: 'One attempt of a person to connect a provider in the browser, from the link to the confirmation.',
  'Mobile SDK':
    'Providers that live on the phone (Apple Health, Samsung Health, Health Connect) connect through Terra’s mobile SDK.',
  Connections: 'What is connected. Every change is also published to the deployment’s EventBridge bus.',
  User: 'Everything that is known of the signed-in user.',
  Providers: 'What people can connect.',
  Callbacks: 'Where Terra sends browsers back to. Apps do not call these.',
  Webhook: 'Where Terra delivers its events. Apps do not call this.',
} as const;

const sessionId = { description: 'The session’s `id`.', example: ids.session };
const connectionId = { description: 'The connection’s `id`, or any it was ever known by.', example: ids.connection };
const state = {
  description: 'Which session the browser comes from: a one-time secret made for that session, at most 512 characters.',
  example: ids.state,
};
const appPage =
  '<!doctype html><html lang="en">…<a href="myapp://connected?session_id=…&amp;status=returned&amp;code=…">…';
const neutralPage = '<!doctype html><html lang="en">…You can close this page…';

/** What is said of each route: one that is missing here, or is no more, does not compile. */
export const operations: { readonly [N in RouteName]: Told<Routes[N]> } = {
  createSession: {
    title: 'Open a session',
    tag: 'Sessions',
    description:
      'The answer’s `url` leads to Terra’s widget, or straight to one provider. Open it in the browser, a new tab or an in-app browser tab; providers refuse web views and frames.\n\nWith an `Idempotency-Key`, repeating the request gives the same session. Without it each request opens another one.',
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
    description: 'To wait for the end of a session, ask every second or two.',
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
      'Only the finishing browser received the `code`, and it counts only together with the starter’s own token. Where somebody else redeems it, nobody gets the link. Repeating the request is fine and gives the current state.',
    path: { id: sessionId },
    body: { withCode: { code: ids.code }, withoutCodes: {} },
    replies: {
      200: {
        description: 'Connected.',
        examples: { connected: { id: ids.session, status: 'completed', connection: connection.connected } },
      },
      202: {
        description: 'Redeemed; Terra’s word is on its way. Ask `GET /v1/sessions/{id}`.',
        examples: { awaited: { id: ids.session, status: 'returned' } },
      },
    },
  },
  mintToken: {
    title: 'Mint an SDK token',
    tag: 'Mobile SDK',
    description:
      'It is bound to the signed-in user. Ask for it just before `initConnection`, hand it over, and forget it. The connection appears in `GET /v1/connections` once Terra has told of it.',
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
    description: 'Ended ones are there for 90 days. The list is not paged.',
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
    description: 'By its id, or any it was ever known by.',
    path: { id: connectionId },
    replies: {
      200: { description: 'The connection.', examples: { connected: connection.connected, error: connection.error } },
    },
  },
  disconnect: {
    title: 'Disconnect',
    tag: 'Connections',
    description: 'Where Terra does not agree now it is asked again until it does. Repeating the request is fine.',
    path: { id: connectionId },
    replies: {
      202: {
        description: 'Ended here; `disconnecting` until Terra agrees.',
        examples: { disconnected: connection.disconnected, disconnecting: connection.disconnecting },
      },
    },
  },
  erase: {
    title: 'Erase the signed-in user',
    tag: 'User',
    description:
      'New sessions and tokens are refused with `erasing` meanwhile. What Terra does not agree to now is repeated until it does. Repeating the request is fine.',
    path: {},
    replies: { 202: { description: 'Under way.', examples: { erasing: { status: 'erasing' } } } },
  },
  listProviders: {
    title: 'List providers',
    tag: 'Providers',
    description:
      'By name. Terra is asked at most every ten minutes; while it is away, a list of the same day is given.',
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
      'Sends the browser on to the session’s return target with `session_id`, `status=returned` and, unless the deployment does without, the one-time `code`; or, for a provider of the phone, with `status=sdk_required` and `provider`. Nothing in the query is believed. A state that leads nowhere meets one neutral page, the same for all of them.',
    path: { state },
    replies: {
      200: {
        description: 'A page: back to the app by its own URL scheme, or the neutral one.',
        examples: { toTheApp: appPage, neutral: neutralPage },
      },
      303: {
        description: 'On to the return target.',
        location: 'The return target, with what is added to its query.',
        examples: {},
      },
    },
  },
  returnFailure: {
    title: 'Return after failure',
    tag: 'Callbacks',
    description:
      'Sends the browser on to the session’s return target with `session_id`, `status=failed` and `error`: `cancelled`, `denied`, `provider_error` or `unknown`. The person may still succeed with the same link until its time is over.',
    path: { state },
    replies: {
      200: {
        description: 'A page: back to the app by its own URL scheme, or the neutral one.',
        examples: { neutral: neutralPage },
      },
      303: {
        description: 'On to the return target.',
        location: 'The return target, with what is added to its query.',
        examples: {},
      },
    },
  },
  receiveWebhook: {
    title: 'Receive an event',
    tag: 'Webhook',
    description:
      'A delivery is verified over the raw bytes, applied at its own time, and answered 200 only once the state is stored; Terra repeats whatever is answered otherwise. Repeated, late and unordered deliveries come to the same end. Of data events only the time of arrival is kept.',
    path: {},
    replies: {
      200: { description: 'Taken in.', examples: { applied: { outcome: 'applied' }, foreign: { outcome: 'foreign' } } },
    },
  },
};
