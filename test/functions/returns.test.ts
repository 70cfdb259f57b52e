import { HOUR, MINUTE, SECOND } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import { CODE_LIFE, RETURN_LOOKUP_LIMIT } from '../../functions/core/state/session';
import { codeSecret, readStateToken, writeStateToken } from '../../functions/core/state/state-token';
import { browserNamed } from '../support/journey';
import { terraUser } from '../support/world';
import { type Flow, flows, attempt, connected, alarms, secretsOf, sweepFor } from './attempt';

describe('before Terra confirms that the Terra user is authenticated', () => {
  test.each(flows)('a return writes only the number of lookups: %s link', async flow => {
    const made = await attempt(flow);
    const before = made.row();
    const { reply, code, cookie } = await made.visit();

    expect([reply.status, code, cookie, reply.headers.location]).toEqual([200, undefined, undefined, undefined]);
    expect(made.row()).toEqual({ ...before, asked: 1, version: 2 });
    expect(await made.statuses()).toEqual([]);
    expect(await made.stateOf()).toBe('pending');
  });

  test('the page reloads itself with growing pauses, each time with the next try number', async () => {
    const made = await attempt('direct');
    const pauses: number[] = [];
    let query: Record<string, string> = { user_id: made.user };
    for (let hit = 1; hit <= 8; hit++) {
      const { reply } = await made.go.visit(made.session.state, query);
      const [, pause, target] = /http-equiv="refresh" content="(\d+);url=([^"]+)"/.exec(reply.page) ?? [];
      const link = target ?? /<a href="([^"]+)"/.exec(reply.page)?.[1] ?? '';
      if (pause !== undefined) pauses.push(Number(pause));
      const next = new URL(
        link.replaceAll('&amp;', '&'),
        `https://api.example/v1/callback/${made.session.state}/success`,
      );
      expect(next.pathname).toBe(`/v1/callback/${made.session.state}/success`);
      query = Object.fromEntries(next.searchParams);
      expect(query.user_id).toBe(made.user);
      expect(reply.page).not.toContain('<script');
    }

    expect(pauses).toEqual([2, 4, 8, 15, 30]);
  });

  test.each(flows)(
    'Terra is asked at most eight times for any number of requests, in sequence or at once: %s link',
    async flow => {
      const made = await attempt(flow);
      for (let hit = 0; hit < 50; hit++) await made.visit(browserNamed(`browser-${hit % 3}`));
      await Promise.all(Array.from({ length: 50 }, () => made.visit()));
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => made.visit({}, flow === 'widget' ? terraUser(100 + n) : made.user)),
      );

      expect(made.world.terra.asked('findUser')).toHaveLength(RETURN_LOOKUP_LIMIT);
      expect(await made.stateOf()).toBe('pending');
    },
  );

  test.each(flows)(
    'a webhook that arrives while the browser waits lets the next try through, even if Terra is not asked any more: %s link',
    async flow => {
      const made = await attempt(flow);
      for (let hit = 0; hit < RETURN_LOOKUP_LIMIT + 2; hit++) expect((await made.visit()).code).toBeUndefined();
      await made.approve();
      made.world.wait(SECOND);
      const { code } = await made.visit();

      expect(await made.confirm(code)).toMatchObject({ status: 200, body: { status: 'completed' } });
      expect(made.world.terra.asked('findUser')).toHaveLength(RETURN_LOOKUP_LIMIT);
    },
  );

  test('Terra is not asked about a Terra user of another link', async () => {
    const made = await attempt('direct');
    const { reply, code } = await made.visit({}, terraUser(5));

    expect([reply.status, code]).toEqual([200, undefined]);
    expect(made.world.terra.asked('findUser')).toEqual([]);
  });

  test.each([
    ['is under another reference id', { referenceId: 'somebody-else' }],
    ['did not authenticate', { authenticated: false }],
    ['was made before the session', { createdAt: 0 }],
  ])('a Terra user that %s is accepted for no return', async (_what, flaw) => {
    const made = await attempt('widget');
    made.terraHas(true);
    const known = made.world.terra.users.get(made.user);
    if (known) made.world.terra.users.set(made.user, { ...known, ...flaw });

    expect((await made.visit()).code).toBeUndefined();
    expect(await made.stateOf()).toBe('pending');
  });

  test.each(['terra_unavailable', 'terra_timeout', 'terra_credentials', 'terra_rejected'] as const)(
    'a return counts even if Terra does not answer: %s',
    async code => {
      for (const flow of flows) {
        const made = await attempt(flow);
        made.world.terra.failWith(new Problem(code, 'away'));
        const back = await made.visit();
        expect(back.code).toBeDefined();
        expect(await made.confirm(back.code)).toEqual({
          status: 202,
          body: { id: made.session.id, status: 'returned' },
        });
      }
    },
  );

  test.each([
    ['a minute after it counts', 60 * SECOND, 'connected'],
    ['later than that does not', 60 * SECOND + 1, 'unconfirmed'],
  ])('after a return without a lookup, an authentication up to %s', async (_what, later, status) => {
    for (const flow of flows) {
      const made = await attempt(flow);
      const { code } = await made.go.comeBackUnasked(made.session.state, { user_id: made.user });
      await made.confirm(code);
      made.world.wait(later);
      await made.approve();

      expect([flow, await made.statuses()]).toEqual([flow, [status]]);
      await sweepFor(made, 27 * 60);
      expect([flow, await made.statuses()]).toEqual([flow, [status === 'connected' ? 'connected' : 'disconnected']]);
    }
  });

  test('a failure of the table is not taken for a failure of Terra', async () => {
    const made = await attempt('direct');
    jest.spyOn(made.world.terra, 'findUser').mockRejectedValue(new Error('bug'));

    await expect(made.visit()).rejects.toThrow('bug');
    expect(made.row()?.returned).toBeUndefined();
  });
});

