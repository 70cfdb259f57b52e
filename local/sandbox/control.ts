import { z } from 'zod';
import { connectElsewhere } from './connecting';
import { type HttpRequest, json, parseJson, type Reply } from './http';
import { redeemToken } from './phone';
import { findProvider } from './providers';
import { isScenarioName, scenarioGroups } from './scenarios';
import { sendable, sendOf, sendPlain, sendRaw } from './send-now';
import { terraUser } from './terra-user';
import type { SandboxUser } from './users';
import type { World } from './world';

const Activation = z.strictObject({ only: z.string().min(1).optional(), times: z.int().positive().optional() });
const Advance = z.strictObject({ seconds: z.number().nonnegative().max(1e9) });
const Named = z.strictObject({ event: z.string() });
const Raw = z.strictObject({ body: z.unknown() });
const Destination = z.strictObject({ url: z.url({ protocol: /^https?$/ }).nullable() });
const Elsewhere = z.strictObject({
  provider: z.string(),
  reference_id: z.string().nullish(),
  account: z.string().min(1).optional(),
  widget_session_id: z.string().nullish(),
});
const Reset = z.strictObject({ keepUsers: z.boolean().optional() });

type Handler = (world: World, request: HttpRequest, parameter: string) => Reply | Promise<Reply>;

const routes: readonly [method: string, path: RegExp, handler: Handler][] = [
  ['GET', /^\/sandbox\/scenarios$/, world => json(200, { scenarios: describeScenarios(world) })],
  ['PUT', /^\/sandbox\/scenarios\/([^/]+)$/, switchScenarioOn],
  ['DELETE', /^\/sandbox\/scenarios\/([^/]+)$/, switchScenarioOff],
  ['POST', /^\/sandbox\/reset$/, (world, request) => withBody(request, Reset, body => resetBy(world, body))],
  [
    'POST',
    /^\/sandbox\/clock\/advance$/,
    (world, request) => withBody(request, Advance, body => advanceBy(world, body)),
  ],
  ['GET', /^\/sandbox\/users$/, world => json(200, { users: describeUsers(world) })],
  ['POST', /^\/sandbox\/users$/, (world, request) => withBody(request, Elsewhere, body => addUser(world, body))],
  ['POST', /^\/sandbox\/users\/([^/]+)\/events$/, sendEventOf],
  ['GET', /^\/sandbox\/events$/, () => json(200, { events: sendable() })],
  [
    'POST',
    /^\/sandbox\/events$/,
    (world, request) => withBody(request, Named, ({ event }) => sendPlainEvent(world, event)),
  ],
  ['POST', /^\/sandbox\/webhooks$/, (world, request) => withBody(request, Raw, ({ body }) => sendRawBody(world, body))],
  ['GET', /^\/sandbox\/history$/, showHistory],
  ['DELETE', /^\/sandbox\/history$/, clearHistory],
  ['POST', /^\/sandbox\/deliveries\/([^/]+)\/resend$/, resendDelivery],
  ['GET', /^\/sandbox\/destination$/, world => json(200, { url: world.deliveries.destination() ?? null })],
  [
    'PUT',
    /^\/sandbox\/destination$/,
    (world, request) => withBody(request, Destination, body => setDestination(world, body)),
  ],
  ['POST', /^\/sandbox\/settled$/, settled],
  ['POST', /^\/sandbox\/phone\/connect$/, redeemToken],
];

const corsHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '600',
};

/** Serves the control API, open to pages of any origin: it listens on loopback only and has no real data. */
export async function answerControl(world: World, request: HttpRequest): Promise<Reply | undefined> {
  if (!request.path.startsWith('/sandbox/')) return undefined;
  const reply = request.method === 'OPTIONS' ? json(204, undefined) : await route(world, request);
  return reply?.kind === 'answer' ? { ...reply, headers: { ...reply.headers, ...corsHeaders } } : reply;
}

async function route(world: World, request: HttpRequest): Promise<Reply | undefined> {
  for (const [method, path, handler] of routes) {
    const match = path.exec(request.path);
    if (match && method === request.method) return handler(world, request, match[1] ?? '');
  }
  return json(404, { error: 'Unknown path of the control API; docs/sandbox.md lists all paths' });
}

async function withBody<T>(
  request: HttpRequest,
  schema: z.ZodType<T>,
  then: (body: T) => Reply | Promise<Reply>,
): Promise<Reply> {
  const given = request.body.length === 0 ? { value: {} } : parseJson(request.body);
  const read = schema.safeParse(given?.value);
  return read.success ? then(read.data) : json(400, { error: z.prettifyError(read.error) });
}

