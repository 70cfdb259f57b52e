import type { PostResult } from './post';

/** An event on its way out. Chunks of one answer share `reference` and have their own trace id. */
export type OutgoingEvent = { type: string; userId: string | null; body: string; reference?: string; traceId?: string };

/** `at` is by the sandbox's clock, `realAt` by the machine's. */
export type Attempt = PostResult & {
  at: string;
  realAt: string;
  signedAtSeconds: number;
  headers: Record<string, string>;
  ms: number;
};

export type DeliveryState = 'waiting' | 'retrying' | 'delivered' | 'gave_up' | 'lost' | 'no_destination' | 'disabled';

/** One delivery of one event, with every attempt so far. */
export type Delivery = {
  id: string;
  type: string;
  userId: string | null;
  traceId: string;
  reference: string;
  orderingTimestampMs: number;
  body: string;
  state: DeliveryState;
  attempts: Attempt[];
  nextAttemptAt?: string;
};
