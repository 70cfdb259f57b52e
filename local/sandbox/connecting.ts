import { createHash, randomUUID } from 'node:crypto';
import type { Delivery } from './delivery';
import { authEvent, authFailedEvent, type Origin, reauthEvent } from './events';
import { type Flow, unconnectedUser } from './links';
import { occurLater } from './occurrences';
import { findProvider, type Provider } from './providers';
import type { SandboxUser } from './users';
import type { World } from './world';

/**
 * Who connected what: a provider account, for a reference id, perhaps from a certain phone. `createdAtMs` is when Terra made
 * the user, if that was before now.
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

/** The new user, and what resolves when its events had their first attempt. */
export type Connected = { user: SandboxUser; told: Promise<readonly Delivery[]> };

/** The provider account a person has unless they name another: always the same one for one reference id. */
export function usualAccount(provider: string, referenceId: string | null): string {
  const who = referenceId === null ? randomUUID() : createHash('sha256').update(referenceId).digest('hex');
  return `person-${who.slice(0, 8)}@${provider.toLowerCase().replaceAll('_', '-')}.example`;
}

/** Whether this environment may have another user. Docs: understanding-terra-environments. */
export function isFull(world: World): boolean {
  const limit = world.switches.knob('userLimit');
  return limit !== null && world.users.all().length >= limit;
}

/**
 * Makes the Terra user, deletes those it replaces and sends the events. A replaced user of the same reference id is told by
 * user_reauth, one of another reference id by nothing. FAQ: same-account-multiple-reference-ids-duplicates.
 * A Terra user that authenticates again keeps its `created_at` and takes the state of the newer account.
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
  occurLater(world, user);
  return { user, told: world.deliveries.send(events) };
}

/** A connection made through none of this app's links. */
export type Elsewhere = {
  provider: Provider;
  referenceId: string | null;
  /** The usual account of the reference id if left out. */
  account?: string | undefined;
  /** What the `auth` event says; it has no such field if left out. */
  widgetSessionId?: string | null | undefined;
};

/** Makes a Terra user as another program in the same Terra environment does, which may use the same reference ids. */
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

/** The same person connects the same account once more; on a phone, as a new device. */
export function reconnect(world: World, user: SandboxUser): Promise<readonly Delivery[]> {
  const onPhone = findProvider(user.provider)?.kind === 'sdk';
  const { createdAtMs: _old, ...account } = user;
  return connect(world, {
    ...account,
    userId: randomUUID(),
    deviceId: onPhone ? randomUUID() : null,
    origin: { widgetSessionId: null, flowId: onPhone ? null : randomUUID() },
  }).told;
}

/** The person said no, or could not: tells the app, keeps nothing. */
export function failToConnect(world: World, flow: Flow, reason: string | null): Promise<readonly Delivery[]> {
  return world.deliveries.send([authFailedEvent(flow, unconnectedUser(flow), reason, world.switches)]);
}

/**
 * SDK sources: the tuple of reference id and provider, where a reference id is given (agent skills, terra-mobile-sdk).
 * Others: the provider account, among all reference ids (classic) or only its own (newer).
 */
function isReplacedBy(world: World, user: SandboxUser, connecting: Connecting): boolean {
  if (user.provider !== connecting.provider) return false;
  const sameReference = user.referenceId === connecting.referenceId;
  if (findProvider(connecting.provider)?.kind === 'sdk') return sameReference && Boolean(connecting.referenceId);
  if (world.switches.knob('reauthMatch') === 'reference' && sameReference && connecting.referenceId) return true;
  if (user.account !== connecting.account) return false;
  return world.switches.knob('identity') === 'classic' || sameReference;
}
