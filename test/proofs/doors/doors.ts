import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { completeCallback, recordFailure } from '../../../functions/complete-callback';
import { confirm } from '../../../functions/confirm-session';
import type { FetchSecret } from '../../../functions/core/platform/secrets';
import { cachedSecret, parseWebhookSecrets } from '../../../functions/core/platform/secrets';
import { type GatewayEvent, on, serve } from '../../../functions/core/http/serve';
import type { Log } from '../../../functions/core/platform/log';
import { openSession } from '../../../functions/create-session';
import { disconnectOne, eraseMe } from '../../../functions/disconnect';
import { cachedProviders } from '../../../functions/core/terra/catalogue';
import { list } from '../../../functions/list-providers';
import { mint } from '../../../functions/mint-token';
import { listConnectionsOf, readConnectionOf, readSessionOf } from '../../../functions/read-state';
import { receiveDelivery } from '../../../functions/receive-webhook';
import * as declared from '../../../functions/routes';
import type { Route } from '../../../functions/routes';
import { gatewayEvent } from '../../../local/aws/apigateway/gateway-event';
import { routeTable } from '../../../local/aws/apigateway/route-table';
import { WEBHOOK_SECRET } from '../../support/journey';
import { authorizerOf, tokenOf } from '../../support/token';
import { world as newWorld, type World } from '../../support/world';

export const ISSUER = 'https://issuer.example';

/** Every route there is, by its key. */
export const routes: ReadonlyMap<string, Route> = new Map(
  Object.values(declared)
    .flatMap(value => ('caller' in value ? [value as Route] : []))
    .map(route => [`${route.method} ${route.path}`, route]),
);

const findRoute = routeTable([...routes.keys()].map(key => ({ key })));

/** A request as it comes over the wire; `claims` are the payload of the token, if the gateway's authorizer accepts one. */
export type Asked = {
  method: string;
  /** Not decoded, without the query. */
  path: string;
  query?: string;
  headers?: readonly (readonly [string, string])[];
  body?: Buffer | string;
  claims?: Record<string, unknown> | undefined;
  requestId?: string;
};

export type Told = APIGatewayProxyStructuredResultV2 & {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
  route: Route;
};

export const signedInAs = (sub: string) => ({ sub, iss: ISSUER, aud: 'app', exp: '1800000000' });

/** Paths that the gateway cannot decode or route never reach a function. */
export function eventOf(asked: Asked): { event: GatewayEvent; route: Route } | undefined {
  const path = decoded(asked.path);
  const match = path === undefined ? undefined : findRoute(asked.method, path);
  const route = match && routes.get(match.route.key);
  if (path === undefined || !match || !route) return undefined;
  const payload = route.caller === 'user' ? asked.claims : undefined;

  const event = gatewayEvent(
    {
      request: received(payload ? withToken(asked, tokenOf(payload)) : asked),
      requestId: asked.requestId ?? 'request-1',
      path,
      rawQueryString: asked.query ?? '',
      receivedAt: 0,
    },
    {
      routeKey: match.route.key,
      pathParameters: match.pathParameters,
      verdict: undefined,
      body: Buffer.from(asked.body ?? ''),
    },
  ) as GatewayEvent;
  if (payload) event.requestContext.authorizer = authorizerOf(payload);
  return { event, route };
}

function withToken(asked: Asked, token: string): Asked {
  const others = (asked.headers ?? []).filter(([name]) => name.toLowerCase() !== 'authorization');
  return { ...asked, headers: [...others, ['authorization', `Bearer ${token}`]] };
}

/** What the gateway makes of a request once its headers are read. */
function received({ method, headers = [] }: Asked): IncomingMessage {
  const headersDistinct: Record<string, string[]> = { host: ['api.example'] };
  for (const [name, value] of headers) (headersDistinct[name.toLowerCase()] ??= []).push(value);
  const first = Object.fromEntries(Object.entries(headersDistinct).map(([name, values]) => [name, values[0]]));
  const socket = { remoteAddress: '203.0.113.7' };
  return { method, httpVersion: '1.1', headers: first, headersDistinct, socket } as unknown as IncomingMessage;
}

export type DoorOptions = Partial<World['rules']> & {
  fetchWebhookSecret?: FetchSecret;
  log?: Log;
  /** In place of the world's own dependencies. */
  with?: Partial<World>;
};

/** All functions behind their own `serve`, wired to fakes, and the gateway in front of them. */
export function openDoors({ fetchWebhookSecret, log = () => {}, with: instead = {}, ...rules }: DoorOptions = {}) {
  const world: World = { ...newWorld(rules), ...instead };
  const fetchSecret = fetchWebhookSecret ?? (async () => JSON.stringify({ current: WEBHOOK_SECRET }));
  const wire = () => ({
    ...world,
    serve: { issuer: ISSUER, clock: () => world.clock(), log },
    secrets: cachedSecret('terra-webhook', fetchSecret, parseWebhookSecrets, world.clock),
    offered: cachedProviders(world.terra, world.clock),
  });
  const handlers: Record<string, (event: GatewayEvent) => Promise<APIGatewayProxyStructuredResultV2>> = {
    'create-session': serve([on(declared.createSession, openSession)], wire),
    'confirm-session': serve([on(declared.confirmSession, confirm)], wire),
    'mint-token': serve([on(declared.mintToken, mint)], wire),
    'read-state': serve(
      [
        on(declared.readSession, readSessionOf),
        on(declared.listConnections, listConnectionsOf),
        on(declared.readConnection, readConnectionOf),
      ],
      wire,
    ),
    disconnect: serve([on(declared.disconnect, disconnectOne), on(declared.erase, eraseMe)], wire),
    'list-providers': serve([on(declared.listProviders, list)], wire),
    'complete-callback': serve(
      [on(declared.returnSuccess, completeCallback), on(declared.returnFailure, recordFailure)],
      wire,
    ),
    'receive-webhook': serve([on(declared.receiveWebhook, receiveDelivery)], wire),
  };

  return {
    world,
    /** What the function answers; undefined where the gateway answers itself. */
    async ask(asked: Asked): Promise<Told | undefined> {
      const reached = eventOf(asked);
      if (!reached) return undefined;
      const handler = handlers[reached.route.function];
      if (!handler) throw new Error(`no handler for ${reached.route.function}`);
      return { ...((await handler(reached.event)) as Told), route: reached.route };
    },
    /** Everything stored, as text: equal exactly where nothing changed. */
    state: () => JSON.stringify([...world.store.items]),
    /** Puts the table back to what it was. */
    restore(items: World['store']['items']) {
      world.store.items.clear();
      for (const [key, item] of items) world.store.items.set(key, structuredClone(item));
    },
  };
}

export type Doors = ReturnType<typeof openDoors>;

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
