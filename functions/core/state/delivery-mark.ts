import * as z from 'zod/mini';
import type { Instant } from '../platform/clock';

/**
 * What tells a retry or replay from another event. `hasOwnTime`: the delivery carried Terra's own time of the event, which is
 * the same at every retry, though anybody who replays a delivery can change it.
 */
export type Delivery = { signedAt: Instant; bodyHash: string; hasOwnTime: boolean };

/** What is kept of a delivery, so that a retry or replay of it is not taken for another event. */
export const DeliveryMark = z.object({ signedAt: z.number(), bodyHash: z.string() });
export type DeliveryMark = z.infer<typeof DeliveryMark>;

export const toDeliveryMark = ({ signedAt, bodyHash }: Delivery): DeliveryMark => ({ signedAt, bodyHash });

/**
 * Returns whether a delivery is a retry or replay of the known one: the same body, signed at the same time, or at another one
 * if the delivery does not say when the event was.
 */
export function isSameDelivery(known: DeliveryMark | undefined, delivery: Delivery | undefined): boolean {
  if (!known || known.bodyHash !== delivery?.bodyHash) return false;
  return known.signedAt === delivery.signedAt || !delivery.hasOwnTime;
}
