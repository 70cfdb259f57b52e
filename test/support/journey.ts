import { completeCallback, recordFailure } from '../../functions/complete-callback';
import { confirm } from '../../functions/confirm-session';
import { Problem } from '../../functions/core/http/errors';
import { sign } from '../../functions/core/terra/signature';
import type { Store } from '../../functions/core/store/store';
import { readTerraUserId } from '../../functions/core/terra/terra-user';
import { readStateToken } from '../../functions/core/state/state-token';
import { openSession } from '../../functions/create-session';
import { disconnectOne, eraseMe } from '../../functions/disconnect';
import { mint } from '../../functions/mint-token';
import { listConnectionsOf, readConnectionOf, readSessionOf } from '../../functions/read-state';
import { receiveDelivery } from '../../functions/receive-webhook';
import { sweep } from '../../functions/sweep-stale';
import { referenceIdOf, type World } from './world';

export const WEBHOOK_SECRET = 'webhook-secret-for-tests';

const bare = { query: {}, headers: {}, rawBody: Buffer.alloc(0) };

/** What the callback recognizes a browser by. */
export type VisitingBrowser = { cookies: string[]; sourceIp: string; headers: Record<string, string> };

/** A browser that opens an address as a page, as all do unless a test says otherwise. */
export const browserNamed = (name: string): VisitingBrowser => ({
  cookies: [],
  sourceIp: `192.0.2.${1 + (name.charCodeAt(0) % 200)}`,
  headers: { 'user-agent': name, 'accept-language': 'en', 'sec-fetch-mode': 'navigate' },
});
const usualBrowser = browserNamed('usual');

type Wish = { provider?: string; providers?: string[]; returnTo?: string; language?: string };

/** A world on any store. */
export type Setting = Omit<World, 'store'> & { store: Store };

/** The actions of users, their browsers and Terra, each one step, against the behaviours themselves. */
export function journey(world: Setting) {
  const as = (sub: string) => ({ ...bare, caller: { sub }, note: world.note });

  /** Opens the success URL in a browser, and says what came back. */
  async function visit(state: string, query: Record<string, string>, browser: Partial<VisitingBrowser> = {}) {
    const { headers, ...rest } = { ...usualBrowser, ...browser };
    const reply = await completeCallback(
      { ...bare, path: { state }, query, headers, body: undefined, note: world.note, browser: rest },
      world,
    );
    const target = reply.headers.location ?? /<a href="(\w+:[^"]*)"/.exec(reply.page)?.[1]?.replaceAll('&amp;', '&');
    const sent = target === undefined ? undefined : new URL(target).searchParams;
    const cookie = reply.cookies?.[0]?.split(';')[0];
    return { reply, cookie, code: sent?.get('code') ?? undefined, sent: sent && Object.fromEntries(sent) };
  }

  return {
    open: async (sub: string, { returnTo = 'web', ...wish }: Wish = {}, headers: Record<string, string> = {}) => {
      const reply = await openSession({ ...as(sub), headers, path: {}, body: { returnTo, ...wish } }, world);
      return { ...reply.body, state: world.terra.lastState() };
    },
    visit,
    /** The browser of a user whom Terra authenticated: unless set otherwise, a lookup confirms it. */
    comeBack: async (state: string, query: Record<string, string>, browser?: Partial<VisitingBrowser>) => {
      const { user_id: terraUserId, resource = 'GARMIN' } = query;
      const referenceId = readStateToken(state)?.referenceId;
      if (terraUserId !== undefined && readTerraUserId(terraUserId) && !world.terra.users.has(terraUserId)) {
        const known = { terraUserId, provider: resource, referenceId, authenticated: true, scopes: undefined };
        world.terra.users.set(terraUserId, { ...known, createdAt: world.clock() });
      }
      return visit(state, query, browser);
    },
    /** A return while Terra cannot be asked: it counts without Terra's answer. */
    comeBackUnasked: async (state: string, query: Record<string, string>, browser?: Partial<VisitingBrowser>) => {
      world.terra.failWith(new Problem('terra_unavailable', 'away'));
      const back = await visit(state, query, browser);
      world.terra.failWith(undefined);
      return back;
    },
    fail: async (state: string, query: Record<string, string> = {}) =>
      recordFailure(
        { ...bare, path: { state }, query, body: undefined, note: world.note, browser: usualBrowser },
        world,
      ),
    confirm: (sub: string, id: string, code?: string) =>
      confirm({ ...as(sub), path: { id }, body: code === undefined ? {} : { code } }, world),
    disconnect: async (sub: string, id: string) =>
      (await disconnectOne({ ...as(sub), path: { id }, body: undefined }, world)).body,
    erase: (sub: string) => eraseMe({ ...as(sub), path: {}, body: undefined }, world),
    mint: (sub: string, provider?: string) =>
      mint({ ...as(sub), path: {}, body: provider === undefined ? {} : { provider } }, world),
    session: async (sub: string, id: string) =>
      (await readSessionOf({ ...as(sub), path: { id }, body: undefined }, world)).body,
    connection: async (sub: string, id: string) =>
      (await readConnectionOf({ ...as(sub), path: { id }, body: undefined }, world)).body,
    connections: async (sub: string) =>
      (await listConnectionsOf({ ...as(sub), path: {}, body: undefined }, world)).body.connections,
    /** A delivery of Terra's, truly signed at this moment. */
    deliver: async (event: object, { ordering = world.clock() }: { ordering?: number } = {}) => {
      const rawBody = Buffer.from(JSON.stringify(event));
      const headers = {
        'x-terra-signature': sign(rawBody, WEBHOOK_SECRET, Math.floor(world.clock() / 1000)),
        'x-terra-ordering-timestamp': String(ordering),
      };
      const secrets = {
        read: async () => ({ current: WEBHOOK_SECRET }),
        reread: async () => ({ current: WEBHOOK_SECRET }),
      };
      const request = { ...bare, path: {}, headers, rawBody, body: undefined, note: world.note };
      return (await receiveDelivery(request, { ...world, secrets })).body.outcome;
    },
    sweep: () => sweep({ ...world, log: () => {}, until: world.clock() + 45_000, dryRun: false }),
  };
}

