import type { FailureCause } from './session';

/**
 * What a failure reason of Terra's amounts to. Terra publishes no list (`access_denied` and `auth_cancelled` are the two
 * seen), so the text is only ever mapped onto ours and never passed on.
 */
export function failureCause(reason: string | undefined): FailureCause {
  if (reason === undefined || reason === '') return 'unknown';
  if (/denied|declined|refused/i.test(reason)) return 'denied';
  if (/cancel|abort|closed/i.test(reason)) return 'cancelled';
  if (/error|fail|unavailable|timeout|invalid/i.test(reason)) return 'provider_error';
  return 'unknown';
}
