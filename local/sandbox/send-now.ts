import { reconnect } from './connecting';
import type { Delivery } from './delivery';
import { generalEvents, triggerEvent, userEvents } from './occurrences';
import type { World } from './world';

const reauth = { name: 'reauth', says: 'The user connects the same account again and gets a new Terra user.' };

/** Returns every event that can be sent on demand. */
export function sendable(): { name: string; says: string; of: 'user' | 'nobody' }[] {
  return [
    { ...reauth, of: 'user' },
    ...[...userEvents].map(([name, { says }]) => ({ name, says, of: 'user' as const })),
    ...[...generalEvents].map(([name, { says }]) => ({ name, says, of: 'nobody' as const })),
  ];
}

/**
 * Sends an event of a user and resolves after the first attempts. Returns undefined if the user or event is unknown.
 */
export async function sendOf(world: World, userId: string, name: string): Promise<readonly Delivery[] | undefined> {
  const user = world.users.find(userId);
  if (!user) return undefined;
  return name === reauth.name ? reconnect(world, user) : triggerEvent(world, user, name);
}

/** Sends an event that belongs to no user. Returns undefined if there is no such event. */
export async function sendPlain(world: World, name: string): Promise<readonly Delivery[] | undefined> {
  const event = generalEvents.get(name);
  return event && world.deliveries.send([event.create(world)]);
}

/** Signs and delivers any body, valid or not, to test receivers. */
export function sendRaw(world: World, body: string): Promise<readonly Delivery[]> {
  return world.deliveries.send([{ type: 'raw', userId: null, body }]);
}
