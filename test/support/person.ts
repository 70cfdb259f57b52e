import type { LocalStack } from '../../local/stack';
import { ask } from '../contract/ask';

/** An answer of the API: status, headers and the parsed body. */
export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

const WAITING_TRIES = 6;
const WAITING_PAUSE_MS = 50;

/** A user who is signed in to the app, with a browser and a phone, at a running local stack. */
export async function person(stack: LocalStack, name: string) {
  const token = await stack.token(name);
  const sandboxUrl = stack.sandbox?.url ?? '';

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await ask(`${stack.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  /** Opens an address as a browser does. Reloads the waiting page, but sooner than it says. */
  async function visit(url: string): Promise<Response> {
    let at = url;
    for (let tries = 1; ; tries++) {
      const back = await ask(at);
      const page = back.status === 200 ? await back.clone().text() : '';
      const [, again] = /http-equiv="refresh" content="\d+;url=(success[^"]*)"/.exec(page) ?? [];
      if (again === undefined || tries === WAITING_TRIES) return back;
      // On a busy machine Terra's webhook can be under way for longer than any pause.
      await stack.sandbox?.settled();
      await new Promise(resolve => setTimeout(resolve, WAITING_PAUSE_MS));
      at = new URL(again.replaceAll('&amp;', '&'), at).href;
    }
  }

  /** Follows the browser from a form of the sandbox back to where the deployment sends it. */
  async function press(consentUrl: string, decision: 'approve' | 'deny', fields: Record<string, string>) {
    const body = new URLSearchParams({ decision, ...fields });
    const toCallback = await fetch(consentUrl, { method: 'POST', body, redirect: 'manual' });
    const callback = toCallback.headers.get('location') ?? '';
    const back = await visit(callback);
    const location = back.headers.get('location');
    return { callback, status: back.status, sent: Object.fromEntries(location ? new URL(location).searchParams : []) };
  }

  return {
    name,
    token,
    call,
    press,
    open: async (wish: object = {}) => (await call('POST', '/v1/sessions', { returnTo: 'web', ...wish })).body,
    /** Decides at the provider's page of a direct link. */
    decide: (url: string, decision: 'approve' | 'deny' = 'approve', fields: Record<string, string> = {}) =>
      press(url, decision, fields),
    /** Picks a provider on the widget's page, then decides at the provider's. */
    async pick(
      widgetUrl: string,
      provider: string,
      decision: 'approve' | 'deny' = 'approve',
      fields: Record<string, string> = {},
      thinkingMs = 0,
    ) {
      const chosen = await fetch(widgetUrl, {
        method: 'POST',
        body: new URLSearchParams({ provider }),
        redirect: 'manual',
      });
      await new Promise(resolve => setTimeout(resolve, thinkingMs));
      return press(new URL(chosen.headers.get('location') ?? '', widgetUrl).href, decision, fields);
    },
    confirm: (id: unknown, code: unknown) => call('POST', `/v1/sessions/${String(id)}/confirm`, { code }),
    session: async (id: unknown) => (await call('GET', `/v1/sessions/${String(id)}`)).body,
    connections: async () => (await call('GET', '/v1/connections')).body.connections as Record<string, unknown>[],
    /** Redeems a token as the mobile SDK would. */
    redeem: async (sdkToken: unknown, provider: string, referenceId?: string) => {
      const answer = await fetch(`${sandboxUrl}/sandbox/phone/connect`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: sdkToken, provider, reference_id: referenceId }),
      });
      return (await answer.json()) as Record<string, unknown>;
    },
  };
}

/** So long no busy machine takes. */
const PATIENCE_MS = 120_000;

/** Asks again until the answer satisfies, for what settles by itself a moment later; fails with the last answer. */
export async function eventually<T>(read: () => Promise<T>, satisfied: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await read();
    if (satisfied(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
