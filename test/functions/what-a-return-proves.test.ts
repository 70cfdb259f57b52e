import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { RETURN_LOOKUP_LIMIT } from '../../functions/core/state/session';
import { browserNamed, journey, terraEvent } from '../support/journey';
import { codeOf, referenceIdOf, terraUser, type World, world as newWorld } from '../support/world';

/*
 * The rules R1 to R4 of docs/state.md, "What a return proves", one story each. The proofs in test/proofs/state hold them
 * against every order of events.
 */

const USER = terraUser(1);
/** The Terra user of the first direct link that a world opens. */
const DIRECT = terraUser(1001);
const EVENT = terraEvent.auth(USER, { session: 'terra-session-1' });

async function opened(wish: { provider?: string } = {}) {
  const world = newWorld();
  const go = journey(world);
  const session = await go.open('alice', wish);
  world.wait(SECOND);
  return { world, go, session };
}

/** A session whose browser returned after Terra's event, with its code. */
async function returned(wish: { provider?: string } = {}) {
  const flow = await opened(wish);
  const user = wish.provider === undefined ? USER : DIRECT;
  const event = wish.provider === undefined ? EVENT : terraEvent.auth(DIRECT);
  await flow.go.deliver(event);
  flow.world.wait(SECOND);
  const { code, cookie = '' } = await flow.go.visit(flow.session.state, { user_id: user }, browserNamed('first'));
  return { ...flow, user, code: String(code), cookie };
}

async function connected() {
  const flow = await returned();
  expect(await flow.go.confirm('alice', flow.session.id, flow.code)).toMatchObject({ status: 200 });
  flow.world.wait(MINUTE);
  return flow;
}

function authenticateAtTerra(world: World, terraUserId: string, createdAt: number | undefined): void {
  const referenceId = referenceIdOf('alice');
  world.terra.users.set(terraUserId, {
    ...{ terraUserId, provider: 'GARMIN', referenceId, authenticated: true, scopes: [], createdAt },
  });
}

describe('R1: a return', () => {
  test('before the authentication gets a page that reloads itself, no code, and leaves the session pending', async () => {
    const { go, session } = await opened();

    const { reply, code } = await go.visit(session.state, { user_id: USER });

    expect([reply.status, code]).toEqual([200, undefined]);
    expect(reply.page).toContain(`success?user_id=${USER}&amp;try=2`);
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'pending' });
  });

  test('counts at the next try, once Terra answers that the Terra user is authenticated', async () => {
    const { go, session, world } = await opened();
    await go.visit(session.state, { user_id: USER });
    world.wait(2 * SECOND);
    authenticateAtTerra(world, USER, world.clock());

    const { code } = await go.visit(session.state, { user_id: USER, try: '2' });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
  });

  test('asks Terra at most eight times; after that it counts only with Terra’s event', async () => {
    const { go, session, world } = await opened();
    for (let n = 0; n < RETURN_LOOKUP_LIMIT + 3; n++) await go.visit(session.state, { user_id: USER });
    expect(world.terra.asked('findUser')).toHaveLength(RETURN_LOOKUP_LIMIT);
    authenticateAtTerra(world, USER, world.clock());
    expect((await go.visit(session.state, { user_id: USER })).code).toBeUndefined();

    await go.deliver(EVENT);

    expect((await go.visit(session.state, { user_id: USER })).code).toBeDefined();
  });

  test('of a direct link counts only with the Terra user that the link was made for', async () => {
    const { go, session, world } = await opened({ provider: 'GARMIN' });
    for (const user of [USER, DIRECT]) authenticateAtTerra(world, user, world.clock());

    expect((await go.visit(session.state, { user_id: USER })).sent).toBeUndefined();
    expect((await go.visit(session.state, { user_id: DIRECT })).code).toBeDefined();
  });

  test('with a widget’s Terra user without created_at counts only after its event', async () => {
    const { go, session, world } = await opened();
    authenticateAtTerra(world, USER, undefined);
    const { code } = await go.visit(session.state, { user_id: USER });
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 202 });
    expect(await go.connections('alice')).toEqual([]);

    await go.deliver(EVENT);

    expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  });

  test('with a Terra user that may have authenticated in another session of the owner proves nothing', async () => {
    const { go, session, world } = await opened();
    const other = await go.open('alice');
    world.wait(SECOND);
    await go.deliver(EVENT);
    authenticateAtTerra(world, USER, world.clock());

    const { code } = await go.visit(other.state, { user_id: USER });

    expect(await codeOf(go.confirm('alice', other.id, code))).toBe('session_closed');
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'pending' });
  });
});

