import { createClient, type Open, type Returned } from '../../client';
import { load } from './modules';

type Shown = {
  progress: string;
  busy?: boolean;
  words?: { title: string };
  next?: string;
  provider?: string;
  url?: string;
};
type Attempts = {
  begin(provider?: string): Promise<void>;
  handOver(provider: string, other: string): Promise<void>;
  passOn(provider: string, take: (url: string) => Promise<void>): Promise<void>;
  land(returned: Returned): Promise<void>;
  resume(): Promise<void>;
  retry(): Promise<void>;
  stop(): void;
  forget(): void;
};

const { attempts } = load<{ attempts(deps: object): Attempts }>('attempt.js');
const { emptyState } = load<{ emptyState(): object }>('state.js');

const url = 'https://terra.example/w';
const connection = { id: 'c1', provider: 'GARMIN', status: 'connected', scopes: [], updatedAt: '', version: 1 };
const session = (status: string, more: object = {}) => ({ id: 's1', flow: 'direct', status, expiresAt: '', ...more });
const openedAnswer: Answer = ['POST /v1/sessions', 201, session('pending', { url })];
const returned: Returned = { status: 'returned', sessionId: 's1', code: 'secret-code' };

type Answer = [request: string, status: number, body: object];

/** The page's attempts on the real client, with an API that gives these answers in turn. */
function world({
  user = 'alice',
  answers,
  popup,
  onWindow,
}: {
  user?: string;
  answers: Answer[];
  popup?: Open;
  onWindow?: () => void;
}) {
  const kept = new Map<string, string>();
  Object.assign(globalThis, {
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
  });
  const asked: string[] = [];
  const client = createClient({
    apiUrl: 'http://api',
    token: () => 'token',
    sleep: async () => {},
    fetch: async (at, { method }) => {
      asked.push(`${method} ${new URL(at).pathname}`);
      const [, status, body] = answers.shift() ?? ['', 500, { message: 'asked once too often' }];
      return { status, headers: { get: () => null }, text: async () => JSON.stringify(body) };
    },
  });
  let state = { ...emptyState(), user, popup: popup !== undefined, attempt: { progress: 'idle' } as Shown };
  const shown: string[] = [];
  const said: string[] = [];
  const went: string[] = [];
  const phones: string[] = [];
  const attempt = attempts({
    client,
    state: () => state,
    change: (patch: { attempt: Shown }) => {
      state = { ...state, ...patch };
      shown.push(`${state.attempt.progress}${state.attempt.busy ? ' busy' : ''}`);
    },
    say: (text: string) => void said.push(text),
    refresh: () => {},
    // A redirect never comes back to the page it left.
    redirect: (to: string) => {
      went.push(to);
      return new Promise(() => {});
    },
    popup: () => {
      onWindow?.();
      return popup;
    },
    preparePhone: (provider: string) => void phones.push(provider),
  });
  return { attempt, asked, shown, said, went, phones, kept, now: () => state.attempt };
}

/** What is under way, for a redirect never ends. */
const underWay = () => new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)));

test('the page opens the link, and stores the session for the return but no code', async () => {
  const { attempt, went, kept, now } = world({ answers: [openedAnswer] });

  void attempt.begin('GARMIN');
  await underWay();

  expect(went).toEqual([url]);
  expect(JSON.parse(kept.get('terra-connect.attempt') ?? '')).toEqual({ id: 's1', startedBy: 'alice' });
  expect(now()).toMatchObject({ progress: 'pending', url, provider: 'GARMIN' });
});

test('a second click while a session is being opened opens no second one', async () => {
  const { attempt, asked } = world({ answers: [openedAnswer, openedAnswer] });

  void attempt.begin();
  void attempt.begin();
  await underWay();

  expect(asked).toEqual(['POST /v1/sessions']);
});

test('a return with the code connects, and the code is not stored', async () => {
  const confirmed: Answer = ['POST /v1/sessions/s1/confirm', 200, { id: 's1', status: 'completed', connection }];
  const { attempt, shown, said, kept, now } = world({ answers: [confirmed] });

  await attempt.land(returned);

  expect(shown).toEqual(['returned busy', 'completed']);
  expect(now()).toMatchObject({ provider: 'GARMIN', words: { title: 'Connected' } });
  expect(said).toHaveLength(1);
  expect(JSON.stringify([...kept, now(), said])).not.toContain('secret-code');
});

test('if Terra’s event is late, the page shows that it waits, and then that the event arrived', async () => {
  const { attempt, shown, kept } = world({
    answers: [
      ['confirm', 202, { id: 's1', status: 'returned' }],
      ['settle in finish', 200, session('completed')],
      ['check', 200, session('returned')],
      ['settle', 200, session('completed', { provider: 'GARMIN', connectionId: 'c1' })],
    ],
  });

  await attempt.land(returned);

  expect(shown).toEqual(['returned busy', 'redeemed busy', 'completed']);
  expect(kept.get('terra-connect.attempt')).toContain('"redeemed":true');
});

test('a user who finishes a different user’s link gets a message, and the starting user stays stored', async () => {
  const notFound: Answer = ['', 404, { code: 'not_found', requestId: 'r1' }];
  const { attempt, kept, now } = world({ user: 'bob', answers: [openedAnswer, notFound, notFound] });
  void attempt.handOver('GARMIN', 'bob');
  await underWay();
  kept.set('terra-connect.attempt', '{"id":"s1","startedBy":"alice"}');

  await attempt.land(returned);

  expect(now()).toMatchObject({
    progress: 'refused',
    next: 'starter',
    words: { title: 'alice did not get the connection' },
  });
  expect(JSON.parse(kept.get('terra-connect.attempt') ?? '')).toEqual({ id: 's1', startedBy: 'alice' });
});

