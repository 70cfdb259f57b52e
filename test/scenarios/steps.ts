import type { Delivery } from '../../local/sandbox/delivery';
import type { RequestEntry } from '../../local/sandbox/history';
import type { Sandbox } from '../../local/sandbox/sandbox';
import type { LocalStack } from '../../local/stack';
import { ask } from '../contract/ask';
import type { Answer } from '../support/person';
import type { Person, Play } from './play';

/** The end of a flow: the answers to opening, confirming and reading. */
export type End = { confirmed: number; session: Record<string, unknown>; connections: Record<string, unknown>[] };

/** Connects by a direct link, all the way to the confirmation. */
export async function byLink(who: Person, provider = 'GARMIN', fields: Record<string, string> = {}): Promise<End> {
  const session = await who.open({ provider });
  const { sent } = await who.decide(String(session.url), 'approve', fields);
  return ended(who, session.id, sent.code);
}

/** Connects by the widget, all the way to the confirmation. */
export async function byWidget(who: Person, provider = 'FITBIT', beforeConfirm = async () => {}): Promise<End> {
  const session = await who.open();
  const { sent } = await who.pick(String(session.url), provider);
  await beforeConfirm();
  return ended(who, session.id, sent.code);
}

async function ended(who: Person, sessionId: unknown, code: unknown): Promise<End> {
  const { status } = await who.confirm(sessionId, code);
  return { confirmed: status, session: await who.session(sessionId), connections: await who.connections() };
}

/** Gets a token and redeems it as the phone does; returns the phone's answer. */
export async function byPhone({ sandbox }: Play, who: Person, provider = 'APPLE'): Promise<Record<string, unknown>> {
  const { body } = await who.call('POST', '/v1/tokens', { provider });
  const heard = await who.redeem(body.token, provider);
  await sandbox.settled();
  return heard;
}

/** Connects by widget, link and phone, one after the other: where each ends, and all connections by provider. */
export async function byEveryWay(play: Play, who: Person) {
  // Of a widget's user without a creation time only the event tells that it authenticated.
  const { connections: _one, ...widget } = await byWidget(who, 'FITBIT', () => play.sandbox.settled());
  const { connections: _two, ...link } = await byLink(who, 'OURA');
  const phone = await byPhone(play, who);
  await play.sandbox.settled();
  const connections = await who.connections();
  const byProvider = connections.toSorted((a, b) => String(a.provider).localeCompare(String(b.provider)));
  return masked({ widget, link, phone, connections: byProvider });
}

const connected = (provider: string) => ({ provider, status: 'connected', id: 'ID', terraUserId: 'ID' });

/** The result of `byEveryWay` if nothing is wrong. */
export const connectedByEveryWay = {
  widget: { confirmed: 200, session: { status: 'completed' } },
  link: { confirmed: 200, session: { status: 'completed' } },
  phone: { success: true },
  connections: [connected('APPLE'), connected('FITBIT'), connected('OURA')],
};

const usualEnds = new WeakMap<LocalStack, ReturnType<typeof byEveryWay>>();

/** Checks that the scenario changes nothing: a user who connects under it ends exactly as one who connects without it. */
export async function endsAsUsual(play: Play): Promise<void> {
  const usual = usualEnds.get(play.stack) ?? byEveryWay(play, play.ben);
  usualEnds.set(play.stack, usual);
  expect(await usual).toMatchObject(connectedByEveryWay);
  play.on();

  expect(await byEveryWay(play, play.ana)).toEqual(await usual);
}

/** Returns the value with ids, times and versions replaced by constants. */
export function masked(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each: unknown) => {
    if (['id', 'connectionId', 'terraUserId', 'user_id'].includes(key)) return 'ID';
    if (key.endsWith('At')) return 'TIME';
    return key === 'version' ? 'VERSION' : each;
  });
  return JSON.parse(text) as unknown;
}

/** Opens a session and returns it with the address of GARMIN's consent page: that of a direct link, or one from the widget. */
export async function openConsentPage(who: Person, flow: 'direct' | 'widget') {
  const session = await who.open(flow === 'direct' ? { provider: 'GARMIN' } : {});
  if (flow === 'direct') return { session, consentUrl: String(session.url) };
  const body = new URLSearchParams({ provider: 'GARMIN' });
  const picked = await fetch(String(session.url), { method: 'POST', body, redirect: 'manual' });
  return { session, consentUrl: picked.headers.get('location') ?? '' };
}

/** Decides at the provider's page and closes the browser: where it would have gone. */
export async function decideAndLeave(
  url: unknown,
  decision: 'approve' | 'deny',
  fields: Record<string, string> = {},
): Promise<string> {
  const body = new URLSearchParams({ decision, ...fields });
  const answer = await fetch(String(url), { method: 'POST', body, redirect: 'manual' });
  return answer.headers.get('location') ?? '';
}

/** Returns to the callback after `decideAndLeave`; returns the query that the app receives. */
export async function comeBack(callback: string): Promise<Record<string, string>> {
  const answer = await ask(callback);
  const location = answer.headers.get('location');
  return Object.fromEntries(location ? new URL(location).searchParams : []);
}

/** Status and code of an answer, on one line. */
export function says({ status, body }: Answer): string {
  const word = body.code ?? body.status;
  return typeof word === 'string' ? `${status} ${word}` : `${status}`;
}

/** What Terra was asked since `after`, newest last. */
export function asked(sandbox: Sandbox, after = 0): RequestEntry[] {
  return sandbox.history(after).filter(entry => entry.kind === 'request');
}

/** How often each endpoint of Terra was asked, by its last path part. */
export function timesAsked(sandbox: Sandbox, after = 0): Record<string, number> {
  const names = asked(sandbox, after).map(({ path }) => /([\w-]+)(?:\?|$)/.exec(path)?.[1] ?? path);
  return Object.fromEntries(names.map(name => [name, names.filter(other => other === name).length]));
}

/** Terra's deliveries of this type, oldest first. */
export function deliveriesOf(sandbox: Sandbox, type: string): Delivery[] {
  return sandbox.history().filter(entry => entry.kind === 'delivery' && entry.type === type) as Delivery[];
}

/** What the product answered to the attempts of the last delivery of this type: status, and the outcome where there is one. */
export function answersTo(sandbox: Sandbox, type: string): string[] {
  const attempts = deliveriesOf(sandbox, type).at(-1)?.attempts ?? [];
  return attempts.map(({ status, answer = '' }) => {
    const [, outcome] = /"outcome":"(\w+)"/.exec(answer) ?? [];
    return `${status} ${outcome ?? ''}`.trimEnd();
  });
}

/** Has the newest delivery of this type sent once more, as Terra's dashboard can. */
export async function resend(sandbox: Sandbox, type: string): Promise<void> {
  const id = deliveriesOf(sandbox, type).at(-1)?.id ?? '';
  await fetch(`${sandbox.url}/sandbox/deliveries/${id}/resend`, { method: 'POST' });
}
