import { randomUUID } from 'node:crypto';
import { dataEvent, largeAnswer, pingEvent } from './data-events';
import { dataTypes } from './samples';
import type { Delivery, OutgoingEvent } from './delivery';
import { accessRevokedEvent, connectionErrorEvent, deauthEvent, event, permissionChangeEvent } from './events';
import { findProvider } from './providers';
import { terraTime, terraUser } from './terra-user';
import type { SandboxUser } from './users';
import type { World } from './world';

type Occurrence = { says: string; happen: (world: World, user: SandboxUser) => readonly OutgoingEvent[] };

const DAY_MS = 24 * 3600 * 1000;

/** What can happen to a connected user, and the events Terra sends of it. Keys are what the control API calls them. */
export const userOccurrences: ReadonlyMap<string, Occurrence> = new Map<string, Occurrence>([
  ['access_revoked', { says: 'The person revokes access at the provider.', happen: revokeAccess }],
  ['deauth', { says: 'The connection ends and Terra deletes the user.', happen: deauthenticate }],
  [
    'connection_error',
    {
      says: "The provider rejects Terra's token.",
      happen: ({ switches }, user) => [connectionErrorEvent(user, switches, 'current')],
    },
  ],
  [
    'connection_error_legacy',
    {
      says: "The provider rejects Terra's token; older wording.",
      happen: ({ switches }, user) => [connectionErrorEvent(user, switches, 'legacy')],
    },
  ],
  ['permission_change', { says: 'The person takes a permission back, or gives them all again.', happen: changeScopes }],
  ...dataTypes.map((type): [string, Occurrence] => [
    type,
    {
      says: `New ${type.replaceAll('_', ' ')} data.`,
      happen: (world, user) => [dataEvent(type, touched(world, user), world)],
    },
  ]),
  [
    'large_data',
    {
      says: 'A large request: processing, sending, then chunks with one reference.',
      happen: (world, user) => largeAnswer('daily', touched(world, user), 4, world, randomUUID()),
    },
  ],
  [
    's3_payload',
    { says: 'Ping mode: a link to the data.', happen: (world, user) => [pingEvent(touched(world, user), world)] },
  ],
  [
    'processed_activity',
    {
      says: 'Data of a type that later versions of Terra may have.',
      happen: ({ switches }, user) => [
        event('processed_activity', user.userId, { user: terraUser(user, switches), data: [{}] }),
      ],
    },
  ],
  [
    'connection_updated',
    {
      says: 'Something about the connection, of a type that nobody has heard of.',
      happen: ({ switches }, user) => [event('connection_updated', user.userId, { user: terraUser(user, switches) })],
    },
  ],
  [
    'rate_limit_hit',
    {
      says: "Legacy: the provider's rate limit was hit.",
      happen: ({ switches, clock }, user) => [
        event('rate_limit_hit', user.userId, {
          message: 'Rate limit hit for provider',
          user: terraUser(user, switches),
          start_date: terraTime(clock.stamp() - DAY_MS),
          end_date: terraTime(clock.stamp()),
          retrying_at: terraTime(clock.stamp() + 15 * 60_000),
        }),
      ],
    },
  ],
  [
    'processing',
    {
      says: 'Legacy: a request is still being processed.',
      happen: ({ switches }, user) => [
        event('processing', user.userId, {
          status: 'success',
          message: 'Data is being processed',
          retry_after_seconds: 60,
          user: terraUser(user, switches),
        }),
      ],
    },
  ],
  [
    'google_no_datasource',
    {
      says: 'Legacy: a Google Fit account without any source.',
      happen: ({ switches }, user) => [
        event('google_no_datasource', user.userId, {
          status: 'warning',
          message: 'User has no datasource connected to Google Fit',
          user: terraUser(user, switches),
        }),
      ],
    },
  ],
]);

/** Events about no user. */
export const plainOccurrences: ReadonlyMap<string, { says: string; event: (world: World) => OutgoingEvent }> = new Map([
  [
    'healthcheck',
    {
      says: 'Legacy: a sign of life with delivery figures.',
      event: ({ clock }: World) =>
        event('healthcheck', null, {
          status: 'success',
          creation_timestamp: terraTime(clock.stamp()),
          trend_percentage: 1.5,
          sent_webhooks_last_hour: 42,
        }),
    },
  ],
  [
    'unknown_type',
    {
      says: 'A type nobody has heard of.',
      event: () => event('moon_phase_changed', null, { status: 'success', phase: 'waxing' }),
    },
  ],
]);

/** Lets it happen to the user now; undefined when there is no such occurrence. */
export async function occur(world: World, user: SandboxUser, name: string): Promise<readonly Delivery[] | undefined> {
  const occurrence = userOccurrences.get(name);
  if (!occurrence) return undefined;
  return world.deliveries.send(occurrence.happen(world, user));
}

/** Arranges what the active scenario says happens some time after connecting, unless the user is gone by then. */
export function occurLater(world: World, { userId, provider }: SandboxUser): void {
  const later = world.switches.take('later', provider);
  if (!later) return;
  world.clock.after(later.afterSeconds * 1000, async () => {
    const user = world.users.find(userId);
    if (user?.active) await occur(world, user, later.event);
  });
}

function revokeAccess({ users, switches }: World, user: SandboxUser): OutgoingEvent[] {
  users.put({ ...user, active: false });
  return [accessRevokedEvent(user, switches)];
}

/** Deletes the user as deauthenticateUser does; the event follows. */
export function deauthenticate({ users, switches }: World, user: SandboxUser): OutgoingEvent[] {
  users.remove(user.userId);
  return [deauthEvent(user, switches)];
}

function changeScopes({ users, switches }: World, user: SandboxUser): OutgoingEvent[] {
  const all = findProvider(user.provider)?.scopes ?? [];
  const missing = all.filter(scope => !user.scopes.includes(scope));
  const removed = missing.length > 0 ? [] : user.scopes.slice(-1);
  const changed = { ...user, scopes: missing.length > 0 ? [...all] : user.scopes.slice(0, -1) };
  users.put(changed);
  return [permissionChangeEvent(changed, { added: missing, removed }, switches)];
}

function touched({ users, clock }: World, user: SandboxUser): SandboxUser {
  const fresh = { ...user, lastDataAtMs: clock.stamp() };
  users.put(fresh);
  return fresh;
}
