import { person } from '../support/person';
import type { Person, Recorder } from './recorder';

/** The flow in which each process is asked for the first time. */
export const COLD_FLOW = 'first request of a process';
/** Runs of the schedules that find nothing to do. */
export const IDLE_FLOW = 'schedules, nothing due';

/** Every flow of the product. `quiet` does the same as `on` and counts nothing. */
export const flows: readonly ((on: Recorder, quiet: Recorder) => Promise<void>)[] = [
  // First, while nothing can have become due.
  async (on, quiet) => {
    on.begin(IDLE_FLOW);
    for (const each of [quiet, on]) {
      await each.runs('sweep-stale', 'sweep');
      await each.runs('reconcile', 'reconcile');
    }
  },

  async (on, quiet) => {
    on.begin(COLD_FLOW);
    const zoe = await person(on.stack, 'zoe');
    await on.step('providers', 'list-providers', () => on.expectStatus(zoe.call('GET', '/v1/providers'), 200));
    await widget(on, zoe);
    await on.step('mint', 'mint-token', () => on.expectStatus(zoe.call('POST', '/v1/tokens', {}), 201));
    await on.read(zoe, '/v1/connections', 'read');
    const [connection] = await zoe.connections();
    await on.step('disconnect', 'disconnect', () =>
      on.expectStatus(zoe.call('DELETE', `/v1/connections/${String(connection?.id)}`), 202),
    );
    await quiet.hear('deauth');
    // The callback fetches Terra's credentials only when Terra must be asked, and confirming only to end a connection.
    await lookedUp(quiet, quiet, 'zack');
    await finishedByAnother(quiet, quiet, 'zuri', 'zeno');
  },

  async on => {
    on.begin('widget, webhook first');
    await widget(on, await person(on.stack, 'alice'));
  },

  async on => {
    on.begin('widget, callback first');
    const bob = await person(on.stack, 'bob');
    const { id, url } = await on.open(bob);
    const browser = await on.decide(url, 'approve', 'GARMIN');
    const code = await on.comeBack(browser);
    await on.hear('auth');
    await on.confirm(bob, id, code);
  },

  async on => {
    on.begin('direct link');
    await direct(on, await person(on.stack, 'carol'), 'GARMIN');
  },

  async on => {
    on.begin('with an Idempotency-Key');
    const dora = await person(on.stack, 'dora');
    await on.open(dora, {}, 'create', { 'idempotency-key': 'once' });
    await on.open(dora, {}, 'create again', { 'idempotency-key': 'once' });
  },

  async on => {
    on.begin('mobile');
    const eve = await person(on.stack, 'eve');
    const token = await on.step('mint', 'mint-token', async () => {
      const { body } = await eve.call('POST', '/v1/tokens', { provider: 'APPLE' });
      return body.token;
    });
    await eve.redeem(token, 'APPLE');
    await on.hear('auth');
  },

  async on => {
    on.begin('providers');
    const paul = await person(on.stack, 'paul');
    await on.step('providers', 'list-providers', () => on.expectStatus(paul.call('GET', '/v1/providers'), 200));
  },

  async (on, quiet) => {
    on.begin('webhook lost');
    await lookedUp(on, quiet, 'finn');
  },

  async (on, quiet) => {
    on.begin('finished by somebody else');
    await finishedByAnother(on, quiet, 'gina', 'hans');
  },

  async (on, quiet) => {
    on.begin('denied');
    const ida = await person(on.stack, 'ida');
    const { url } = await quiet.open(ida, { provider: 'GARMIN' });
    await on.comeBack(await on.decide(url, 'deny'), 'failure callback');
    await on.hear('auth_cancelled');
  },

  async (on, quiet) => {
    on.begin('data');
    const jack = await connected(quiet, 'jack');
    await on.happens(jack.terraUserId, 'daily');
    await on.hear('daily', 'webhook daily, applied');
    await on.happens(jack.terraUserId, 'daily');
    await on.hear('daily', 'webhook daily, coalesced');
  },

  async (on, quiet) => {
    on.begin('trouble at the provider');
    const kim = await connected(quiet, 'kim');
    await on.happens(kim.terraUserId, 'connection_error');
    await on.hear('connection_error');
    await on.happens(kim.terraUserId, 'access_revoked');
    await on.hear('access_revoked');
  },

  async (on, quiet) => {
    on.begin('reauthentication');
    const lena = await connected(quiet, 'lena');
    await on.happens(lena.terraUserId, 'reauth');
    await on.hear('user_reauth');
  },

  async (on, quiet) => {
    on.begin('disconnect');
    const mia = await connected(quiet, 'mia');
    await on.step('disconnect', 'disconnect', () =>
      on.expectStatus(mia.who.call('DELETE', `/v1/connections/${mia.connectionId}`), 202),
    );
    await on.hear('deauth');
  },

  async (on, quiet) => {
    on.begin('erase, 3 connections');
    const nils = await person(on.stack, 'nils');
    for (const provider of ['GARMIN', 'OURA', 'FITBIT']) await direct(quiet, nils, provider);
    await on.step('erase', 'disconnect', () => on.expectStatus(nils.call('DELETE', '/v1/me'), 202));
  },

  async (on, quiet) => {
    on.begin('reads, 10 connections');
    const olga = await person(on.stack, 'olga');
    const providers = ['GARMIN', 'OURA', 'FITBIT', 'WHOOP', 'WITHINGS', 'POLAR', 'SUUNTO', 'COROS', 'STRAVA', 'EIGHT'];
    let sessionId = '';
    for (const provider of providers) sessionId = await direct(quiet, olga, provider);
    const [connection] = await olga.connections();
    await on.read(olga, '/v1/connections', 'list');
    await on.read(olga, `/v1/connections/${String(connection?.id)}`, 'one connection');
    await on.read(olga, `/v1/sessions/${sessionId}`, 'one session');
  },
];

