import { randomUUID } from 'node:crypto';
import { dataEvent, largeAnswer, pingEvent } from './data-events';
import { type DataType, dataTypes } from './samples';
import type { Delivery, OutgoingEvent } from './delivery';
import { accessRevokedEvent, connectionErrorEvent, deauthEvent, event, permissionChangeEvent } from './events';
import { findProvider } from './providers';
import { terraTime, terraUser } from './terra-user';
import type { SandboxUser } from './users';
import type { World } from './world';

type UserEvent = { says: string; trigger: (world: World, user: SandboxUser) => readonly OutgoingEvent[] };

const DAY_MS = 24 * 3600 * 1000;

/** The events that can be triggered for a connected user, by their name in the control API. */
export const userEvents: ReadonlyMap<string, UserEvent> = new Map(
  Object.entries<UserEvent>({
    access_revoked: { says: 'The user revokes access at the provider.', trigger: revokeAccess },
    deauth: { says: 'The connection ends and Terra deletes the user.', trigger: deauthenticate },
    connection_error: {
      says: "The provider rejects Terra's token.",
      trigger: ({ switches }, user) => [connectionErrorEvent(user, switches, 'current')],
    },
    connection_error_legacy: {
      says: "The provider rejects Terra's token; older wording.",
      trigger: ({ switches }, user) => [connectionErrorEvent(user, switches, 'legacy')],
    },
    permission_change: {
      says: 'The user revokes one permission, or grants all of them again.',
      trigger: changeScopes,
    },
    ...Object.fromEntries(dataTypes.map(type => [type, newData(type)])),
    large_data: {
      says: 'A large request: processing, sending, then chunks that share one reference.',
      trigger: (world, user) => largeAnswer('daily', withNewData(world, user), 4, world, randomUUID()),
    },
    s3_payload: {
      says: 'Ping mode: a link to the data.',
      trigger: (world, user) => [pingEvent(withNewData(world, user), world)],
    },
    processed_activity: {
      says: 'Data of a type that a later version of Terra may send.',
      trigger: ({ switches }, user) => [
        event('processed_activity', user.userId, { user: terraUser(user, switches), data: [{}] }),
      ],
    },
    connection_updated: {
      says: 'A connection event of an unknown type.',
      trigger: ({ switches }, user) => [event('connection_updated', user.userId, { user: terraUser(user, switches) })],
    },
    rate_limit_hit: {
      says: "Legacy: the provider's rate limit was hit.",
      trigger: ({ switches, clock }, user) => [
        event('rate_limit_hit', user.userId, {
          message: 'Rate limit hit for provider',
          user: terraUser(user, switches),
          start_date: terraTime(clock.stamp() - DAY_MS),
          end_date: terraTime(clock.stamp()),
          retrying_at: terraTime(clock.stamp() + 15 * 60_000),
        }),
      ],
    },
    processing: {
      says: 'Legacy: a request is still being processed.',
      trigger: ({ switches }, user) => [
        event('processing', user.userId, {
          status: 'success',
          message: 'Data is being processed',
          retry_after_seconds: 60,
          user: terraUser(user, switches),
        }),
      ],
    },
    google_no_datasource: {
      says: 'Legacy: a Google Fit account without a data source.',
      trigger: ({ switches }, user) => [
        event('google_no_datasource', user.userId, {
          status: 'warning',
          message: 'User has no datasource connected to Google Fit',
          user: terraUser(user, switches),
        }),
      ],
    },
  }),
);

/** Events that belong to no user. */
export const generalEvents: ReadonlyMap<string, { says: string; create: (world: World) => OutgoingEvent }> = new Map(
  Object.entries({
    healthcheck: {
      says: 'Legacy: a health check with delivery figures.',
      create: ({ clock }: World) =>
        event('healthcheck', null, {
          status: 'success',
          creation_timestamp: terraTime(clock.stamp()),
          trend_percentage: 1.5,
          sent_webhooks_last_hour: 42,
        }),
    },
    unknown_type: {
      says: 'An event of an unknown type.',
      create: () => event('moon_phase_changed', null, { status: 'success', phase: 'waxing' }),
    },
  }),
);

function newData(type: DataType): UserEvent {
  return {
    says: `New ${type.replaceAll('_', ' ')} data.`,
    trigger: (world, user) => [dataEvent(type, withNewData(world, user), world)],
  };
}

/** Triggers the event for the user and sends it. Returns undefined if there is no such event. */
export async function triggerEvent(
  world: World,
  user: SandboxUser,
  name: string,
): Promise<readonly Delivery[] | undefined> {
  const found = userEvents.get(name);
  return found && world.deliveries.send(found.trigger(world, user));
}

/**
 * Schedules the event that the active scenario triggers some time after connecting, if the user is still connected
 * then.
 */
export function scheduleLaterEvent(world: World, { userId, provider }: SandboxUser): void {
  const later = world.switches.take('later', provider);
  if (!later) return;
  world.clock.after(later.afterSeconds * 1000, async () => {
    const user = world.users.find(userId);
    if (user?.active) await triggerEvent(world, user, later.event);
  });
}

function revokeAccess({ users, switches }: World, user: SandboxUser): OutgoingEvent[] {
  users.put({ ...user, active: false });
  return [accessRevokedEvent(user, switches)];
}

/** Deletes the user as deauthenticateUser does, and returns the event to send. */
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

function withNewData({ users, clock }: World, user: SandboxUser): SandboxUser {
  const fresh = { ...user, lastDataAtMs: clock.stamp() };
  users.put(fresh);
  return fresh;
}
