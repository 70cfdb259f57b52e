import type { Answer } from '../support/person';
import type { Effect, Person, Play } from './play';
import { byLink, comeBack, decideAndLeave, deliveriesOf, resend, says, timesAsked } from './steps';

/** The answer to each call that depends on Terra, and how often Terra was asked. */
type Heard = {
  link: string;
  widget: string;
  token: string;
  providers: string;
  confirm: string;
  disconnect: string;
  asked: Record<string, number>;
};

const askedOnce = { authenticateUser: 1, session: 1, tokens: 1, detailed: 1, userInfo: 1, deauthenticateUser: 1 };
/** Requests that are repeated: those that create nothing at Terra. */
export const askedAgain = { detailed: 2, deauthenticateUser: 2 };

/**
 * Expects that under the scenario opening, token and list calls get `answer`, and that confirming and disconnecting stay
 * pending and complete once Terra answers again.
 */
export function hears(
  fact: string,
  answer: string,
  { asked, ...others }: Partial<Omit<Heard, 'asked'>> & { asked?: Record<string, number> } = {},
): Effect {
  const expected: Heard = {
    link: answer,
    widget: answer,
    token: answer,
    providers: answer,
    confirm: '202 returned',
    disconnect: '202 disconnecting',
    ...others,
    asked: { ...askedOnce, ...asked },
  };
  return [
    fact,
    async play => {
      const before = await prepare(play, play.ana);
      play.on();
      const { answers, asked: times } = await callEverything(play, play.ana, before);

      expect({ ...mapped(answers, says), asked: times }).toEqual(expected);
      for (const problem of [answers.link, answers.widget, answers.token, answers.providers]) isDiscreet(problem);
      expect(await play.ana.session(before.sessionId)).toMatchObject({ status: 'returned' });

      play.off();
      await recovers(play, play.ana, before);
    },
  ];
}

type Before = { connectionId: string; terraUserId: string; sessionId: string; code: string };

/** A connection to disconnect, and a session whose webhook was lost, so that its confirmation asks Terra. */
async function prepare({ sandbox }: Play, ana: Person): Promise<Before> {
  const { connections } = await byLink(ana, 'OURA');
  await sandbox.settled();
  sandbox.switchOn('lost-webhook');
  const session = await ana.open({ provider: 'GARMIN' });
  const callback = await decideAndLeave(session.url, 'approve');
  // Terra cannot be asked at the return either.
  sandbox.switchOn('503', { only: 'userInfo' });
  const { code = '' } = await comeBack(callback);
  sandbox.switchOff('503');
  await sandbox.settled();
  sandbox.switchOff('lost-webhook');
  const { id, terraUserId } = connections[0] ?? {};
  return { connectionId: String(id), terraUserId: String(terraUserId), sessionId: String(session.id), code };
}

async function callEverything({ sandbox }: Play, ana: Person, { connectionId, sessionId, code }: Before) {
  const after = sandbox.history().at(-1)?.seq;
  const [link, widget, token, providers, confirm, disconnect] = await Promise.all([
    ana.call('POST', '/v1/sessions', { returnTo: 'web', provider: 'GARMIN' }),
    ana.call('POST', '/v1/sessions', { returnTo: 'web' }),
    ana.call('POST', '/v1/tokens', { provider: 'APPLE' }),
    ana.call('GET', '/v1/providers'),
    ana.confirm(sessionId, code),
    ana.call('DELETE', `/v1/connections/${connectionId}`),
  ]);
  return { answers: { link, widget, token, providers, confirm, disconnect }, asked: timesAsked(sandbox, after) };
}

/** Checks that a problem has only documented fields, and Retry-After exactly for a 503. */
function isDiscreet({ status, headers, body }: Answer): void {
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(Object.keys(body).toSorted()).toEqual(['code', 'detail', 'requestId', 'status', 'title', 'type']);
  expect(headers.has('retry-after')).toBe(status === 503);
}

async function recovers({ sandbox }: Play, ana: Person, before: Before): Promise<void> {
  await resend(sandbox, 'auth');
  expect(deliveriesOf(sandbox, 'auth').at(-1)).toMatchObject({ state: 'delivered' });
  expect(await ana.session(before.sessionId)).toMatchObject({ status: 'completed' });

  const ended = await ana.call('DELETE', `/v1/connections/${before.connectionId}`);
  expect(ended).toMatchObject({ status: 202, body: { status: 'disconnected', reason: 'owner' } });
  await sandbox.settled();
  expect(await ana.connections()).toMatchObject([
    { provider: 'GARMIN', status: 'connected' },
    { provider: 'OURA', status: 'disconnected', reason: 'owner' },
  ]);
  expect(await ana.open({ provider: 'GARMIN' })).toMatchObject({ status: 'pending' });
}

function mapped<K extends string, V, W>(record: Record<K, V>, map: (value: V) => W): Record<K, W> {
  return Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, map(value)])) as Record<K, W>;
}