async function widget(on: Recorder, who: Person): Promise<void> {
  const { id, url } = await on.open(who);
  const browser = await on.decide(url, 'approve', 'GARMIN');
  await on.hear('auth');
  const code = await on.comeBack(browser);
  await on.confirm(who, id, code);
}

async function direct(on: Recorder, who: Person, provider: string): Promise<string> {
  const { id, url } = await on.open(who, { provider });
  const browser = await on.decide(url);
  await on.hear('auth');
  const code = await on.comeBack(browser);
  await on.confirm(who, id, code);
  return id;
}

/** Somebody whose webhook comes only after Terra was asked. */
async function lookedUp(on: Recorder, quiet: Recorder, name: string): Promise<void> {
  const who = await person(on.stack, name);
  const { id, url } = await quiet.open(who, { provider: 'OURA' });
  const code = await quiet.comeBack(await quiet.decide(url));
  await on.confirm(who, id, code, 'confirm with lookup');
  await on.hear('auth', 'webhook auth, late');
}

/** Somebody with one connection. */
async function connected(on: Recorder, name: string) {
  const who = await person(on.stack, name);
  await direct(on, who, 'GARMIN');
  const [connection] = await who.connections();
  return { who, connectionId: String(connection?.id), terraUserId: String(connection?.terraUserId) };
}

/** A direct link whose code another user brings. */
async function finishedByAnother(on: Recorder, quiet: Recorder, by: string, other: string): Promise<void> {
  const [owner, stranger] = [await person(on.stack, by), await person(on.stack, other)];
  const { id, url } = await quiet.open(owner, { provider: 'GARMIN' });
  const browser = await quiet.decide(url);
  await quiet.hear('auth');
  const code = await quiet.comeBack(browser);
  await on.confirm(stranger, id, code, 'confirm by another owner', 404);
  await on.hear('deauth');
}
