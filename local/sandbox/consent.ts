import { randomUUID } from 'node:crypto';
import { canDecide, openFlow } from './api-auth';
import { connect, failToConnect, isFull, usualAccount } from './connecting';
import type { Delivery } from './delivery';
import { type HttpRequest, page, type Reply, seeOther } from './http';
import type { Flow, WidgetSession } from './links';
import { deauthenticate } from './occurrences';
import { consentPage } from './pages/consent-page';
import { messagePage } from './pages/message-page';
import { widgetPage } from './pages/widget-page';
import { findProvider, type Provider, providers } from './providers';
import type { World } from './world';

/** GET /session/<id>: the hosted widget. */
export function showWidget(world: World, sessionId: string): Reply {
  const session = world.sessions.find(sessionId);
  if (!session) return page(404, messagePage('unknown_link'));
  if (session.expiresAtMs <= world.clock.now()) return page(410, messagePage('expired_link'));
  return page(200, widgetPage(session, offeredIn(session), linkedTo(world, session)));
}

/** POST /session/<id> with `provider`, or with `disconnect` and a Terra user id if the session offers that. */
export function pickInWidget(world: World, request: HttpRequest, sessionId: string): Reply {
  const session = world.sessions.find(sessionId);
  if (!session || session.expiresAtMs <= world.clock.now()) return showWidget(world, sessionId);
  const form = new URLSearchParams(request.body.toString('utf8'));

  const leaving = linkedTo(world, session).find(user => user.userId === form.get('disconnect'));
  if (leaving) {
    void world.deliveries.send(deauthenticate(world, leaving));
    return seeOther(`${world.url}/session/${session.id}`);
  }
  const picked = offeredIn(session).find(provider => provider.id === form.get('provider'));
  if (!picked) return page(400, messagePage('not_offered'));
  if (picked.kind === 'sdk') {
    // Docs customising-authentication-redirects: SDK sources redirect to success with a null user; the app must then
    // run the SDK.
    const ending = { outcome: 'success', userId: null, referenceId: session.referenceId, provider: picked.id } as const;
    return seeOther(redirectFor(world, session.successUrl, ending));
  }
  const flow = openFlow(world, { ...session, provider: picked.id, widgetSessionId: session.id });
  return seeOther(`${world.url}/sandbox/consent/${flow.id}`);
}

/** GET /sandbox/consent/<id>: the provider's sign-in and consent page. */
export function showConsent(world: World, flowId: string): Reply {
  const flow = world.flows.find(flowId);
  const provider = flow && findProvider(flow.provider);
  if (!flow || !provider) return page(404, messagePage('unknown_link'));
  if (!canDecide(world, flow)) return page(410, messagePage(flow.state === 'open' ? 'expired_link' : 'used_link'));
  return page(200, consentPage(flow, provider, usualAccount(provider.id, flow.referenceId)));
}

/**
 * POST /sandbox/consent/<id> with `decision=approve|deny`. Optional: `account`, the provider account, and with
 * `choosing=1` the granted `scope`s.
 */
export async function decide(world: World, request: HttpRequest, flowId: string): Promise<Reply> {
  const form = new URLSearchParams(request.body.toString('utf8'));
  const decision = form.get('decision');
  const flow = world.flows.find(flowId);
  const provider = flow && findProvider(flow.provider);
  if (!flow || !provider || !canDecide(world, flow)) return showConsent(world, flowId);
  if (decision !== 'approve' && decision !== 'deny') return page(400, messagePage('no_decision'));

  const givesUp = world.switches.take('decision', flow.provider) === 'cancelled';
  if (decision === 'deny' || givesUp)
    return finishFailed(world, flow, world.switches.knob('failureReason', flow.provider));
  // Docs authenticate-users: new connections beyond the limit fail; how is not documented.
  const isNew = world.users.find(flow.userId) === undefined;
  if (isNew && isFull(world)) return finishFailed(world, flow, 'user_limit_reached');

  // Each approval has its own flow id, also when a link is used again.
  const attemptId = flow.state === 'approved' ? randomUUID() : flow.id;
  flow.state = 'approved';
  const { sent } = connect(world, {
    userId: flow.userId,
    provider: provider.id,
    referenceId: flow.referenceId,
    account: form.get('account')?.trim() || usualAccount(provider.id, flow.referenceId),
    deviceId: null,
    scopes: form.has('choosing')
      ? provider.scopes.filter(scope => form.getAll('scope').includes(scope))
      : provider.scopes,
    origin: { widgetSessionId: flow.widgetSessionId, flowId: attemptId },
    ...(world.switches.knob('userCreated') === 'with_link' ? { createdAtMs: flow.createdAtMs } : {}),
  });
  return finish(world, flow, sent, { outcome: 'success', reason: null });
}

