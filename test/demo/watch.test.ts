import { load } from './modules';

type State = {
  user: string | undefined;
  sandbox: string;
  connections?: object[];
  connectionsWords?: { title: string };
  happened?: { chapters: { entries: object[] }[]; version: number };
};
type Watcher = { closely(): void; stop(): void };

const { watcher } = load<{ watcher(deps: object): Watcher }>('watch.js');
const { emptyState } = load<{ emptyState(): State }>('state.js');
const { isRepeating } = load<{ isRepeating(state: object): boolean }>('outcome-view.js');

const fact = (id: string) => ({
  record: 'session',
  id,
  fact: 'created',
  at: '2026-07-01T12:00:00Z',
  says: { flow: 'widget' },
});
const away = Object.assign(new Error('away'), { status: 503, code: 'unavailable' });

function world({ sandbox = 'here' }: { sandbox?: string } = {}) {
  Object.assign(globalThis, { document: { hidden: false } });
  const behindIt = { facts: [fact('s1')] as object[], asked: [] as string[], fails: undefined as Error | undefined };
  let state: State = { ...emptyState(), user: 'alice', sandbox };
  const told: number[] = [];
  const answer = async (what: string, value: object) => {
    behindIt.asked.push(what);
    if (behindIt.fails) throw behindIt.fails;
    return value;
  };
  const watch = watcher({
    client: { connections: () => answer('connections', []) },
    behind: {
      records: (user: string) => answer(`records of ${user}`, { referenceIds: [], facts: [...behindIt.facts] }),
      events: (user: string) => answer(`events of ${user}`, { events: [], receivedAt: [] }),
      deliveries: () => answer('deliveries', []),
    },
    state: () => state,
    change: (patch: Partial<State>) => void (state = { ...state, ...patch }),
    tell: (added: number) => void told.push(added),
  });
  /** One look, and then no more. */
  const look = async () => {
    watch.closely();
    await new Promise(resolve => setImmediate(resolve));
    watch.stop();
    return state;
  };
  return { look, told, behindIt, change: (patch: Partial<State>) => void (state = { ...state, ...patch }) };
}

test('one poll loads the connections and the history of the signed-in user', async () => {
  const { look, behindIt } = world();

  const { connections, happened } = await look();

  expect(connections).toEqual([]);
  expect(happened?.chapters.map(({ entries }) => entries.length)).toEqual([1]);
  expect(behindIt.asked).toEqual(['connections', 'records of alice', 'events of alice', 'deliveries']);
});

test('a change is reported once; the first state and an unchanged one are not', async () => {
  const { look, told, behindIt } = world();

  const { happened: first } = await look();
  const { happened: same } = await look();
  behindIt.facts.push(fact('s2'), fact('s3'));
  const { happened: more } = await look();

  expect(told).toEqual([2]);
  expect(same).toBe(first);
  expect(more?.version).toBe(2);
});

test('Terra’s deliveries are not requested without the sandbox', async () => {
  const { look, behindIt } = world({ sandbox: 'absent' });

  await look();

  expect(behindIt.asked).not.toContain('deliveries');
});

test('if nothing answers the page says so, and keeps its data', async () => {
  const { look, behindIt } = world();
  const { happened } = await look();

  behindIt.fails = away;
  const later = await look();

  expect(later.connectionsWords?.title).toBe('Temporarily not available');
  expect(later.happened).toBe(happened);
});

test('an answer for a user who has signed out is dropped', async () => {
  const { look, change } = world();

  const looking = look();
  change({ user: 'bob' });

  expect((await looking).happened).toBeUndefined();
});

test('a refused opening is being repeated; an answered or older one is not', () => {
  const call = { method: 'POST', path: '/v1/sessions', status: 503, at: 1000 };
  const opening = { progress: 'idle', busy: true, openingAt: 1000 };
  const isIt = (newest?: object, attempt: object = opening) => isRepeating({ attempt, calls: newest ? [newest] : [] });

  expect(isIt(call)).toBe(true);
  expect(isIt({ ...call, status: 0 })).toBe(true);
  expect(isIt({ ...call, status: 201 })).toBe(false);
  expect(isIt({ ...call, path: '/v1/connections' })).toBe(false);
  expect(isIt({ ...call, at: 999 })).toBe(false);
  expect(isIt(call, { progress: 'pending', busy: true, openingAt: 1000 })).toBe(false);
  expect(isIt()).toBe(false);
});