describe('R2: another browser', () => {
  const others = { ...browserNamed('second') };

  test('that navigates to the return rejects the session, redeemed or not, and raises an alarm', async () => {
    for (const isRedeemed of [false, true]) {
      const { go, session, world, user, code } = await returned();
      if (isRedeemed) await go.confirm('alice', session.id, code);
      expect((await go.visit(session.state, { user_id: user }, others)).sent).toBeUndefined();
      world.wait(MINUTE);
      await go.sweep();

      expect(world.notes).toContainEqual({ outcome: 'other_browser', alarm: 'link_reused' });
      expect(await go.session('alice', session.id)).toMatchObject({ status: 'rejected', failure: 'wrong_owner' });
      expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
      expect(await codeOf(go.confirm('alice', session.id, code))).toBe('session_closed');
    }
  });

  test.each<[string, Record<string, string>]>([
    ['a prefetch', { 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch' }],
    ['a scanner or preview, which does not navigate', {}],
  ])('is not assumed for %s: the request gets the neutral page and changes nothing', async (_what, headers) => {
    const { go, session, world, user } = await returned();
    const before = JSON.stringify([...world.store.items]);

    const { sent } = await go.visit(session.state, { user_id: user }, { ...others, headers });

    expect(sent).toBeUndefined();
    expect(JSON.stringify([...world.store.items])).toBe(before);
  });

  test('is not assumed if the request has the cookie, at any address', async () => {
    const { go, session, user, code, cookie } = await returned();

    const again = await go.visit(session.state, { user_id: user }, { ...others, cookies: [cookie] });

    expect(again.code).toBe(code);
  });

  test('is not assumed without a cookie if address, user agent and languages are the same', async () => {
    const { go, session, user, code } = await returned();

    expect((await go.visit(session.state, { user_id: user }, browserNamed('first'))).code).toBe(code);
  });

  test('is assumed without the cookie at another address: with cookies off, a reload on another network needs a new session', async () => {
    const { go, session, user } = await returned();
    const moved = { ...browserNamed('first'), sourceIp: '198.51.100.7' };

    await go.visit(session.state, { user_id: user }, moved);

    expect(await go.session('alice', session.id)).toMatchObject({ status: 'rejected' });
  });

  test('is recognized by a cookie for the callback only, and only hashes of the browser’s data are stored', async () => {
    const { go, session, world } = await opened();
    await go.deliver(EVENT);
    const browser = { ...browserNamed('Mozilla/5.0 (a browser)'), sourceIp: '203.0.113.77' };
    const { reply, cookie = '' } = await go.visit(session.state, { user_id: USER }, browser);

    expect(reply.cookies).toEqual([
      expect.stringMatching(
        /^terra-connect-[\w-]{22}=[\w-]{43}; Max-Age=172800; Path=\/v1\/callback; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    const stored = JSON.stringify([...world.store.items]);
    for (const clear of [cookie.split('=')[1], '203.0.113.77', 'Mozilla']) expect(stored).not.toContain(clear);
  });
});

describe('R3: a refused Terra user', () => {
  test('that the failure redirect named proves nothing in the session; a new session connects', async () => {
    const { go, session, world } = await opened({ provider: 'GARMIN' });
    await go.fail(session.state, { user_id: DIRECT, reason: 'access_denied' });
    world.wait(SECOND);
    await go.deliver(terraEvent.auth(DIRECT));

    const { sent } = await go.visit(session.state, { user_id: DIRECT });
    expect(sent).toMatchObject({ status: 'failed', error: 'denied' });
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'failed', failure: 'denied' });
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);

    const next = await go.open('alice', { provider: 'GARMIN' });
    world.wait(SECOND);
    await go.deliver(terraEvent.auth(terraUser(1002)));
    const { code } = await go.visit(next.state, { user_id: terraUser(1002) });
    expect(await go.confirm('alice', next.id, code)).toMatchObject({ status: 200 });
  });

  test.each([
    ['up to five seconds after the return is one', 5 * SECOND, 'unconfirmed'],
    ['later than that is not', 5 * SECOND + 1, 'connected'],
  ])('whose refusal Terra dates %s', async (_when, later, status) => {
    const { go, session, world, code } = await returned({ provider: 'GARMIN' });
    await go.confirm('alice', session.id, code);
    world.wait(later);

    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));

    expect(await go.connections('alice')).toMatchObject([{ status }]);
  });

  test('is not a widget’s Terra user that was created after the failure', async () => {
    const { go, session, world } = await opened();
    await go.fail(session.state, { user_id: terraUser(7), reason: 'access_denied' });
    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));
    world.wait(SECOND);
    const createdAt = new Date(world.clock()).toISOString();
    world.wait(3 * SECOND);
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1', createdAt }));

    const { code } = await go.visit(session.state, { user_id: USER });

    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
  });

  test('may be a widget’s Terra user whose created_at is the time of the approval', async () => {
    const { go, session, world } = await opened();
    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));
    world.wait(MINUTE);
    const createdAt = new Date(world.clock()).toISOString();
    await go.deliver(terraEvent.auth(USER, { session: 'terra-session-1', createdAt }));

    const { code, sent } = await go.visit(session.state, { user_id: USER });

    expect(sent).toMatchObject({ status: 'failed' });
    expect(code).toBeUndefined();
  });

  test('is known by Terra’s event after a failure: until it arrives, the browser waits, whatever Terra answers', async () => {
    const { go, session, world } = await opened();
    await go.deliver(terraEvent.cancelled(referenceIdOf('alice')));
    world.wait(SECOND);
    const createdAt = world.clock();

    const early = await go.comeBack(session.state, { user_id: USER });
    expect(early.reply).toMatchObject({ status: 200, page: expect.stringContaining('http-equiv="refresh"') });
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'pending' });

    world.wait(3 * SECOND);
    const told = { session: 'terra-session-1', createdAt: new Date(createdAt).toISOString() };
    await go.deliver(terraEvent.auth(USER, told));
    const { code } = await go.visit(session.state, { user_id: USER });
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 200 });
  });
});

