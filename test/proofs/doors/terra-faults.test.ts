import { HOUR, MINUTE, SECOND, systemClock } from '../../../functions/core/platform/clock';
import { connectionState } from '../../../functions/core/state/connection';
import { Problem } from '../../../functions/core/http/errors';
import { sessionStatus } from '../../../functions/core/state/session';
import { terraClient } from '../../../functions/core/terra/terra';
import { TERRA_BUDGET } from '../../../functions/core/terra/terra-http';
import { type Asked, signedInAs, type Told } from './doors';
import { isLong } from '../effort';
import { divided, failingTerra, faults } from './failing-terra';
import { populated, type Population } from './population';

/** All limits of time divided by this, three times; at full length what fails at once, or all where long proofs are asked for. */
const lengthsOf = (takesItsTime: boolean) => (isLong || !takesItsTime ? [20, 20, 20, 1] : [20, 20, 20]);
const SLACK = 2 * SECOND;
/** What a busy machine may make of an answer where only a twentieth of the time is left. */
const hurried = ['terra_timeout', 'terra_unavailable'];

let terra: Awaited<ReturnType<typeof failingTerra>>;
beforeAll(async () => {
  terra = await failingTerra();
});
afterAll(() => terra.close());

/** Each kind of request that needs Terra, and Terra's path behind it. */
function requests({ alice }: Population): [string, Asked][] {
  const asked = (method: string, path: string, body?: object, key?: string): Asked => ({
    method,
    path,
    claims: signedInAs('alice'),
    headers: [['content-type', 'application/json'], ...(key === undefined ? [] : [['idempotency-key', key] as const])],
    ...(body && { body: JSON.stringify(body) }),
  });
  const connected = alice.connections.find(({ status }) => status === 'connected');
  const { returned } = alice.sessions;
  return [
    ['widget', asked('POST', '/v1/sessions', { returnTo: 'web' }, 'key-1')],
    ['direct', asked('POST', '/v1/sessions', { returnTo: 'web', provider: 'GARMIN' })],
    ['token', asked('POST', '/v1/tokens', {})],
    ['providers', asked('GET', '/v1/providers')],
    ['confirm', asked('POST', `/v1/sessions/${returned.id}/confirm`, { code: alice.codes.returned })],
    ['disconnect', asked('DELETE', `/v1/connections/${connected?.id}`)],
  ];
}

const codeOf = (told: Told | undefined) => (JSON.parse(told?.body ?? '{}') as { code?: string }).code;
const statusOf = (told: Told | undefined) => (JSON.parse(told?.body ?? '{}') as { status?: string }).status;

/** What is left when all deadlines have passed and Terra answers again. */
async function age({ world, go }: Population): Promise<void> {
  for (const time of [MINUTE, 5 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 27 * HOUR, HOUR]) {
    world.wait(time);
    await go.sweep();
  }
}

async function expectNothingStuck({ world }: Population): Promise<void> {
  for (const owner of new Set([...world.store.items.values()].map(item => item.owner))) {
    const { sessions, connections, claims, tokenRecords } = await world.store.load(owner);
    const late = [...sessions, ...connections, ...tokenRecords].filter(
      ({ dueAt }) => dueAt !== undefined && dueAt <= world.clock(),
    );
    expect(late).toEqual([]);
    expect(
      sessions
        .map(session => sessionStatus(session, world.clock(), 'required'))
        .filter(is => is === 'pending' || is === 'returned'),
    ).toEqual([]);
    expect(connections.map(({ facts }) => connectionState(facts).status).filter(is => is === 'disconnecting')).toEqual(
      [],
    );
    expect(claims.filter(({ claimedAt }) => claimedAt !== 0)).toEqual([]);
  }
}