describe('the browser that returned', () => {
  async function returned(flow: Flow = 'widget') {
    const made = await attempt(flow);
    await made.approve();
    made.world.wait(SECOND);
    const back = await made.visit(browserNamed('own'));
    return { ...made, code: back.code, cookie: back.cookie ?? '', reply: back.reply };
  }

  test('gets a cookie for the callback only, with HttpOnly and Secure', async () => {
    const { reply, cookie, world } = await returned();

    const [pair, ...attributes] = reply.cookies?.[0]?.split('; ') ?? [];
    expect(reply.cookies).toHaveLength(1);
    expect(pair).toMatch(/^[\w-]+=[\w-]{43}$/);
    expect(attributes).toEqual(expect.arrayContaining(['Path=/v1/callback', 'HttpOnly', 'Secure', 'SameSite=Lax']));
    expect(attributes.filter(attribute => !attribute.startsWith('Max-Age='))).toHaveLength(4);
    expect(secretsOf(world)).not.toContain(cookie.split('=')[1]);
  });

  test('does not leave its address or user agent in the table', async () => {
    const { world } = await returned();
    const { sourceIp, headers } = browserNamed('own');

    expect(secretsOf(world)).not.toContain(sourceIp);
    expect(secretsOf(world)).not.toContain(`"${headers['user-agent']}"`);
  });

  const elsewhere = { sourceIp: '198.51.100.9', headers: { 'user-agent': 'own', 'sec-fetch-mode': 'navigate' } };

  test.each(['before the redemption', 'after the redemption'])(
    'gets the same code again by its cookie from another address, %s',
    async when => {
      const { go, session, visit, code, cookie, confirm, stateOf } = await returned();
      if (when === 'after the redemption') await confirm(code);

      expect((await visit({ ...elsewhere, cookies: ['other=1', cookie] })).code).toBe(code);
      expect(await confirm(code)).toMatchObject({ status: 200 });
      expect(await stateOf()).toBe('completed');
      expect(await go.session('mallory', session.id)).toMatchObject({ status: 'completed' });
    },
  );

  test.each(['before the redemption', 'after the redemption'])(
    'gets the same code again without a cookie from the same address, %s',
    async when => {
      const { visit, code, confirm, stateOf } = await returned();
      if (when === 'after the redemption') await confirm(code);

      expect((await visit(browserNamed('own'))).code).toBe(code);
      expect(await confirm(code)).toMatchObject({ status: 200 });
      expect(await stateOf()).toBe('completed');
    },
  );

  test('gets no second cookie', async () => {
    const { visit, cookie } = await returned();

    expect((await visit({ ...browserNamed('own'), cookies: [cookie] })).reply.cookies).toBeUndefined();
    expect((await visit(browserNamed('own'))).reply.cookies).toBeUndefined();
  });

  test('gets the neutral page once the code has expired, and the session stays as it is', async () => {
    const { visit, code, cookie, confirm, world, stateOf, statuses } = await returned();
    await confirm(code);
    world.wait(CODE_LIFE - SECOND);
    expect((await visit({ ...elsewhere, cookies: [cookie] })).code).toBe(code);
    world.wait(SECOND + 1);
    const late = await visit({ ...elsewhere, cookies: [cookie] });

    expect([late.reply.status, late.sent]).toEqual([200, undefined]);
    expect([await stateOf(), await statuses(), alarms(world)]).toEqual(['completed', ['connected'], []]);
  });

  test('changes nothing if it loads the address again a day later from another network', async () => {
    const made = await returned();
    const { visit, code, confirm, world, reply } = made;
    await confirm(code);
    const [pair = '', ...attributes] = reply.cookies?.[0]?.split('; ') ?? [];
    const seconds = Number(attributes.find(attribute => attribute.startsWith('Max-Age='))?.slice(8) ?? 0);
    const later = 20 * HOUR;
    world.wait(later);
    await visit({ ...elsewhere, cookies: later <= seconds * SECOND ? [pair] : [] });
    await sweepFor(made, 2);

    expect([await made.stateOf(), await made.statuses(), alarms(world)]).toEqual(['completed', ['connected'], []]);
  });

  test('is not recognized by the cookie of another session', async () => {
    const made = await returned();
    const { go, world, visit } = made;
    const other = await go.open('mallory');
    world.wait(SECOND);
    made.terraHas(true, terraUser(2), world.clock());
    const { cookie = '' } = await go.visit(other.state, { user_id: terraUser(2) }, browserNamed('stranger'));
    const back = await visit({ ...browserNamed('stranger'), cookies: [cookie] });

    expect([back.code, await made.stateOf()]).toEqual([undefined, 'rejected']);
  });

  test('is not recognized with a wrong cookie, even from the same address', async () => {
    const { visit, cookie, stateOf } = await returned();
    const wrong = cookie.replace(/.$/, last => (last === 'A' ? 'B' : 'A'));
    const back = await visit({ ...browserNamed('own'), cookies: [wrong] });

    expect([back.code, await stateOf()]).toEqual([undefined, 'rejected']);
  });

  test.each([
    ['address', { sourceIp: '198.51.100.9' }],
    ['user agent', { headers: { ...browserNamed('own').headers, 'user-agent': 'another' } }],
    ['languages', { headers: { ...browserNamed('own').headers, 'accept-language': 'fr' } }],
  ])('is not recognized without its cookie if its %s differs', async (_what, differing) => {
    const { visit, stateOf } = await returned();
    const back = await visit({ ...browserNamed('own'), ...differing });

    expect([back.code, await stateOf()]).toEqual([undefined, 'rejected']);
  });
});

