import { randomBytes, randomUUID } from 'node:crypto';
import { type Endpoint, type HttpRequest, json, refuse, refuseOldStyle, type Reply } from './http';
import { isFull } from './connecting';
import { type LinkFields, readLinkRequest } from './link-request';
import type { Flow, WidgetSession } from './links';
import { deauthenticate } from './occurrences';
import { findProvider } from './providers';
import type { World } from './world';

/** POST /api/widget/session, also /widget/api/session. Docs: implementation-terra-widget-legacy; OpenAPI widget. */
export const newWidgetSession: Endpoint = (world, request, note) =>
  openWidget(world, request, note, message => refuseOldStyle(400, message));

/**
 * POST /v2/auth/generateWidgetSession, which accounts created after 3 Sep 2026 do not have. The body of the 410 is not
 * documented.
 */
export const generateWidgetSession: Endpoint = (world, request, note) => {
  if (world.switches.knob('legacyWidget') === 'gone') {
    return refuse(world, request, 410, 'gone: use POST https://access.tryterra.co/api/widget/session');
  }
  return openWidget(world, request, note, detail => refuse(world, request, 400, detail));
};

/** POST /v2/auth/authenticateUser?resource=. Terra creates the user before the end user consents. */
export const authenticateUser: Endpoint = (world, request, note) => {
  const resource = request.query.get('resource');
  if (!resource) return refuse(world, request, 400, 'resource is required');
  const provider = findProvider(resource);
  if (!provider?.enabled) return refuse(world, request, 404, 'resource not found');
  if (provider.kind === 'sdk') return refuse(world, request, 400, 'resource is only available through the mobile SDKs');
  const read = readLinkRequest(request, note, 'optional');
  if ('wrong' in read) return refuse(world, request, 400, read.wrong);
  if (isFull(world)) return refuse(world, request, 400, 'user limit reached for this environment');

  const flow = openFlow(world, { ...read.fields, provider: provider.id, widgetSessionId: null });
  const url = `${world.url}/sandbox/consent/${flow.id}`;
  return json(200, { status: 'success', user_id: flow.userId, ...linkField(world, 'auth_url', url) });
};

/** Creates a link to the hosted widget. */
export function openSession({ switches, clock, sessions }: World, fields: LinkFields): WidgetSession {
  const expiresAtMs = clock.now() + switches.knob('sessionSeconds') * 1000;
  const session: WidgetSession = { id: randomUUID(), ...fields, expiresAtMs };
  sessions.put(session.id, session);
  return session;
}

/** Creates the flow of a provider's consent page. */
export function openFlow(
  world: World,
  about: Pick<Flow, 'provider' | 'referenceId' | 'successUrl' | 'failureUrl' | 'widgetSessionId'>,
): Flow {
  const { clock, switches, flows } = world;
  const flow: Flow = {
    provider: about.provider,
    referenceId: about.referenceId,
    successUrl: about.successUrl,
    failureUrl: about.failureUrl,
    widgetSessionId: about.widgetSessionId,
    id: randomUUID(),
    userId: randomUUID(),
    createdAtMs: clock.stamp(),
    expiresAtMs: clock.now() + switches.knob('sessionSeconds') * 1000,
    state: 'open',
  };
  flows.put(flow.id, flow);
  return flow;
}

/**
 * POST /v2/auth/tokens?reference_id= and its older name generateAuthToken. Only the query binds a token; a reference_id
 * in the body is silently ignored (agent skills, terra-mobile-sdk).
 */
export const mintToken: Endpoint = (world, request, note) => {
  const { switches, clock, tokens } = world;
  if (request.path.endsWith('/auth/tokens') && switches.knob('tokensPath') === 'absent') {
    return refuse(world, request, 404, 'not found');
  }
  const boundTo = switches.knob('tokenBinding') === 'bound' ? request.query.get('reference_id') || null : null;
  if (boundTo === null && request.body.length > 0) note('a reference_id in the body is ignored');
  const seconds = switches.knob('tokenSeconds');
  const token = randomBytes(32).toString('hex');
  tokens.put(token, { token, boundTo, expiresAtMs: clock.now() + seconds * 1000, used: false });
  const expiry = switches.knob('tokenExpiresIn') === 'present' ? { expires_in: seconds } : {};
  return json(200, { status: 'success', token, ...expiry });
};

/** DELETE /v2/auth/deauthenticateUser?user_id=. Sends the deauth webhook. Also ends a flow that was not decided yet. */
export const deauthenticateUser: Endpoint = (world, request) => {
  const userId = request.query.get('user_id');
  if (!userId) return refuse(world, request, 400, 'user_id is required');
  const user = world.users.find(userId);
  if (user) {
    void world.deliveries.send(deauthenticate(world, user));
    return json(200, { status: 'success' });
  }
  const flow = world.flows.all().find(open => open.userId === userId && hasUnconnectedUser(world, open));
  if (!flow) return refuse(world, request, 404, 'user not found');
  flow.state = 'void';
  return json(200, { status: 'success' });
};

/** Returns whether the consent page accepts a decision: the first one, or a later one if a knob allows it. */
export function canDecide({ switches, clock }: World, { state, expiresAtMs }: Flow): boolean {
  if (expiresAtMs <= clock.now()) return false;
  switch (state) {
    case 'open':
      return true;
    case 'denied':
      return switches.knob('afterDenial') === 'link_usable';
    case 'approved':
      return switches.knob('afterApproval') === 'link_usable';
    case 'void':
      return false;
    default:
      return state satisfies never;
  }
}

/** Returns whether Terra has a user for the flow that was never connected. */
export function hasUnconnectedUser(world: World, flow: Flow): boolean {
  return flow.state !== 'approved' && canDecide(world, flow);
}

function openWidget(
  world: World,
  request: HttpRequest,
  note: (remark: string) => void,
  refused: (message: string) => Reply,
): Reply {
  const { switches } = world;
  const read = readLinkRequest(request, note, 'required');
  if ('wrong' in read) return refused(read.wrong);
  const session = openSession(world, read.fields);
  const linkId = switches.knob('link') === 'other_id' ? randomUUID() : session.id;
  world.sessions.put(linkId, session);
  return json(switches.knob('sessionStatus'), {
    session_id: session.id,
    ...linkField(world, 'url', `${world.url}/session/${linkId}`),
    status: 'success',
    ...(switches.knob('sessionExpiresIn') === 'present' ? { expires_in: switches.knob('sessionSeconds') } : {}),
  });
}

function linkField(world: World, name: 'url' | 'auth_url', url: string): Record<string, string> {
  const link = world.switches.knob('link');
  switch (link) {
    case 'normal':
    case 'other_id':
      return { [name]: url };
    case 'missing':
      return {};
    case 'javascript':
      return { [name]: 'javascript:alert(document.domain)' };
    case 'insecure':
      return { [name]: 'http://widget.tryterra.example/session/1' };
    default:
      return link satisfies never;
  }
}