describe('R1: a return that counted without Terra’s answer', () => {
  test('does not prove a Terra user that only a data event names, more than a minute later', async () => {
    const { go, session, world } = await opened();
    const { code } = await go.comeBackUnasked(session.state, { user_id: USER });
    expect(await go.confirm('alice', session.id, code)).toMatchObject({ status: 202 });
    authenticateAtTerra(world, USER, world.clock());
    world.wait(2 * MINUTE);
    await go.deliver(terraEvent.data(USER));
    for (const wait of [MINUTE, 10 * MINUTE, HOUR]) {
      world.wait(wait);
      await go.sweep();
      expect(await go.connections('alice')).not.toMatchObject([{ status: 'connected' }]);
    }
  });
});

describe('R4: a second authentication of the same Terra user', () => {
  test('after the proof makes the connection unconfirmed, raises an alarm, and ends it after an hour', async () => {
    const { go, world } = await connected();
    await go.deliver(EVENT);

    expect(await go.connections('alice')).toMatchObject([
      { status: 'unconfirmed', reason: 'unsolicited', needsAction: 'reconnect' },
    ]);
    expect(world.notes).toContainEqual(expect.objectContaining({ alarm: 'link_reused' }));
    world.wait(2 * HOUR);
    await go.sweep();
    expect(await go.connections('alice')).toMatchObject([{ status: 'disconnected', reason: 'not_confirmed' }]);
  });

  test('before the return lets the return prove nothing', async () => {
    const { go, session, world } = await opened();
    for (let n = 0; n < 2; n++) {
      await go.deliver(EVENT);
      world.wait(SECOND);
    }

    const { sent } = await go.visit(session.state, { user_id: USER });

    expect(sent).toMatchObject({ status: 'failed' });
    expect(await go.session('alice', session.id)).toMatchObject({ status: 'rejected' });
    expect(await go.connections('alice')).toMatchObject([{ status: 'unconfirmed' }]);
  });
});

test('a code that its owner has redeemed raises an alarm, and nothing else, when another user sends it', async () => {
  const { go, session, world, code } = await connected();

  expect(await codeOf(go.confirm('mallory', session.id, code))).toBe('not_found');

  expect(world.notes).toContainEqual({ alarm: 'owner_mismatch' });
  expect(await go.connections('alice')).toMatchObject([{ status: 'connected' }]);
  expect(world.terra.asked('deauthenticate')).toEqual([]);
});