describe('another browser that navigates to the callback with the same Terra user', () => {
  const moments = ['before the redemption', 'after the redemption', 'an hour after the redemption'] as const;

  test.each(flows.flatMap(flow => moments.map(moment => [flow, moment] as const)))(
    'rejects the session and ends the connection: %s link, %s',
    async (flow, moment) => {
      const made = await attempt(flow);
      const { world, visit, confirm } = made;
      await made.approve();
      world.wait(SECOND);
      const { code } = await visit(browserNamed('mallory'));
      if (moment !== 'before the redemption') await confirm(code);
      if (moment === 'an hour after the redemption') world.wait(HOUR);
      const other = await visit(browserNamed('victor'));

      expect([other.code, other.sent, other.cookie]).toEqual([undefined, undefined, undefined]);
      expect(alarms(world)).toEqual(['link_reused']);
      expect(await made.go.session('mallory', made.session.id)).toMatchObject({
        status: 'rejected',
        failure: 'wrong_owner',
      });
      expect(await confirm(code)).toBe('session_closed');
      world.wait(MINUTE);
      await made.go.sweep();
      expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
      expect(world.terra.asked('deauthenticate')).toEqual([made.user]);
    },
  );

  test.each(flows)('rejects the session even if the user’s own browser comes second: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    await made.visit(browserNamed('victor'));
    const { code } = await made.visit(browserNamed('mallory'));

    expect([code, await made.stateOf()]).toEqual([undefined, 'rejected']);
  });

  test.each(flows)('ends the connection even if Terra’s event arrives later: %s link', async flow => {
    const made = await attempt(flow);
    const { code } = await made.go.comeBackUnasked(made.session.state, { user_id: made.user }, browserNamed('mallory'));
    await made.confirm(code);
    await made.visit(browserNamed('victor'));
    await made.approve();
    expect(await made.statuses()).toEqual(['disconnecting']);
    await sweepFor(made, 2);

    expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  });

  test('raises one alarm, even if it comes again', async () => {
    const made = await connected('direct');
    for (let n = 0; n < 5; n++) await made.visit(browserNamed(`other-${n}`));

    expect(alarms(made.world)).toEqual(['link_reused']);
  });

  test('with another Terra user changes nothing', async () => {
    const made = await connected('widget');
    const before = secretsOf(made.world);
    await made.visit(browserNamed('victor'), terraUser(3));

    expect(secretsOf(made.world)).toBe(before);
    expect(alarms(made.world)).toEqual([]);
  });
});

