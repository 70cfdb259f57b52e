import * as z from 'zod/mini';
import type { Instant } from '../platform/clock';

/**
 * One webhook delivery. `hasOwnTime`: it has Terra's time of the event, which is the same in every retry. That time is not signed,
 * so a replay can change it.
 */
export type Delivery = { signedAt: Instant; bodyHash: string; hasOwnTime: boolean };

/** The stored identity of a delivery, by which a retry or replay is recognized. */
export const DeliveryMark = z.object({ signedAt: z.number(), bodyHash: z.string() });
export type DeliveryMark = z.infer<typeof DeliveryMark>;

export const toDeliveryMark = ({ signedAt, bodyHash }: Delivery): DeliveryMark => ({ signedAt, bodyHash });

/**
 * Returns whether a delivery is a retry or replay of the known one: it has the same body, and the same signed time unless it
 * lacks Terra's time of the event.
 */
export function isSameDelivery(known: DeliveryMark | undefined, delivery: Delivery | undefined): boolean {
  if (!known || known.bodyHash !== delivery?.bodyHash) return false;
  return known.signedAt === delivery.signedAt || !delivery.hasOwnTime;
}
