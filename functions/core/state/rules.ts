import type { Instant } from '../platform/clock';
import type { Confirmation } from './session';

/** The settings that decide which status follows from the facts. */
export type Rules = {
  confirmation: Confirmation;
  /** How long an unconfirmed connection waits for its proof. */
  confirmWithin: Instant;
  /** `opaque`: every Terra user with our reference ids is ours. `subject`: only those from our sessions and tokens are. */
  referenceId: 'opaque' | 'subject';
};