test('the user who started a link that a different user finished sees that it was rejected', async () => {
  const { attempt, now } = world({
    answers: [
      ['confirm', 409, { code: 'session_closed' }],
      ['session', 200, session('rejected', { failure: 'wrong_owner' })],
      ['check', 200, session('rejected', { failure: 'wrong_owner' })],
    ],
  });

  await attempt.land(returned);

  expect(now()).toMatchObject({ progress: 'rejected', words: { title: 'Another user finished this link' } });
});

test.each([
  ['denied', 'failed', 'You denied access at the provider'],
  ['expired', 'expired', 'The link has expired'],
])('a return that %s shows the reason, and a new session can start', async (failure, status, title) => {
  const answer: Answer = ['', 200, session(status, { failure, provider: 'GARMIN' })];
  const { attempt, now } = world({ answers: [answer, answer] });

  await attempt.land({ status: 'failed', sessionId: 's1', error: 'unknown' });

  expect(now()).toMatchObject({ progress: status, next: 'again', provider: 'GARMIN', words: { title } });
});

test('an SDK provider leads to the phone, without a request', async () => {
  const { attempt, asked, phones, now } = world({ answers: [] });

  await attempt.land({ status: 'sdk_required', sessionId: 's1', provider: 'APPLE' });

  expect(phones).toEqual(['APPLE']);
  expect(now()).toMatchObject({ progress: 'pending', next: 'phone' });
  expect(asked).toEqual([]);
});

test('a temporary failure can be retried with the same code', async () => {
  const away: Answer = ['', 500, { code: 'internal' }];
  const confirmed: Answer = ['', 200, { id: 's1', status: 'completed', connection }];
  const { attempt, asked, now } = world({ answers: [away, confirmed] });

  await attempt.land(returned);
  expect(now()).toMatchObject({ progress: 'returned', next: 'retry' });
  await attempt.retry();

  expect(now().progress).toBe('completed');
  expect(asked).toEqual(['POST /v1/sessions/s1/confirm', 'POST /v1/sessions/s1/confirm']);
});

test('an invalid code is refused, and not retried', async () => {
  const { attempt, asked, now } = world({
    answers: [
      ['confirm', 400, { code: 'code_invalid' }],
      ['session', 200, session('returned')],
      ['check', 200, session('returned')],
      ['retry', 200, session('expired')],
    ],
  });

  await attempt.land(returned);
  expect(now()).toMatchObject({ progress: 'refused', next: 'again', words: { title: 'The code is not valid' } });
  await attempt.retry();

  expect(asked.filter(request => request.endsWith('/confirm'))).toHaveLength(1);
});

test('a popup sends the return to this page', async () => {
  const popup: Open = async () => `http://localhost/?session_id=s1&status=returned&code=secret-code`;
  const confirmed: Answer = ['', 200, { id: 's1', status: 'completed', connection }];
  const { attempt, shown, went } = world({ answers: [openedAnswer, confirmed], popup });

  await attempt.begin('GARMIN');

  expect(shown).toEqual(['idle busy', 'pending', 'completed']);
  expect(went).toEqual([]);
});

test('a blocked popup is reported, and no session is opened', async () => {
  const popup: Open = Object.assign(async () => undefined, { blocked: true });
  const { attempt, asked, now } = world({ answers: [openedAnswer], popup });

  await attempt.begin();

  expect(now().words?.title).toBe('The browser blocked the window');
  expect(asked).toEqual([]);
});

test('a second click opens no second popup', async () => {
  let opened = 0;
  const popup: Open = () => new Promise(() => {});
  const { attempt } = world({ answers: [], popup, onWindow: () => (opened += 1) });

  void attempt.begin();
  void attempt.begin();
  await underWay();

  expect(opened).toBe(1);
});

test('the popup is closed if no session could be opened', async () => {
  let isClosed = false;
  const popup: Open = Object.assign(async () => undefined, { cancel: () => (isClosed = true) });
  const { attempt } = world({ answers: [['', 400, { code: 'invalid_request' }]], popup });

  await attempt.begin();

  expect(isClosed).toBe(true);
});

test('a shared link is shown but not opened, and the page follows its session', async () => {
  const taken: string[] = [];
  const { attempt, went, now } = world({
    answers: [
      openedAnswer,
      ['left?', 200, session('pending')],
      ['check', 200, session('pending')],
      ['settle', 200, session('completed', { provider: 'GARMIN' })],
    ],
  });

  await attempt.passOn('GARMIN', async link => void taken.push(link));

  expect([taken, went]).toEqual([[url], []]);
  expect(now()).toMatchObject({ progress: 'completed', provider: 'GARMIN' });
});

test('a stopped session shows nothing', async () => {
  const { attempt, shown } = world({ answers: [['', 200, { id: 's1', status: 'completed', connection }]] });

  const landing = attempt.land(returned);
  attempt.stop();
  await landing;

  expect(shown).toEqual(['returned busy']);
});

test('a different user’s session is not resumed', async () => {
  const { attempt, asked, kept } = world({ user: 'bob', answers: [] });
  kept.set('terra-connect.attempt', '{"id":"s1","startedBy":"alice"}');

  await attempt.resume();

  expect(asked).toEqual([]);
});

test('a stored session that no longer exists is forgotten', async () => {
  const { attempt, kept, now } = world({ answers: [['', 404, { code: 'not_found' }]] });
  kept.set('terra-connect.attempt', '{"id":"s1","startedBy":"alice"}');

  await attempt.resume();

  expect(now().progress).toBe('idle');
  expect(kept.has('terra-connect.attempt')).toBe(false);
});
