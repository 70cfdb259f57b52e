import { receiveWebhook } from '../../functions/routes';
import { factsOf } from '../../local/demo/record-facts';
import { fullRows } from '../local/full-rows';
import { load } from './modules';

type Fact = { record: string; id: string; fact: string; at: string; storedAt?: string; says: Record<string, unknown> };
type Entry = { lane: string; at: number; title: string; note: string; tone: string; json: unknown };
type Chapter = {
  title: string;
  entries: Entry[];
  requirements?: { list: { name: string; at?: number }[]; end: string };
};
type Sources = {
  records: { referenceIds: string[]; facts: Fact[] };
  deliveries: object[] | undefined;
  published: { events: object[]; receivedAt: string[] };
};

const { chaptersOf } = load<{ chaptersOf(sources: Sources, providers: object[] | undefined): Chapter[] }>(
  'chapters.js',
);
const { factWords, outcomeWords, wordsForEvent } = load<{
  factWords: Record<string, unknown>;
  outcomeWords: Record<string, string>;
  wordsForEvent(event: object): { tone: string; note: string };
}>('happened-words.js');

const NOON = Date.parse('2026-07-01T12:00:00Z');
const iso = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

/** A fact stored so many seconds after noon; Terra's time lies far before, as for what comes late. */
const fact = (record: string, name: string, seconds: number, says: object = {}, id = 's1'): Fact => ({
  record,
  id,
  fact: name,
  at: iso(-500),
  storedAt: iso(seconds),
  says: { ...says },
});
const created = (seconds = 0, id = 's1') => fact('session', 'created', seconds, { flow: 'widget' }, id);
const callback = (seconds: number) => fact('session', 'returned', seconds, { terraUserId: 'u1' });
const authentication = (seconds: number) =>
  fact('session', 'authorised', seconds, { terraUserId: 'u1', provider: 'GARMIN' });
const confirm = (seconds: number) => fact('session', 'redeemed', seconds);
const proof = (seconds: number) => fact('connection', 'proof', seconds, { via: 'session#s1', terraUserId: 'u1' }, 'c1');

const attempt = (seconds: number, status = 200, more: object = {}) => ({
  at: 'by the sandbox’s clock',
  realAt: iso(seconds),
  signedAtSeconds: NOON / 1000 + seconds,
  headers: { 'x-terra-signature': 't=1,v1=secret-signature', 'terra-signature': 't=1,v1=secret-signature' },
  status,
  answer: '{"outcome":"applied"}',
  ms: 5,
  ...more,
});
const delivery = (seconds: number, more: object = {}) => ({
  id: `d${seconds}`,
  type: 'auth',
  userId: 'u1',
  body: JSON.stringify({ type: 'auth', user: { user_id: 'u1', reference_id: 'ref-alice' } }),
  state: 'delivered',
  realAt: iso(seconds),
  attempts: [attempt(seconds)],
  ...more,
});
const event = (type: string, detail: object = {}) => ({ id: `e-${type}`, 'detail-type': type, detail });

const happened = ({
  facts = [],
  deliveries = [],
  events = [],
}: {
  facts?: Fact[];
  deliveries?: object[] | 'elsewhere';
  events?: [event: object, seconds: number][];
}) =>
  chaptersOf(
    {
      records: { referenceIds: ['ref-alice'], facts },
      deliveries: deliveries === 'elsewhere' ? undefined : deliveries,
      published: { events: events.map(([one]) => one), receivedAt: events.map(([, seconds]) => iso(seconds)) },
    },
    undefined,
  );

const lines = (chapter: Chapter | undefined) => chapter?.entries.map(({ lane, title }) => `${lane}: ${title}`);

test('the three lanes are sorted by when the deployment received each entry', () => {
  const [chapter] = happened({
    facts: [created(), proof(6), callback(1), authentication(3), confirm(5)],
    deliveries: [delivery(2)],
    events: [
      [event('connection.unconfirmed'), 4],
      [event('connection.connected'), 7],
    ],
  });

  expect(lines(chapter)).toEqual([
    'facts: Session opened',
    'facts: Browser came back',
    'webhooks: auth',
    'facts: Authentication reported',
    'events: connection.unconfirmed',
    'facts: Code redeemed',
    'facts: Proved',
    'events: connection.connected',
  ]);
});