test.each(Object.keys(faults))(
  'when Terra %s every caller gets a documented answer in time, and nothing stays incomplete',
  async name => {
    const fault = faults[name];
    if (!fault) throw new Error(name);
    for (const part of lengthsOf(fault.link === 'terra_timeout')) {
      const people = await populated();
      const { doors, world, alice } = people;
      const healthy = { ...world.terra };
      const { client, attempts } = terra.client(fault, part);
      terra.fail(fault);
      Object.assign(world.terra, client);
      const sessions = (await world.store.load(ownerOf(people))).sessions.length;

      const startedAt = performance.now();
      const answers = new Map(
        await Promise.all(
          requests(people).map(async ([kind, asked]) => {
            const told = await doors.ask(asked);
            return [kind, { told, took: performance.now() - startedAt }] as const;
          }),
        ),
      );

      for (const { took } of answers.values())
        expect(took).toBeLessThanOrEqual((10 * SECOND) / part + (part > 1 ? SLACK : 0));
      for (const count of attempts.values()) expect(count).toBeLessThanOrEqual(2);
      // What makes something at Terra is never sent twice.
      const posts = [...terra.arrived].filter(([what]) => what.startsWith('POST'));
      expect(posts.filter(([, times]) => times > 1)).toEqual([]);
      const told = (kind: string) => answers.get(kind)?.told;
      const isExpected = (kind: string, expected: string) =>
        [expected, ...(part > 1 ? hurried : [])].includes(codeOf(told(kind)) ?? '');
      const expected = { widget: fault.link, direct: fault.link, token: fault.other, providers: fault.other };
      const others = Object.entries(expected).filter(([kind, code]) => !isExpected(kind, code ?? fault.link));
      expect(others.map(([kind]) => [kind, codeOf(told(kind))])).toEqual([]);
      expect([told('confirm')?.statusCode, statusOf(told('confirm'))]).toEqual([202, 'returned']);
      expect(told('disconnect')?.statusCode).toBe(202);
      const isAgreed = name === 'answers 404' && part === 1;
      expect(statusOf(told('disconnect'))).toMatch(isAgreed ? /^disconnected$/ : /^disconnect/);
      expect((await world.store.load(ownerOf(people))).sessions).toHaveLength(sessions);

      Object.assign(world.terra, healthy);
      await age(people);
      await expectNothingStuck(people);
      expect(alice.connections.length).toBeGreaterThan(0);
    }
  },
);

const ownerOf = ({ world, alice }: Population) =>
  [...world.store.items.values()].find(({ sub }) => sub === alice.sub)?.owner ?? '';

const terraOptions = {
  apiUrl: 'http://terra.invalid/v2',
  widgetUrl: 'http://terra.invalid/widget',
  widget: 'current' as const,
  allowUnboundTokens: true,
  credentials: async () => ({ devId: 'd', apiKey: 'k' }),
  clock: systemClock,
};

test('the older token path shares the time limit of the newer one', async () => {
  const budget = divided(TERRA_BUDGET, 20);
  const waits: number[] = [];
  const client = terraClient({
    ...terraOptions,
    budget,
    // The first is never sent, the second says 404 at the last moment, and so on: the slowest there is.
    send: async (_request, { connect, whole }) => {
      const isSent = waits.length % 2 === 1;
      waits.push(isSent ? whole : connect);
      await new Promise(resolve => setTimeout(resolve, isSent ? whole - 10 : connect));
      return isSent ? { kind: 'answer', status: 404, body: '' } : { kind: 'unsent', reason: 'no connection in time' };
    },
  });
  const startedAt = performance.now();

  await expect(client.mintToken('reference')).rejects.toBeInstanceOf(Problem);

  expect(waits.length).toBeLessThanOrEqual(3);
  expect(performance.now() - startedAt).toBeLessThanOrEqual(budget.total + 100);
});

test.each([1e300, 1e15, 48 * 3600, 0.001, Number.MIN_VALUE])(
  'a link with a lifetime of %p seconds opens a session that expires',
  async seconds => {
    const people = await populated();
    const { doors, world } = people;
    const healthy = { ...world.terra };
    const body = { session_id: 'w', url: 'https://widget.example/w', expires_in: seconds };
    Object.assign(
      world.terra,
      terraClient({
        ...terraOptions,
        send: async () => ({ kind: 'answer', status: 200, body: JSON.stringify(body) }),
      }),
    );

    const told = await doors.ask({
      method: 'POST',
      path: '/v1/sessions',
      claims: signedInAs('alice'),
      body: '{"returnTo":"web"}',
      headers: [['content-type', 'application/json']],
    });

    expect(told?.statusCode).toBe(201);
    const { expiresAt } = JSON.parse(told?.body ?? '') as { expiresAt: string };
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(world.clock() + 24 * HOUR);
    Object.assign(world.terra, healthy);
    await age(people);
    await expectNothingStuck(people);
  },
);
