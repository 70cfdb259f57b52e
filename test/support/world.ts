import { createHash } from 'node:crypto';
import type { Instant } from '../../functions/core/platform/clock';
import { MINUTE } from '../../functions/core/platform/clock';
import { Problem } from '../../functions/core/http/errors';
import type { LogFields } from '../../functions/core/platform/log';
import { opaqueReferenceId } from '../../functions/core/state/owner';
import type { Rules } from '../../functions/core/state/rules';
import type { LinkRequest, Terra, TerraLink, TerraUser } from '../../functions/core/terra/terra';
import { memoryStore } from './memory-store';

export const NOON: Instant = Date.UTC(2026, 10, 22, 12);
export const REFERENCE_KEY = 'reference-key-for-tests-0123456789abcdef';
const referenceIds = new Map<string, string>();
export function referenceIdOf(sub: string): string {
  const known = referenceIds.get(sub) ?? opaqueReferenceId(REFERENCE_KEY, 'https://issuer.example', sub);
  referenceIds.set(sub, known);
  return known;
}

/** The Terra user ids that tests name by a number. */
export const terraUser = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

type Call = { what: keyof Terra; about: string };

/** A Terra client that records its calls and can be made to fail. */
export function fakeTerra() {
  const calls: Call[] = [];
  const users = new Map<string, TerraUser>();
  const links: LinkRequest[] = [];
  let failure: Problem | undefined;
  let sessions = 0;

  const called = (what: keyof Terra, about: string) => {
    calls.push({ what, about });
    if (failure) throw failure;
  };
  const link = (request: LinkRequest): TerraLink => {
    links.push(request);
    return { url: `https://terra.example/${++sessions}`, expiresInSeconds: 900 };
  };

  const terra: Terra = {
    openWidget: async request => {
      called('openWidget', request.referenceId);
      return { ...link(request), terraSessionId: `terra-session-${sessions}` };
    },
    openDirect: async request => {
      called('openDirect', request.provider);
      return { ...link(request), terraUserId: terraUser(1000 + sessions) };
    },
    mintToken: async referenceId => {
      called('mintToken', referenceId);
      return { token: `token-${calls.length}`, expiresInSeconds: 180 };
    },
    findUser: async terraUserId => {
      called('findUser', terraUserId);
      return users.get(terraUserId);
    },
    findUsers: async terraUserIds => {
      called('findUsers', terraUserIds.join());
      return new Set(terraUserIds.filter(id => users.has(id)));
    },
    deauthenticate: async terraUserId => {
      called('deauthenticate', terraUserId);
      users.delete(terraUserId);
    },
    listProviders: async () => {
      called('listProviders', '');
      return [
        { id: 'OURA', name: 'Oura', kind: 'web' },
        { id: 'GARMIN', name: 'Garmin', kind: 'web' },
      ];
    },
  };
  return {
    ...terra,
    calls,
    links,
    users,
    /** The state in the callback URLs of the newest link. */
    lastState: () => links.at(-1)?.successUrl.split('/').at(-2) ?? '',
    failWith: (problem: Problem | undefined) => {
      failure = problem;
    },
    asked: (what: keyof Terra) => calls.filter(call => call.what === what).map(call => call.about),
  };
}

/** All dependencies of a behaviour, with a clock that moves only on request. */
export function world({ parses = true, ...options }: Partial<Rules> & { parses?: boolean } = {}) {
  let now = NOON;
  let drawn = 0;
  const notes: LogFields[] = [];
  const alarms: string[] = [];
  const store = memoryStore({
    parses,
    found: ({ unreadableRows }) => {
      if (unreadableRows > 0) alarms.push('unreadable_row');
    },
  });
  const terra = fakeTerra();
  const rules: Rules = { confirmation: 'required', confirmWithin: 60 * MINUTE, referenceId: 'opaque', ...options };
  return {
    store,
    terra,
    rules,
    notes,
    alarms,
    confirmation: rules.confirmation,
    clock: () => now,
    wait: (time: Instant) => {
      now += time;
    },
    pause: async () => {},
    random: (bytes: number) => createHash('sha512').update(`random ${++drawn}`).digest().subarray(0, bytes),
    ownerOf: async ({ sub }: { sub: string }) => ({ sub, referenceId: referenceIdOf(sub) }),
    referenceKey: async () => REFERENCE_KEY,
    returnTargets: new Map([
      ['web', 'https://app.example/connected?from=terra#top'],
      ['app', 'exampleapp://connected'],
    ]),
    offered: () => terra.listProviders(),
    callbackBase: 'https://api.example/v1/callback',
    cookiePath: '/v1/callback',
    limit: 10,
    dataEvents: 'coalesce' as const,
    alarm: (name: string) => void alarms.push(name),
    note: (facts: LogFields) => void notes.push(facts),
  };
}

/** A Terra user of alice that was created and authenticated just now. */
export const authenticated = (
  terraUserId: string,
  { clock }: Pick<World, 'clock'>,
  more: Partial<TerraUser> = {},
): TerraUser => ({
  terraUserId,
  provider: 'GARMIN',
  referenceId: referenceIdOf('alice'),
  authenticated: true,
  createdAt: clock(),
  scopes: [],
  ...more,
});

export type World = ReturnType<typeof world>;

/** Returns the code of the problem that a promise is rejected with, or else its value. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(error => {
    if (error instanceof Problem) return error.code;
    throw error;
  });
}