test('in one millisecond, Terra’s delivery is before the stored fact, and that before the published event', () => {
  const [chapter] = happened({
    facts: [created(), authentication(2)],
    deliveries: [delivery(2)],
    events: [[event('connection.connected'), 2]],
  });

  expect(chapter?.entries.map(({ lane }) => lane)).toEqual(['facts', 'webhooks', 'facts', 'events']);
});

describe('the three requirements of a connection', () => {
  const met = (facts: Fact[], deliveries: object[] | 'elsewhere' = [delivery(2)]) => {
    const [chapter] = happened({ facts: [created(), ...facts], deliveries });
    const { list, end } = chapter?.requirements ?? { list: [], end: '' };
    return `${list.map(({ name, at }) => (at === undefined ? `(${name})` : name)).join(' ')} ${end}`;
  };

  test.each([
    ['the usual order', [callback(1), authentication(3), confirm(5), proof(6)], 'callback webhook confirm met'],
    ['the webhook first', [authentication(2), callback(3), confirm(5), proof(6)], 'webhook callback confirm met'],
    ['the webhook last', [callback(1), confirm(1.5), authentication(3), proof(6)], 'callback confirm webhook met'],
    ['the browser not back', [authentication(3)], 'webhook (callback) (confirm) waiting'],
    ['nothing yet', [], '(callback) (webhook) (confirm) waiting'],
    ['said no', [fact('session', 'failed', 1, { cause: 'denied' })], '(callback) (webhook) (confirm) over'],
    [
      'redeemed by somebody else',
      [callback(1), authentication(3), fact('session', 'wrongOwner', 4)],
      'callback webhook (confirm) over',
    ],
    ['without confirmation', [callback(1), authentication(3), proof(6)], 'callback webhook met'],
  ])('%s', (_, facts, expected) => {
    expect(met(facts)).toBe(expected);
  });

  test.each([
    ['no webhook came', []],
    ['it was lost', [delivery(2, { state: 'lost', attempts: [] })]],
    ['it was refused', [delivery(2, { attempts: [attempt(2, 401)] })]],
    ['it came afterwards', [delivery(9)]],
    ['it was of another kind', [delivery(2, { type: 'daily' })]],
  ])('the authentication is shown as looked up if %s', (_, deliveries) => {
    expect(met([callback(1), confirm(4), authentication(5), proof(6)], deliveries)).toBe('callback confirm lookup met');
  });

  test('the source of the authentication is unknown without the sandbox', () => {
    expect(met([callback(1), authentication(5)], 'elsewhere')).toBe('callback authentication (confirm) waiting');
  });
});

test('a delivery is shown attempt by attempt, with signature, answer and next step', () => {
  const told = (more: object) =>
    happened({ facts: [created()], deliveries: [delivery(2, more)] })[0]
      ?.entries.filter(({ lane }) => lane === 'webhooks')
      .map(({ tone, title, note }) => `${tone} ${title}: ${note}`);

  expect(told({})).toEqual(['good auth: signed · applied']);
  expect(told({ attempts: [attempt(2, 503), attempt(9)] })).toEqual([
    'bad auth: signed · 503',
    'good auth, attempt 2: signed · applied',
  ]);
  expect(told({ attempts: [attempt(2, 503)], state: 'retrying' })).toEqual([
    'bad auth: signed · 503 · will be retried',
  ]);
  expect(told({ attempts: [attempt(2, 401, { headers: {} })], state: 'gave_up' })).toEqual([
    'bad auth: not signed · 401 · abandoned',
  ]);
  expect(told({ attempts: [], state: 'lost' })).toEqual(['bad auth: lost']);
  expect(told({ attempts: [], state: 'waiting' })).toEqual(['wait auth: waiting']);
});

