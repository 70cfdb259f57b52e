import { person } from '../support/person';
import type { CountedStack } from './counted-stack';
import type { Step } from './flow-counts';

export type Person = Awaited<ReturnType<typeof person>>;
type Browser = { callback: string };

export type Recorder = ReturnType<typeof recorder>;

/** The actions of users and Terra, each counted as one step of a flow if there are steps to add to. */
export function recorder(counted: CountedStack, steps: Step[] | undefined) {
  const { stack, deliver } = counted;
  const { sandbox } = stack;
  if (!sandbox) throw new Error('counting needs the sandbox');
  let flow = '';

  async function step<T>(name: string, asked: string, act: () => Promise<T>): Promise<T> {
    if (steps === undefined) return act();
    const { done, ...counts } = await counted.count(asked, act);
    steps.push({ flow, name, ...counts });
    return done;
  }

  const expectStatus = async (answer: Promise<{ status: number }>, ...wanted: number[]) => {
    const { status } = await answer;
    if (!wanted.includes(status)) throw new Error(`${flow}: ${status} in place of ${wanted.join(' or ')}`);
  };

  return {
    stack,
    sandbox,
    begin: (name: string) => {
      flow = name;
    },
    step,
    expectStatus,
    open: (who: Person, wish: object = {}, name = 'create', headers: Record<string, string> = {}) =>
      step(name, 'create-session', async () => {
        const { status, body } = await who.call('POST', '/v1/sessions', { returnTo: 'web', ...wish }, headers);
        if (status !== 201) throw new Error(`${flow}: no session (${status})`);
        return { id: String(body.id), url: String(body.url) };
      }),
    /** Decides at the provider's page and stops before the callback. Not counted, because only the sandbox is called. */
    decide: async (url: string, decision: 'approve' | 'deny' = 'approve', provider?: string): Promise<Browser> => {
      const consent = provider === undefined ? url : await pick(url, provider);
      const body = new URLSearchParams({ decision });
      const answer = await fetch(consent, { method: 'POST', body, redirect: 'manual' });
      return { callback: answer.headers.get('location') ?? '' };
    },
    comeBack: ({ callback }: Browser, name = 'callback') =>
      step(name, 'complete-callback', async () => {
        const back = await fetch(callback, { redirect: 'manual' });
        return new URL(back.headers.get('location') ?? 'none:').searchParams.get('code') ?? undefined;
      }),
    confirm: (who: Person, id: string, code: string | undefined, name = 'confirm', ...wanted: number[]) =>
      step(name, 'confirm-session', () => expectStatus(who.confirm(id, code), ...(wanted.length > 0 ? wanted : [200]))),
    hear: (type: string, name = `webhook ${type}`) =>
      step(name, 'receive-webhook', () => expectStatus(deliver(type), 200)),
    runs: (schedule: string, name: string) =>
      step(name, schedule, async () => {
        const { outcome } = await stack.invokeSchedule(schedule);
        if (!outcome.ok) throw new Error(`${schedule}: ${outcome.errorMessage}`);
      }),
    read: (who: Person, path: string, name: string) =>
      step(name, 'read-state', () => expectStatus(who.call('GET', path), 200)),
    /** Lets Terra make an event and keeps it for `hear`. */
    happens: (userId: unknown, event: string) => sandbox.send(String(userId), event),
  };
}

async function pick(widgetUrl: string, provider: string): Promise<string> {
  const body = new URLSearchParams({ provider });
  const chosen = await fetch(widgetUrl, { method: 'POST', body, redirect: 'manual' });
  return new URL(chosen.headers.get('location') ?? '', widgetUrl).href;
}