type Told = { sub?: string; referenceId?: string | null; provider?: string; createdAt?: string };

/** A user as Terra's events show it. */
export function told(
  userId: string,
  { sub = 'alice', referenceId = referenceIdOf(sub), provider = 'GARMIN', createdAt }: Told = {},
) {
  return {
    user_id: userId,
    provider,
    reference_id: referenceId,
    scopes: 'DAILY, ACTIVITY',
    active: true,
    created_at: createdAt ?? null,
  };
}

/** Terra's events, as its specification shows them. */
export const terraEvent = {
  auth: (userId: string, more: Told & { session?: string } = {}) => ({
    type: 'auth',
    status: 'success',
    user: told(userId, more),
    ...(more.session !== undefined && { widget_session_id: more.session }),
  }),
  authError: (userId: string, more: Told & { session?: string } = {}) => ({
    type: 'auth',
    status: 'error',
    message: 'User failed to authenticate and has been deleted',
    reason: 'auth_cancelled',
    user: told(userId, more),
    ...(more.session !== undefined && { widget_session_id: more.session }),
  }),
  cancelled: (referenceId: string | null, reason: string | null = 'access_denied') => ({
    type: 'auth_cancelled',
    status: 'error',
    flow_id: null,
    reason,
    reference_id: referenceId,
  }),
  reauth: (oldUser: object | null, newUser: object) => ({
    type: 'user_reauth',
    status: 'warning',
    old_user: oldUser,
    new_user: newUser,
  }),
  deauth: (userId: string, more: Told = {}) => ({ type: 'deauth', status: 'success', user: told(userId, more) }),
  revoked: (userId: string, more: Told = {}) => ({
    type: 'access_revoked',
    status: 'warning',
    user: told(userId, more),
  }),
  error: (userId: string, more: Told = {}) => ({
    type: 'connection_error',
    status: 'warning',
    user: told(userId, more),
  }),
  permissions: (userId: string, scopes: string, more: Told = {}) => ({
    type: 'permission_change',
    status: 'warning',
    scopes_added: '',
    scopes_removed: '',
    user: { ...told(userId, more), scopes },
  }),
  data: (userId: string, more: Told = {}) => ({
    type: 'daily',
    version: '2022-03-16',
    user: told(userId, more),
    data: [{}],
  }),
};