describe('a repeated request that is not a navigation', () => {
  const other = browserNamed('scanner');
  const { 'sec-fetch-mode': _mode, ...plain } = other.headers;
  const kinds: [string, Record<string, string>][] = [
    ['a scanner without Fetch Metadata', plain],
    ['a script’s request', { ...plain, 'sec-fetch-mode': 'cors' }],
    ['an image', { ...plain, 'sec-fetch-mode': 'no-cors' }],
    ['a prefetch', { ...other.headers, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...other.headers, 'sec-purpose': 'prefetch;prerender' }],
    ['an older prefetch', { ...other.headers, purpose: 'prefetch' }],
    ['Firefox’s older prefetch', { ...other.headers, 'x-moz': 'prefetch' }],
    ['Safari’s preview', { ...other.headers, purpose: 'preview' }],
  ];

  test.each(kinds)('gets the neutral page and changes nothing: %s', async (_what, headers) => {
    for (const redeemed of [false, true]) {
      const made = await attempt('widget');
      await made.approve();
      made.world.wait(SECOND);
      const { code } = await made.visit(browserNamed('own'));
      if (redeemed) await made.confirm(code);
      made.world.notes.length = 0;
      const before = secretsOf(made.world);
      const { reply, sent } = await made.visit({ ...other, headers });

      expect([reply.status, sent, reply.cookies, alarms(made.world)]).toEqual([200, undefined, undefined, []]);
      expect(secretsOf(made.world)).toBe(before);
      expect((await made.visit(browserNamed('own'))).code).toBe(code);
    }
  });

  test.each(
    kinds
      .filter(
        ([, headers]) =>
          !('sec-fetch-mode' in headers) || 'purpose' in headers || 'sec-purpose' in headers || 'x-moz' in headers,
      )
      .slice(1),
  )('before the return does not count as a return: %s', async (_what, headers) => {
    const made = await attempt('widget');
    await made.approve();
    const before = secretsOf(made.world);
    expect((await made.visit({ ...other, headers })).code).toBeUndefined();

    expect(secretsOf(made.world)).toBe(before);
    expect((await made.visit(browserNamed('own'))).code).toBeDefined();
  });
});

describe('the code', () => {
  test.each(flows)('cannot be computed from the state and the Terra user: %s link', async flow => {
    const made = await attempt(flow);
    await made.approve();
    await made.visit(browserNamed('victor'));
    const state = readStateToken(made.session.state);
    if (!state) throw new Error('the state cannot be read');
    const forged = writeStateToken({ ...state, secret: codeSecret(state.secret, made.user, undefined) });

    expect(await made.confirm(forged)).toBe('code_invalid');
    expect(await made.statuses()).toEqual(['unconfirmed']);
  });

  test('that a different user sends after its redemption raises an alarm and keeps the connection', async () => {
    for (const flow of flows) {
      const made = await connected(flow);
      expect(await made.confirm(made.code, 'victor')).toBe('not_found');

      expect(alarms(made.world)).toEqual(['owner_mismatch']);
      expect(await made.stateOf()).toBe('completed');
      await sweepFor(made, 3);
      expect(await made.statuses()).toEqual(['connected']);
      expect(await made.go.connections('victor')).toEqual([]);
      expect(await made.confirm(made.code)).toMatchObject({ status: 200 });
    }
  });

  test('that a different user sends after it expired raises no alarm', async () => {
    const made = await connected('widget');
    made.world.wait(CODE_LIFE);
    expect(await made.confirm(made.code, 'victor')).toBe('not_found');

    expect([alarms(made.world), await made.statuses()]).toEqual([[], ['connected']]);
  });

  test('that a different user sends before its redemption ends the link permanently', async () => {
    const made = await attempt('widget');
    await made.approve();
    const { code } = await made.visit();
    expect(await made.confirm(code, 'victor')).toBe('not_found');
    expect(await made.confirm(code)).toBe('session_closed');

    expect(await made.go.connections('mallory')).toMatchObject([{ status: 'disconnected', reason: 'wrong_owner' }]);
  });
});