test('only deliveries about this user are shown, of every type', () => {
  const about = (body: object, userId: string | null = null) => delivery(2, { userId, body: JSON.stringify(body) });
  const count = (one: object) =>
    happened({ facts: [created(), callback(1)], deliveries: [one] })[0]?.entries.filter(
      ({ lane }) => lane === 'webhooks',
    ).length;

  expect(count(about({ user: { reference_id: 'ref-alice' } }))).toBe(1);
  expect(count(about({ reference_id: 'ref-alice' }))).toBe(1);
  expect(count(about({ new_user: { reference_id: 'ref-alice' } }))).toBe(1);
  // A body without a reference id: matched by the Terra user.
  expect(count(about({ type: 'auth' }, 'u1'))).toBe(1);
  expect(count(about({ user: { reference_id: 'ref-bob' } }, 'u2'))).toBe(0);
  expect(count(delivery(2, { userId: null, body: 'not JSON' }))).toBe(0);
});

test('the signature itself is not shown', () => {
  const chapters = happened({ facts: [created()], deliveries: [delivery(2)] });

  expect(JSON.stringify(chapters)).not.toContain('secret-signature');
  expect(JSON.stringify(chapters)).toContain('"signed":true');
});

test('each session begins a chapter, newest first, with everything the session stored', () => {
  const chapters = happened({
    facts: [
      created(0),
      fact('session', 'created', 10, { flow: 'direct', providers: ['EIGHT_SLEEP'] }, 's2'),
      fact('mint', 'created', 20, { provider: 'APPLE' }, 'm1'),
      // The first session's code, redeemed when the others had begun already.
      confirm(30),
    ],
    deliveries: [delivery(-5), delivery(25)],
    events: [[event('session.completed'), 12]],
  });

  expect(chapters.map(chapter => [chapter.title, lines(chapter)])).toEqual([
    ['Attempt 3: Apple on the phone', ['facts: Token minted', 'webhooks: auth']],
    ['Attempt 2: Eight Sleep', ['facts: Session opened', 'events: session.completed']],
    ['Attempt 1: the widget', ['facts: Session opened', 'facts: Code redeemed']],
    ['Earlier', ['webhooks: auth']],
  ]);
  expect(chapters.map(({ requirements }) => requirements?.list.length)).toEqual([undefined, 3, 3, undefined]);
});

test('permissions of an authentication are shown with it, later ones separately', () => {
  const auth = { ...fact('connection', 'auth', 2, { via: 'session#s1' }, 'c1'), at: iso(1) };
  const scopes = { ...fact('connection', 'scopes', 2, { list: ['a'] }, 'c1'), at: iso(1) };

  expect(lines(happened({ facts: [auth, scopes] })[0])).toEqual(['facts: Account authenticated']);
  expect(lines(happened({ facts: [auth, { ...scopes, at: iso(9) }] })[0])).toEqual([
    'facts: Account authenticated',
    'facts: Permissions',
  ]);
});

test('a fact of an earlier run keeps its time', () => {
  const { storedAt: _, ...earlier } = created();

  expect(happened({ facts: [earlier] })[0]?.entries[0]?.at).toBe(NOON - 500_000);
});

test('an event shows its provider and the previous status', () => {
  const detail = { connection: { provider: 'GARMIN' }, previousStatus: 'unconfirmed' };

  expect(wordsForEvent(event('connection.connected', detail)).note).toBe('GARMIN · was unconfirmed');
  expect(wordsForEvent(event('something.new')).tone).toBe('off');
});

test('every stored fact has a text, and there is no other text', () => {
  const stored = fullRows.flatMap(factsOf).map(({ record, fact: name }) => `${record}.${name}`);

  expect(Object.keys(factWords).toSorted()).toEqual([...new Set(stored)].toSorted());
});

test('every answer of the webhook has a text', () => {
  const { outcome } = receiveWebhook.replies[200].shape;

  expect(Object.keys(outcomeWords).toSorted()).toEqual(outcome.options.toSorted());
});
