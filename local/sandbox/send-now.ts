import { reconnect } from './connecting';
import type { Delivery } from './delivery';
import { occur, plainOccurrences, userOccurrences } from './occurrences';
import type { World } from './world';

const reauth = { name: 'reauth', says: 'The person connects the same account again and gets a new Terra user.' };

/** Every event that can be sent on demand: those of a user, and those of none. */
export function sendable(): { name: string; says: string; of: 'user' | 'nobody' }[] {
  return [
    { ...reauth, of: 'user' },
    ...[...userOccurrences].map(([name, { says }]) => ({ name, says, of: 'user' as const })),
    ...[...plainOccurrences].map(([name, { says }]) => ({ name, says, of: 'nobody' as const })),
  ];
}

/** Sends an event of a user now; the deliveries have had their first attempt. Undefined when user or event is unknown. */
export async function sendOf(world: World, userId: string, name: string): Promise<readonly Delivery[] | undefined> {
  const user = world.users.find(userId);
  if (!user) return undefined;
  return name === reauth.name ? reconnect(world, user) : occur(world, user, name);
}

/** Sends an event that belongs to no user; undefined when there is no such event. */
export async function sendPlain(world: World, name: string): Promise<readonly Delivery[] | undefined> {
  const occurrence = plainOccurrences.get(name);
  return occurrence && world.deliveries.send([occurrence.event(world)]);
}

/** Signs and delivers any body, truly Terra's or not: for receivers that must withstand it. */
export function sendRaw(world: World, body: string): Promise<readonly Delivery[]> {
  return world.deliveries.send([{ type: 'raw', userId: null, body }]);
}
