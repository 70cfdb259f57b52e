import type { Instant } from '../platform/clock';
import type { Confirmation } from './session';

/** The settings that decide what facts amount to. */
export type Rules = {
  confirmation: Confirmation;
  /** How long an unconfirmed connection may wait for its proof. */
  confirmWithin: Instant;
  /** `opaque`: every Terra user under our reference ids is ours. `subject`: only those we authorised are. */
  referenceId: 'opaque' | 'subject';
};