function describeScenarios({ switches }: World): unknown[] {
  return Object.entries(scenarioGroups).flatMap(([group, scenarios]) =>
    scenarios.map(scenario => {
      const activation = switches.active().get(scenario.name);
      return { ...scenario, group, on: activation !== undefined, ...activation };
    }),
  );
}

function describeUsers(world: World): unknown[] {
  return world.users.all().map(user => describeUser(world, user));
}

function describeUser({ switches }: World, user: SandboxUser): unknown {
  return { ...terraUser(user, switches), account: user.account, device_id: user.deviceId };
}

async function addUser(world: World, body: z.infer<typeof Elsewhere>): Promise<Reply> {
  const provider = findProvider(body.provider);
  if (!provider) return json(400, { error: `There is no provider called ${body.provider}` });
  const { user, sent } = connectElsewhere(world, {
    provider,
    referenceId: body.reference_id || null,
    account: body.account,
    widgetSessionId: body.widget_session_id,
  });
  const deliveries = await sent;
  return json(200, { user: describeUser(world, user), deliveries });
}

function switchScenarioOn(world: World, request: HttpRequest, name: string): Promise<Reply> | Reply {
  if (!isScenarioName(name)) return json(404, { error: `There is no scenario called ${name}` });
  return withBody(request, Activation, ({ only, times }) => {
    const activation = { ...(only === undefined ? {} : { only }), ...(times === undefined ? {} : { times }) };
    world.switches.switchOn(name, activation);
    return json(200, { name, on: true, ...activation });
  });
}

function switchScenarioOff(world: World, _request: HttpRequest, name: string): Reply {
  if (!isScenarioName(name)) return json(404, { error: `There is no scenario called ${name}` });
  world.switches.switchOff(name);
  return json(200, { name, on: false });
}

/** Switches all scenarios off and deletes links, tokens, waiting retries, the history and, unless kept, the users. */
export function resetBy(world: World, { keepUsers = false }: { keepUsers?: boolean | undefined }): Reply {
  world.switches.clear();
  world.clock.clear();
  world.deliveries.forget();
  world.sessions.clear();
  world.flows.clear();
  world.tokens.clear();
  world.authentications.clear();
  world.payloads.clear();
  world.dataRequests.clear();
  if (!keepUsers) world.users.clear();
  world.history.clear();
  return json(200, { reset: true });
}

async function advanceBy({ clock }: World, { seconds }: { seconds: number }): Promise<Reply> {
  await clock.advance(seconds * 1000);
  return json(200, { now: new Date(clock.now()).toISOString() });
}

async function sendEventOf(world: World, request: HttpRequest, userId: string): Promise<Reply> {
  return withBody(request, Named, async ({ event }) => {
    const deliveries = await sendOf(world, userId, event);
    return deliveries ? json(200, { deliveries }) : json(404, { error: 'There is no such user or event' });
  });
}

async function sendPlainEvent(world: World, event: string): Promise<Reply> {
  const deliveries = await sendPlain(world, event);
  return deliveries ? json(200, { deliveries }) : json(404, { error: 'There is no such event' });
}

async function sendRawBody(world: World, body: unknown): Promise<Reply> {
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
  return json(200, { deliveries: await sendRaw(world, text) });
}

/** Query: `after` is a sequence number, `kind` filters by kind, and `last` limits the number of entries. */
function showHistory({ history }: World, { query }: HttpRequest): Reply {
  const kind = query.get('kind');
  const entries = history.since(Number(query.get('after')) || 0).filter(entry => kind === null || entry.kind === kind);
  return json(200, { history: entries.slice(-(Number(query.get('last')) || entries.length)) });
}

function clearHistory(world: World): Reply {
  world.history.clear();
  return json(200, { history: [] });
}

async function resendDelivery(world: World, _request: HttpRequest, id: string): Promise<Reply> {
  const delivery = world.history.delivered(id);
  if (!delivery) return json(404, { error: 'There is no such delivery' });
  await world.deliveries.resend(delivery);
  return json(200, { deliveries: [delivery] });
}

function setDestination(world: World, { url }: { url: string | null }): Reply {
  world.deliveries.setDestination(url ?? undefined);
  return json(200, { url });
}

async function settled(world: World): Promise<Reply> {
  await world.deliveries.settled();
  return json(200, { settled: true });
}
