import type { PutEventsCommand, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { SendMessageCommand } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { MINUTE, SECOND } from '../../functions/core/platform/clock';
import { type ConnectionFacts, type ConnectionRow, connectionState } from '../../functions/core/state/connection';
import { type DeadLetter, sqsDeadLetterQueue } from '../../functions/core/events/dead-letter';
import { eventBridge, type PutResult } from '../../functions/core/events/event-bus';
import { connectionEvent, type PublishedEvent, sessionEvent } from '../../functions/core/events/published-event';
import type { Confirmation, SessionRow } from '../../functions/core/state/session';
import { itemKey } from '../../functions/core/store/table';
import { publishChanges } from '../../functions/publish-changes';
import { NOON, terraUser } from '../support/world';

const USER = terraUser(1);
const AFTER = NOON + MINUTE;
const LATER = NOON + 2 * MINUTE;

const session = (facts: Partial<SessionRow> = {}): SessionRow => ({
  owner: 'owner-1',
  id: 'session-1',
  sub: 'alice',
  flow: 'direct',
  providers: ['OURA'],
  returnTo: 'web',
  createdAt: NOON,
  expiresAt: NOON + 15 * MINUTE,
  finishBy: NOON + 75 * MINUTE,
  url: 'https://widget.example/a-link-only-the-owner-may-have',
  stateHash: 'hash-of-state',
  bodyHash: 'hash-of-body',
  terraSessionId: 'terra-session-1',
  authorised: {},
  purgeAt: NOON / SECOND + 172_800,
  version: 1,
  ...facts,
});
const authorised = { [USER]: { at: NOON, provider: 'oura' } };
const returned = { at: AFTER, terraUserId: USER, codeHash: 'hash-of-code' };
const sessions: Record<string, Partial<SessionRow>> = {
  pending: {},
  authorised: { authorised },
  returned: { returned },
  'failed, may return': { failed: { at: AFTER, cause: 'denied' } },
  'failed for good': { failed: { at: AFTER, cause: 'denied' }, closed: { at: LATER } },
  expired: { closed: { at: LATER } },
  completed: { authorised, returned, redeemed: { at: LATER } },
  rejected: { returned, wrongOwner: { at: LATER } },
};

describe('a session', () => {
  test.each<[from: string | undefined, to: string, told: string | undefined]>([
    [undefined, 'pending', undefined],
    ['pending', 'authorised', undefined],
    ['pending', 'returned', undefined],
    ['pending', 'failed, may return', undefined],
    ['pending', 'expired', 'session.expired'],
    ['pending', 'failed for good', 'session.failed'],
    ['failed, may return', 'returned', undefined],
    ['failed, may return', 'failed for good', 'session.failed'],
    ['returned', 'completed', 'session.completed'],
    ['authorised', 'completed', 'session.completed'],
    ['returned', 'rejected', 'session.rejected'],
    ['completed', 'rejected', 'session.rejected'],
    ['completed', 'completed', undefined],
    ['rejected', 'rejected', undefined],
    ['expired', 'expired', undefined],
    ['failed for good', 'failed for good', undefined],
    [undefined, 'completed', 'session.completed'],
  ])('from %s to %s: %s', (from, to, told) => {
    const before = from === undefined ? undefined : session(sessions[from]);

    const event = sessionEvent(before, session({ ...sessions[to], version: 2 }), 'required');

    expect(event?.detailType).toBe(told);
    if (event) expect(event.detail).toMatchObject({ eventId: 'session-1:2', version: 2, occurredAt: iso(LATER) });
  });

  test('is published as its owner sees it, without its link or secrets', () => {
    const event = sessionEvent(session(sessions.returned), session({ ...sessions.completed, version: 5 }), 'required');

    expect(event).toEqual({
      detailType: 'session.completed',
      detail: {
        eventId: 'session-1:5',
        occurredAt: iso(LATER),
        owner: { sub: 'alice', referenceId: 'owner-1' },
        session: {
          id: 'session-1',
          flow: 'direct',
          status: 'completed',
          provider: 'OURA',
          expiresAt: iso(NOON + 15 * MINUTE),
          connectionId: expect.stringMatching(/^[\w-]{22}$/),
        },
        version: 5,
        previousStatus: 'returned',
      },
    });
    expect(JSON.stringify(event)).not.toMatch(/hash|widget\.example|terra-session/);
  });

  test('without confirmation is completed by Terra’s event alone', () => {
    const event = (confirmation: Confirmation) =>
      sessionEvent(session(), session(sessions.authorised), confirmation)?.detailType;

    expect([event('off'), event('required')]).toEqual(['session.completed', undefined]);
  });

  test('that was never closed is not published as failed, however late it is read', () => {
    const old = session({ ...sessions['failed, may return'], createdAt: 0, expiresAt: 1, finishBy: 2 });

    expect(sessionEvent(undefined, old, 'required')).toBeUndefined();
  });
});

const auth = { provider: 'OURA', firstAuthAt: NOON, auth: { at: NOON, via: 'session#session-1' } };
const proof = { at: NOON, via: 'session#session-1' };
const facts = {
  unseen: { provider: 'OURA' },
  unwanted: { provider: 'OURA', disconnect: { at: NOON, reason: 'erased' } },
  unsolicited: { ...auth, auth: { at: NOON, via: '' } },
  unconfirmed: auth,
  connected: { ...auth, proof },
  error: { ...auth, proof, error: { at: AFTER } },
  disconnecting: { ...auth, proof, disconnect: { at: AFTER, reason: 'owner' } },
  disconnected: { ...auth, proof, gone: { at: LATER, reason: 'revoked' } },
  superseded: { ...auth, proof, supersededBy: { at: LATER, terraUserId: terraUser(2) } },
} satisfies Record<string, ConnectionFacts>;
type State = keyof typeof facts;

const connection = (state: State, more: Partial<ConnectionRow> = {}): ConnectionRow => ({
  owner: 'owner-1',
  terraUserId: USER,
  sub: 'alice',
  facts: facts[state],
  ids: ['id-1'],
  history: [],
  ...(['connected', 'error', 'disconnecting', 'disconnected', 'superseded'].includes(state) && { connectedAt: NOON }),
  updatedAt: LATER,
  version: 2,
  ...more,
});

describe('a connection', () => {
  const states = Object.keys(facts) as State[];
  const hidden = ['unseen', 'unwanted', 'superseded'];
  const expected = (from: State | undefined, to: State): string | undefined => {
    const status = connectionState(facts[to]).status;
    const was = from && connectionState(facts[from]).status;
    if (hidden.includes(to) || was === status) return undefined;
    return from === 'error' && to === 'connected' ? 'recovered' : status;
  };

  test('publishes every change of its status once', () => {
    for (const from of [undefined, ...states]) {
      for (const to of states) {
        const before = from && connection(from, { version: 1 });
        const name = connectionEvent(before, connection(to))?.detailType;
        const told = expected(from, to);
        expect([from, to, name]).toEqual([from, to, told && `connection.${told}`]);
        const previous = connectionEvent(before, connection(to))?.detail.previousStatus;
        if (told)
          expect(previous).toBe(from && !hidden.includes(from) ? connectionState(facts[from]).status : undefined);
      }
    }
  });

  test.each<[string, State, readonly string[] | undefined, readonly string[] | undefined, string | undefined]>([
    ['other scopes', 'connected', ['A'], ['A', 'B'], 'connection.scopes_changed'],
    ['first scopes', 'connected', undefined, ['A'], 'connection.scopes_changed'],
    ['the last scope taken away', 'connected', ['A'], [], 'connection.scopes_changed'],
    ['other scopes while it fails', 'error', ['A'], ['B'], 'connection.scopes_changed'],
    ['the same scopes in another order', 'connected', ['A', 'B'], ['B', 'A'], undefined],
    ['no scopes, said again', 'connected', undefined, [], undefined],
    ['other scopes of a row nobody sees', 'superseded', ['A'], ['B'], undefined],
  ])('%s: %s %j to %j is %s', (_what, state, from, to, told) => {
    const withScopes = (list: readonly string[] | undefined, version: number) =>
      connection(state, {
        version,
        facts: { ...facts[state], ...(list && { scopes: { at: version, list: [...list] } }) },
      });

    const event = connectionEvent(withScopes(from, 1), withScopes(to, 2));

    expect(event?.detailType).toBe(told);
    if (event) expect(event.detail).toMatchObject({ connection: { scopes: to } });
  });

  test('whose status and scopes change together publishes the status change', () => {
    const scoped = connection('error', { facts: { ...facts.error, scopes: { at: LATER, list: ['A'] } } });

    expect(connectionEvent(connection('connected', { version: 1 }), scoped)?.detailType).toBe('connection.error');
  });

  test('publishes nothing for data, a due time or a changed reason', () => {
    const data = connection('connected', { facts: { ...facts.connected, data: { at: LATER } } });
    const due = connection('unconfirmed', { dueAt: LATER });

    expect(connectionEvent(connection('connected'), data)).toBeUndefined();
    expect(connectionEvent(connection('unconfirmed'), due)).toBeUndefined();
    expect(connectionEvent(connection('unsolicited'), connection('unconfirmed'))).toBeUndefined();
  });

  test('names the Terra user only once that Terra user was connected, even if its predecessor was', () => {
    const inherits = connection('unconfirmed', { connectedAt: NOON, ids: ['id-0', 'id-1'] });
    const userOf = (row: ConnectionRow) => shown(connectionEvent(undefined, row)).terraUserId;

    expect(userOf(connection('connected'))).toBe(USER);
    expect(userOf(connection('disconnecting'))).toBe(USER);
    expect(userOf(connection('unconfirmed'))).toBeUndefined();
    expect(userOf(inherits)).toBeUndefined();
  });

  test('says `needsAction: reconnect` if the row alone decides it', () => {
    const needs = (state: State) => shown(connectionEvent(undefined, connection(state))).needsAction;

    expect([needs('error'), needs('unsolicited')]).toEqual(['reconnect', 'reconnect']);
    expect([needs('unconfirmed'), needs('connected'), needs('disconnected')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('whose owner’s subject is unknown is published with the reference id only', () => {
    const { sub: _, ...nameless } = connection('connected');

    expect(connectionEvent(undefined, nameless)?.detail.owner).toEqual({ referenceId: 'owner-1' });
  });
});

describe('a connection that continues an older one', () => {
  const ids = ['id-0', 'id-1'];
  const history = [
    { at: NOON, status: 'connected' as const },
    { at: LATER, status: 'unconfirmed' as const },
  ];

  test('is published as reauthorized when it is first connected, under the first id', () => {
    const event = connectionEvent(connection('unconfirmed', { ids }), connection('connected', { ids, version: 7 }));

    expect(event).toMatchObject({
      detailType: 'connection.reauthorized',
      detail: { eventId: 'id-0:7', previousStatus: 'unconfirmed', previousIds: ['id-1'], connection: { id: 'id-0' } },
    });
  });

  test('is published as reauthorized at once if it is proved already', () => {
    const carried = [
      { at: NOON, status: 'error' as const },
      { at: LATER, status: 'connected' as const },
    ];

    const event = connectionEvent(undefined, connection('connected', { ids, history: carried }));

    expect(event).toMatchObject({ detailType: 'connection.reauthorized', detail: { previousStatus: 'error' } });
  });

  test('stays unconfirmed until confirmed, and gives the previous status', () => {
    const event = connectionEvent(undefined, connection('unconfirmed', { ids, history }));

    expect(event).toMatchObject({ detailType: 'connection.unconfirmed', detail: { previousStatus: 'connected' } });
    expect(event?.detail).not.toHaveProperty('previousIds');
  });

  test('is published as recovered or connected again, like any other', () => {
    const name = (from: State) =>
      connectionEvent(connection(from, { ids }), connection('connected', { ids }))?.detailType;

    expect([name('error'), name('disconnected')]).toEqual(['connection.recovered', 'connection.connected']);
  });

  test.each<[State, string]>([
    ['connected', 'connection.reauthorized'],
    ['unconfirmed', 'connection.unconfirmed'],
    ['disconnected', 'connection.disconnected'],
  ])('and was published under its own id before is published again under the first id: %s', (state, told) => {
    const event = connectionEvent(connection(state, { version: 1 }), connection(state, { ids }));

    expect([event?.detailType, event?.detail.eventId]).toEqual([told, 'id-0:2']);
  });

  test('a further successor changes no id and publishes nothing', () => {
    const longer = connection('connected', { ids: ['id-0', 'id-x', 'id-1'] });

    expect(connectionEvent(connection('connected', { ids }), longer)).toBeUndefined();
  });
});

let sequence = 100;

/** A stream record of a row of this owner. */
function recordOf(
  item: string,
  { before, after, owner = 'owner-1', at = NOON }: { before?: object; after?: object; owner?: string; at?: number },
): DynamoDBRecord {
  const image = (row: object) => marshall(row, { removeUndefinedValues: true }) as never;
  return {
    eventName: before ? (after ? 'MODIFY' : 'REMOVE') : 'INSERT',
    dynamodb: {
      ApproximateCreationDateTime: at / SECOND,
      Keys: { owner: { S: owner }, item: { S: item } },
      ...(before && { OldImage: image({ ...before, item }) }),
      ...(after && { NewImage: image({ ...after, item }) }),
      SequenceNumber: String(++sequence),
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
  };
}
const changed = (owner: string, state: State, version = 2, from?: State): DynamoDBRecord =>
  recordOf(itemKey.connection(USER), {
    owner,
    ...(from && { before: connection(from, { owner, version: version - 1 }) }),
    after: connection(state, { owner, version, ids: [`id-of-${owner}`] }),
  });
const poison = (owner = 'owner-p') => recordOf(itemKey.connection(USER), { owner, after: { owner, facts: 'poison' } });
const numbers = (records: DynamoDBRecord[]) => records.map(record => record.dynamodb?.SequenceNumber);

/** The handler's dependencies: a bus and a queue that can be made to fail, and a clock that pauses move. */
function given(verdict: (event: PublishedEvent, tries: number) => PutResult = () => 'accepted') {
  let now = NOON;
  const tries = new Map<string, number>();
  const accepted: string[] = [];
  const letters: DeadLetter[] = [];
  const alarms: string[] = [];
  const deps = {
    alarm: (name: string) => void alarms.push(name),
    confirmation: 'required' as Confirmation,
    clock: () => now,
    pause: async (most: number) => {
      now += most;
    },
    bus: {
      put: async (events: readonly PublishedEvent[]) =>
        events.map(event => {
          const id = event.detail.eventId;
          tries.set(id, (tries.get(id) ?? 0) + 1);
          const answer = verdict(event, tries.get(id) ?? 0);
          if (answer === 'accepted') accepted.push(id);
          return answer;
        }),
    },
    deadLetters: {
      send: async (letter: DeadLetter) => {
        letters.push(letter);
      },
    },
  };
  return { deps, accepted, letters, alarms, tries, wait: (time: number) => (now += time) };
}

describe('a batch of the stream', () => {
  test('is published, except changes without an event', async () => {
    const { deps, accepted, letters } = given();
    const records = [
      changed('a', 'connected'),
      recordOf(itemKey.session('session-1'), { before: session(), after: session(sessions.completed) }),
      recordOf(itemKey.session('session-2'), { after: { owner: 'owner-1', id: 'session-2', attempt: 'claim' } }),
      recordOf(itemKey.mint('mint-1'), { after: { owner: 'owner-1' } }),
      recordOf(itemKey.quota('sessions', 1), { after: { used: 1 } }),
      recordOf('fingerprint', { owner: '#reference-key', after: { fingerprint: 'x' } }),
      recordOf(itemKey.connection(USER), { before: connection('connected') }),
      recordOf(itemKey.session('session-1'), { before: session(sessions.completed) }),
    ];

    expect(await publishChanges(records, deps)).toEqual({ published: 2, deadLetters: 0, unprocessed: [] });
    expect(accepted).toEqual(['id-of-a:2', 'session-1:1']);
    expect(letters).toEqual([]);
  });

  test('delivered again is published again with the same event ids', async () => {
    const { deps, accepted } = given();
    const records = [changed('a', 'unconfirmed', 2), changed('a', 'connected', 3, 'unconfirmed')];

    await publishChanges(records, deps);
    await publishChanges(records, deps);

    expect(accepted).toEqual(['id-of-a:2', 'id-of-a:3', 'id-of-a:2', 'id-of-a:3']);
  });

  test('an event that the bus refuses becomes a dead letter after five attempts, and delays no other', async () => {
    const { deps, accepted, letters, tries } = given(event =>
      event.detail.owner.referenceId === 'b' ? 'refused' : 'accepted',
    );
    const records = [changed('a', 'connected'), changed('b', 'connected'), changed('c', 'connected')];

    expect(await publishChanges(records, deps)).toEqual({ published: 2, deadLetters: 1, unprocessed: [] });
    expect(accepted).toEqual(['id-of-a:2', 'id-of-c:2']);
    expect(tries.get('id-of-b:2')).toBe(5);
    expect(letters).toEqual([
      {
        row: { owner: 'b', item: itemKey.connection(USER) },
        reason: 'refused',
        at: NOON,
        event: expect.objectContaining({ detailType: 'connection.connected' }),
      },
    ]);
  });

  test('a row that cannot be read becomes a dead letter with its keys, and the next change is published', async () => {
    const { deps, accepted, letters, alarms } = given();
    const mended = recordOf(itemKey.connection(USER), {
      owner: 'owner-p',
      before: { owner: 'owner-p', facts: 'poison' },
      after: connection('connected', { owner: 'owner-p' }),
    });
    const unheardOf = recordOf(itemKey.connection(USER), { owner: 'x', after: {} });
    Object.assign(unheardOf.dynamodb?.NewImage ?? {}, { facts: { NEW: 'a type of tomorrow' } });

    const records = [poison(), changed('a', 'connected'), unheardOf, mended];

    expect(await publishChanges(records, deps)).toEqual({ published: 2, deadLetters: 2, unprocessed: [] });
    expect(accepted).toEqual(['id-of-a:2', 'id-1:2']);
    expect(letters).toEqual([
      { row: { owner: 'owner-p', item: itemKey.connection(USER) }, reason: 'unreadable', at: NOON },
      { row: { owner: 'x', item: itemKey.connection(USER) }, reason: 'unreadable', at: NOON },
    ]);
    expect(alarms).toEqual(['unreadable_row']);
  });

  test('a throttled event is retried until it is accepted', async () => {
    const { deps, accepted, tries } = given((_event, n) => (n < 4 ? 'busy' : 'accepted'));

    expect(await publishChanges([changed('a', 'connected')], deps)).toMatchObject({ published: 1, unprocessed: [] });
    expect([accepted, tries.get('id-of-a:2')]).toEqual([['id-of-a:2'], 4]);
  });

  test('changes of an owner are published in order', async () => {
    const order: string[] = [];
    const { deps, accepted } = given((event, n) => {
      order.push(event.detail.eventId);
      return event.detail.eventId === 'id-of-a:2' && n < 3 ? 'busy' : 'accepted';
    });
    const records = [
      changed('a', 'unconfirmed', 2),
      changed('a', 'connected', 3, 'unconfirmed'),
      changed('b', 'connected'),
      changed('a', 'error', 4, 'connected'),
    ];

    await publishChanges(records, deps);

    expect(accepted.filter(id => id.startsWith('id-of-a'))).toEqual(['id-of-a:2', 'id-of-a:3', 'id-of-a:4']);
    expect(order.lastIndexOf('id-of-a:2')).toBeLessThan(order.indexOf('id-of-a:3'));
  });

  test('while the bus does not answer, events are not dead letters: the stream delivers them again in order', async () => {
    const { deps, accepted, letters } = given(event => (event.detail.owner.referenceId === 'a' ? 'busy' : 'accepted'));
    const records = [
      changed('b', 'connected'),
      changed('a', 'unconfirmed', 2),
      changed('c', 'connected'),
      changed('a', 'connected', 3, 'unconfirmed'),
    ];

    const { unprocessed, published } = await publishChanges(records, deps);

    expect([published, unprocessed]).toEqual([2, [numbers(records)[1], numbers(records)[3]]]);
    expect([accepted, letters]).toEqual([['id-of-b:2', 'id-of-c:2'], []]);
  });

  test('after 15 minutes without the bus events become dead letters', async () => {
    const { deps, letters, wait } = given(() => 'busy');
    wait(16 * MINUTE);

    expect(await publishChanges([changed('a', 'connected')], deps)).toMatchObject({ deadLetters: 1, unprocessed: [] });
    expect(letters).toMatchObject([{ reason: 'undelivered', event: { detail: { eventId: 'id-of-a:2' } } }]);
  });

  test('if the dead-letter queue does not answer either, the stream delivers the event and later ones of its owner again', async () => {
    const { deps, accepted } = given(event => (event.detail.owner.referenceId === 'b' ? 'refused' : 'accepted'));
    let sent = 0;
    deps.deadLetters.send = async () => {
      sent++;
      throw new Error('away');
    };
    const records = [poison(), changed('owner-p', 'connected'), changed('a', 'connected'), changed('b', 'connected')];

    const { unprocessed, deadLetters } = await publishChanges(records, deps);

    expect(unprocessed.toSorted()).toEqual(numbers([records[0], records[1], records[3]] as DynamoDBRecord[]));
    expect([accepted, deadLetters, sent]).toEqual([['id-of-a:2'], 0, 1]);
  });

  test('a batch that takes too long is returned to the stream before the function times out', async () => {
    const { deps, wait } = given();
    let asked = 0;
    deps.bus.put = async events => {
      asked++;
      wait(31 * SECOND);
      return events.map(() => 'busy');
    };
    const records = [changed('a', 'connected'), changed('b', 'connected')];

    expect(await publishChanges(records, deps)).toMatchObject({ published: 0, unprocessed: numbers(records) });
    expect(asked).toBe(1);
  });
});

describe('the bus on EventBridge', () => {
  const eventFor = (owner: string) => {
    const event = connectionEvent(undefined, connection('connected', { owner, ids: [`id-of-${owner}`] }));
    if (!event) throw new Error('there was no event');
    return event;
  };
  const events = (count: number) => Array.from({ length: count }, (_, n) => eventFor(`${n}`));

  function client(answer: (entries: PutEventsRequestEntry[]) => object | Error) {
    const calls: PutEventsRequestEntry[][] = [];
    const send = async ({ input }: PutEventsCommand) => {
      const entries = input.Entries ?? [];
      calls.push(entries);
      const told = answer(entries);
      if (told instanceof Error) throw told;
      return told;
    };
    return { calls, bus: eventBridge({ send } as never, 'bus-1') };
  }
  const taken = (entries: PutEventsRequestEntry[]) => ({ Entries: entries.map((_, n) => ({ EventId: `${n}` })) });
  const failing = (name: string) => Object.assign(new Error('no'), { name });

  test('gets at most ten entries in a call, each with bus, source, type and time', async () => {
    const { bus, calls } = client(taken);

    expect(await bus.put(events(23))).toEqual(Array.from({ length: 23 }, () => 'accepted'));
    expect(calls.map(entries => entries.length)).toEqual([10, 10, 3]);
    expect(calls[0]?.[0]).toEqual({
      EventBusName: 'bus-1',
      Source: 'terra-connect',
      DetailType: 'connection.connected',
      Detail: JSON.stringify(eventFor('0').detail),
      Time: new Date(LATER),
    });
  });

  test('gets at most 256 KB in a call', async () => {
    const { bus, calls } = client(taken);
    const large = events(6).map(event => {
      Object.assign(event.detail, { padding: 'ü'.repeat(50_000) });
      return event;
    });

    await bus.put(large);

    expect(calls.map(entries => entries.length)).toEqual([2, 2, 2]);
  });

  test('returns a result for each entry', async () => {
    const codes = ['MalformedDetail', 'ThrottlingException', 'InternalFailure', 'NotAuthorizedForSourceException'];
    const { bus } = client(() => ({ Entries: [{ EventId: '1' }, ...codes.map(ErrorCode => ({ ErrorCode }))] }));

    expect(await bus.put(events(6))).toEqual(['accepted', 'refused', 'busy', 'busy', 'refused', 'busy']);
  });

  test('that refuses a whole call gets each entry in a call of its own', async () => {
    const isPoison = ({ DetailType, Detail = '' }: PutEventsRequestEntry) => Detail.includes('id-of-2') || !DetailType;
    const { bus, calls } = client(entries =>
      entries.some(isPoison) ? failing('ValidationException') : taken(entries),
    );

    expect(await bus.put(events(4))).toEqual(['accepted', 'accepted', 'refused', 'accepted']);
    expect(calls.map(entries => entries.length)).toEqual([4, 1, 1, 1, 1]);
  });

  test.each(['ThrottlingException', 'InternalException', 'TimeoutError', 'AccessDeniedException', 'ECONNREFUSED'])(
    'that answers with %s counts as unavailable, and gets no further entries',
    async name => {
      const { bus, calls } = client(() => failing(name));

      expect(await bus.put(events(25))).toEqual(Array.from({ length: 25 }, () => 'busy'));
      expect(calls).toHaveLength(1);
    },
  );
});

test('a dead letter that is too large for its queue is stored without the event', async () => {
  const bodies: string[] = [];
  const send = async ({ input }: SendMessageCommand) => void bodies.push(input.MessageBody ?? '');
  const letters = sqsDeadLetterQueue({ send } as never, 'https://queue.example/1');
  const letter: DeadLetter = { row: { owner: 'a', item: 'connection#1' }, reason: 'refused', at: NOON };
  const event = { detailType: 'connection.connected', detail: { padding: 'x'.repeat(300_000) } };

  await letters.send({ ...letter, event: { ...event, detail: { small: true } } });
  await letters.send({ ...letter, event });

  expect(bodies.map(body => JSON.parse(body))).toEqual([
    { ...letter, event: { ...event, detail: { small: true } } },
    letter,
  ]);
});

const iso = (at: number) => new Date(at).toISOString();

const shown = (event: PublishedEvent | undefined): Record<string, unknown> =>
  event && 'connection' in event.detail ? event.detail.connection : {};
