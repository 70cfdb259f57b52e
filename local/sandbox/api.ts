import { authenticateUser, deauthenticateUser, generateWidgetSession, mintToken, newWidgetSession } from './api-auth';
import { readData } from './api-data';
import { integrations, integrationsDetailed } from './api-integrations';
import { bulkUserInfo, subscriptions, userInfo } from './api-users';
import { dataTypes } from './samples';
import { type Endpoint, type HttpRequest, json, refuse, refuseOldStyle, type Reply } from './http';
import { faultFor } from './faults';
import type { World } from './world';

const SLOW_MS = 12_000;

// OpenAPI v2, paths; /auth/tokens: agent skills, terra-mobile-sdk.
const endpoints: ReadonlyMap<string, Endpoint> = new Map([
  ['POST /auth/authenticateUser', authenticateUser],
  ['POST /auth/generateWidgetSession', generateWidgetSession],
  ['POST /auth/tokens', mintToken],
  ['POST /auth/generateAuthToken', mintToken],
  ['DELETE /auth/deauthenticateUser', deauthenticateUser],
  ['GET /userInfo', userInfo],
  ['GET /subscriptions', subscriptions],
  ['POST /bulkUserInfo', bulkUserInfo],
  ['GET /integrations', integrations],
  ['GET /integrations/detailed', integrationsDetailed],
  ...dataTypes.slice(0, 7).map((type): [string, Endpoint] => [`GET /${type}`, readData(type)]),
]);

const publicPaths = ['/integrations', '/integrations/detailed'];

/**
 * Answers requests to Terra's API, under both of its prefixes, and to the widget service, under both of its paths.
 * Returns undefined for any other path.
 */
export function answerApi(world: World, request: HttpRequest, note: (remark: string) => void): Reply | undefined {
  const { path, method } = request;
  const isWidget = path === '/api/widget/session' || path === '/widget/api/session';
  const [, v2Path] = /^\/(?:api\/)?v2(\/.*)$/.exec(path) ?? [];
  if (!isWidget && v2Path === undefined) return undefined;

  const fault = faultFor(world, request, path.slice(path.lastIndexOf('/') + 1));
  if (fault !== undefined && fault !== 'slow') {
    note('answered by a scenario');
    return fault;
  }
  const reply =
    v2Path === undefined ? answerWidget(world, request, note) : answerV2(world, request, `${method} ${v2Path}`, note);
  return fault === 'slow' && reply.kind === 'answer' ? { ...reply, afterMs: SLOW_MS } : reply;
}

function answerV2(world: World, request: HttpRequest, route: string, note: (remark: string) => void): Reply {
  const v2Path = route.slice(route.indexOf(' ') + 1);
  const isKnown = [...endpoints.keys()].some(known => known.endsWith(` ${v2Path}`));
  if (!isKnown) return refuse(world, request, 404, 'not found');
  const endpoint = endpoints.get(route);
  if (!endpoint) return refuse(world, request, 405, 'method not allowed');
  const refused = publicPaths.includes(v2Path) ? undefined : refusedByApi(world, request);
  return refused ?? endpoint(world, request, note);
}

function answerWidget(world: World, request: HttpRequest, note: (remark: string) => void): Reply {
  if (request.method !== 'POST') return refuseOldStyle(405, 'Method not allowed');
  return refusedByWidget(world, request) ?? newWidgetSession(world, request, note);
}

type Given = 'right' | 'missing' | 'swapped' | 'wrong';

/** Returns the v2 API's answer to invalid credentials, or undefined if they are valid. OpenAPI v2: 401. */
export function refusedByApi(world: World, request: HttpRequest): Reply | undefined {
  const given = credentialsOf(world, request);
  if (given === 'right') return undefined;
  if (given === 'swapped' && request.path.endsWith('/auth/authenticateUser')) {
    // FAQ auth-flow-start: swapped headers get this body; the status is not documented.
    return json(world.switches.knob('swappedKeysStatus'), { message: null });
  }
  const status = world.switches.knob('badCredentials') === 'forbidden' ? 403 : 401;
  const missing = given === 'missing';
  return refuse(
    world,
    request,
    status,
    missing ? 'dev-id or x-api-key headers are missing' : 'invalid dev-id or x-api-key',
  );
}

/** As `refusedByApi`, for the widget service. OpenAPI widget: 403. */
export function refusedByWidget(world: World, request: HttpRequest): Reply | undefined {
  return credentialsOf(world, request) === 'right' ? undefined : refuseOldStyle(403, 'Invalid dev-id or x-api-key');
}

function credentialsOf(world: World, { headers }: HttpRequest): Given {
  const devId = headers['dev-id'];
  const apiKey = headers['x-api-key'];
  if (!devId || !apiKey) return 'missing';
  if (devId === world.apiKey && apiKey === world.devId) return 'swapped';
  if (devId !== world.devId || apiKey !== world.apiKey) return 'wrong';
  const pretended = world.switches.knob('credentials');
  return pretended === 'as_sent' ? 'right' : pretended;
}
