import { createHash, randomUUID } from 'node:crypto';
import type { Delivery } from './deliveries';
import { authEvent, authFailedEvent, type Origin, reauthEvent } from './events';
import { type Flow, unconnectedUser } from './links';
import { occurLater } from './occurrences';
import { findProvider } from './providers';
import type { SandboxUser } from './users';
import type { World } from './world';

/** Who connected what: a provider account, for a reference id, perhaps from a certain phone. */
export type Connecting = {
  userId: string;
  provider: string;
  referenceId: string | null;
  account: string;
  deviceId: string | null;
  scopes: readonly string[];
  origin: Origin;
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
 */
export function connect(world: World, connecting: Connecting): Connected {
  const { switches, users, clock } = world;
  const old = users.all().filter(user => user.userId !== connecting.userId && isReplacedBy(world, user, connecting));
  const known = users.find(connecting.userId);
  const user: SandboxUser = {
    userId: connecting.userId,
    provider: connecting.provider,
    referenceId: connecting.referenceId,
    account: connecting.account,
    deviceId: connecting.deviceId,
    scopes: [...connecting.scopes],
    createdAtMs: known?.createdAtMs ?? clock.stamp(),
    lastDataAtMs: known?.lastDataAtMs ?? null,
    active: true,
  };
  for (const replaced of old) users.remove(replaced.userId);
  users.put(user);

  const auth = authEvent(user, connecting.origin, switches);
  const reauths = old
    .filter(replaced => replaced.referenceId === user.referenceId)
    .map(replaced => reauthEvent(user, replaced, switches));
  const events = switches.knob('reauthOrder') === 'auth_first' ? [auth, ...reauths] : [...reauths, auth];
  occurLater(world, user);
  return { user, told: world.deliveries.send(events) };
}

/** The same person connects the same account once more; on a phone, as a new device. */
export function reconnect(world: World, user: SandboxUser): Promise<readonly Delivery[]> {
  const onPhone = findProvider(user.provider)?.kind === 'sdk';
  return connect(world, {
    ...user,
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