function finishFailed(world: World, flow: Flow, reason: string | null): Promise<Reply> {
  // A link that was approved stays approved, because its Terra user is connected.
  if (flow.state !== 'approved') flow.state = 'denied';
  return finish(world, flow, failToConnect(world, flow, reason), { outcome: 'failure', reason });
}

async function finish(
  world: World,
  flow: Flow,
  sent: Promise<readonly Delivery[]>,
  { outcome, reason }: { outcome: 'success' | 'failure'; reason: string | null },
): Promise<Reply> {
  if (world.switches.knob('redirectTiming') === 'after_webhook') await sent;
  const appUrl = outcome === 'success' ? flow.successUrl : flow.failureUrl;
  return seeOther(redirectFor(world, appUrl, { ...flow, outcome, reason }));
}

function offeredIn(session: WidgetSession): Provider[] {
  return providers.filter(({ enabled, id }) => enabled && (session.offered === null || session.offered.includes(id)));
}

// FAQ show-disconnect-existing-connections: requires a reference id.
function linkedTo(world: World, session: WidgetSession) {
  if (!session.showDisconnect || session.referenceId === null) return [];
  return world.users.all().filter(user => user.referenceId === session.referenceId && user.active);
}

/** The result of an attempt, for the redirect. The user is null for a provider that only the SDK can connect. */
export type Ending = {
  outcome: 'success' | 'failure';
  userId: string | null;
  referenceId: string | null;
  provider: string;
  reason?: string | null;
};

/**
 * Returns the URL to redirect to: the app's URL, or Terra's own page if the app gave none. Parameters: docs
 * handling-authentication-events and customising-authentication-redirects; a missing value is the word null. The
 * parameters of a failure are not documented; the newest flow page names user_id and reference_id for both, so that is
 * the default.
 */
export function redirectFor(world: World, appUrl: string | null, ending: Ending): string {
  const { switches } = world;
  const isTerraPage = appUrl === null || switches.knob('redirectTiming') === 'never';
  // Terra documents its success page; the address of the failure page is unknown.
  const target = isTerraPage ? `${world.url}/session/demo/${ending.outcome}` : appUrl;
  const [beforeFragment = '', ...fragment] = target.split('#');
  const joiner = beforeFragment.includes('?') && switches.knob('redirectJoin') === 'ampersand' ? '&' : '?';
  const hash = fragment.length > 0 ? `#${fragment.join('#')}` : '';
  return `${beforeFragment}${joiner}${parameters(world, ending)}${hash}`;
}

function parameters(world: World, { outcome, userId, referenceId, provider, reason }: Ending): string {
  const { switches } = world;
  const reference = switches.knob('redirectReference');
  const withReason = outcome === 'failure' && switches.knob('redirectReason') === 'present';
  const user = outcome === 'failure' ? switches.knob('failureRedirectUser') : 'present';
  return [
    ...(user === 'absent' ? [] : [`user_id=${encodeURIComponent((user === 'present' && userId) || 'null')}`]),
    ...(reference === 'absent'
      ? []
      : [`reference_id=${encodeURIComponent((reference === 'present' && referenceId) || 'null')}`]),
    `resource=${encodeURIComponent(provider)}`,
    ...(withReason ? [`reason=${encodeURIComponent(reason ?? 'null')}`] : []),
  ].join('&');
}
