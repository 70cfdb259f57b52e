import { createHash, randomUUID } from 'node:crypto';
import type { Delivery } from './delivery';
import { authEvent, authFailedEvent, type Origin, reauthEvent } from './events';
import { type Flow, unconnectedUser } from './links';
import { scheduleLaterEvent } from './occurrences';
import { findProvider, type Provider } from './providers';
import type { SandboxUser } from './users';
import type { World } from './world';

/**
 * A provider account to be connected for a reference id, possibly from a phone. `createdAtMs` is when Terra created the
 * user, if that was earlier.
 */
export type Connecting = {
  userId: string;
  provider: string;
  referenceId: string | null;
  account: string;
  deviceId: string | null;
  scopes: readonly string[];
  origin: Origin;
  createdAtMs?: number;
};

/** The new user, and a promise that resolves when each of its events had its first delivery attempt. */
export type Connected = { user: SandboxUser; sent: Promise<readonly Delivery[]> };

/** Returns the default provider account: always the same one for one reference id. */
export function usualAccount(provider: string, referenceId: string | null): string {
  const who = referenceId === null ? randomUUID() : createHash('sha256').update(referenceId).digest('hex');
  return `person-${who.slice(0, 8)}@${provider.toLowerCase().replaceAll('_', '-')}.example`;
}

/** Returns whether the environment has reached its user limit. Docs: understanding-terra-environments. */
export function isFull(world: World): boolean {
  const limit = world.switches.knob('userLimit');
  return limit !== null && world.users.all().length >= limit;
}

/**
 * Creates the Terra user, deletes the users it replaces and sends the events. A replaced user of the same reference id
 * is reported by user_reauth; one of another reference id is not reported. FAQ:
 * same-account-multiple-reference-ids-duplicates. A Terra user that authenticates again keeps its `created_at` and
 * takes the state of the newer account.
 */
export function connect(world: World, connecting: Connecting): Connected {
  const { switches, users, clock, authentications } = world;
  const old = users.all().filter(user => user.userId !== connecting.userId && isReplacedBy(world, user, connecting));
  const known = users.find(connecting.userId);
  const user: SandboxUser = {
    userId: connecting.userId,
    provider: connecting.provider,
    referenceId: connecting.referenceId,
    account: connecting.account,
    deviceId: connecting.deviceId,
    scopes: [...connecting.scopes],
    createdAtMs: known?.createdAtMs ?? connecting.createdAtMs ?? clock.stamp(),
    lastDataAtMs: known?.account === connecting.account ? known.lastDataAtMs : null,
    active: true,
  };
  for (const replaced of old) users.remove(replaced.userId);
  users.put(user);
  const earlier = known ? (authentications.find(user.userId) ?? [{ atMs: 0, user: known }]) : [];
  authentications.put(user.userId, [...earlier, { atMs: clock.now(), user }]);

  const auth = authEvent(user, connecting.origin, switches);
  const reauths = old
    .filter(replaced => replaced.referenceId === user.referenceId)
    .map(replaced => reauthEvent(user, replaced, switches));
  const events = switches.knob('reauthOrder') === 'auth_first' ? [auth, ...reauths] : [...reauths, auth];
  scheduleLaterEvent(world, user);
  return { user, sent: world.deliveries.send(events) };
}

/** A connection that was not made through this app's links. */
export type Elsewhere = {
  provider: Provider;
  referenceId: string | null;
  /** Defaults to the usual account of the reference id. */
  account?: string | undefined;
  /** The field of the `auth` event, which has none by default. */
  widgetSessionId?: string | null | undefined;
};

/**
 * Creates a Terra user as another program in the same Terra environment would. That program may use the same reference
 * ids.
 */
export function connectElsewhere(
  world: World,
  { provider, referenceId, account, widgetSessionId }: Elsewhere,
): Connected {
  const onPhone = provider.kind === 'sdk';
  return connect(world, {
    userId: randomUUID(),
    provider: provider.id,
    referenceId,
    account: account ?? usualAccount(provider.id, referenceId),
    deviceId: onPhone ? randomUUID() : null,
    scopes: provider.scopes,
    origin: { widgetSessionId, flowId: onPhone ? null : randomUUID() },
  });
}

/** Connects the same account again under a new Terra user; on a phone, as a new device. */
export function reconnect(world: World, user: SandboxUser): Promise<readonly Delivery[]> {
  const onPhone = findProvider(user.provider)?.kind === 'sdk';
  const { createdAtMs: _old, ...account } = user;
  return connect(world, {
    ...account,
    userId: randomUUID(),
    deviceId: onPhone ? randomUUID() : null,
    origin: { widgetSessionId: null, flowId: onPhone ? null : randomUUID() },
  }).sent;
}

/** Reports a denied or failed attempt. No user is created. */
export function failToConnect(world: World, flow: Flow, reason: string | null): Promise<readonly Delivery[]> {
  return world.deliveries.send([authFailedEvent(flow, unconnectedUser(flow), reason, world.switches)]);
}

/**
 * Returns whether the new connection replaces the user. SDK sources match on reference id and provider, if there is a
 * reference id (agent skills, terra-mobile-sdk). Other sources match on the provider account, across all reference ids
 * (classic) or within one (newer).
 */
function isReplacedBy(world: World, user: SandboxUser, connecting: Connecting): boolean {
  if (user.provider !== connecting.provider) return false;
  const sameReference = user.referenceId === connecting.referenceId;
  if (findProvider(connecting.provider)?.kind === 'sdk') return sameReference && Boolean(connecting.referenceId);
  if (world.switches.knob('reauthMatch') === 'reference' && sameReference && connecting.referenceId) return true;
  if (user.account !== connecting.account) return false;
  return world.switches.knob('identity') === 'classic' || sameReference;
}
