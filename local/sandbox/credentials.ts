import { type HttpRequest, json, type Reply } from './http';
import { refuse, refuseOldStyle } from './refusals';
import type { World } from './world';

type Given = 'right' | 'missing' | 'swapped' | 'wrong';

/** What the v2 API answers to credentials that are not right; undefined for right ones. OpenAPI v2: 401. */
export function refusedByApi(world: World, request: HttpRequest): Reply | undefined {
  const given = credentialsOf(world, request);
  if (given === 'right') return undefined;
  if (given === 'swapped' && request.path.endsWith('/auth/authenticateUser')) {
    // FAQ auth-flow-start: the body that swapped headers give; its status is not documented.
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

/** The same for the widget service. OpenAPI widget: 403 for bad credentials. */
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
