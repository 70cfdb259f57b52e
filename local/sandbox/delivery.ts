import type { PostResult } from './post';

/** An event to be delivered. Chunks of one answer share `reference`, each with its own trace id. */
export type OutgoingEvent = { type: string; userId: string | null; body: string; reference?: string; traceId?: string };

/** One attempt. `at` is the sandbox's clock, `realAt` this machine's. */
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
