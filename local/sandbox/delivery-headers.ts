import { sign } from '../../functions/core/terra/signature';
import type { SandboxClock } from './clock';
import type { Delivery } from './delivery';
import type { Switchboard } from './switchboard';

const WEEK_SECONDS = 7 * 24 * 3600;
const OTHER_SECRET = 'the-secret-of-some-other-destination';

/**
 * Returns the headers and body of one attempt. Headers: agent skills webhooks-verify-raw-body,
 * webhooks-dedupe-terra-reference and data-superset-overwrite; signature: docs.tryterra.co/reference/signing. Only the
 * signature differs between attempts.
 */
export function signedHeaders(
  delivery: Delivery,
  switches: Switchboard,
  clock: SandboxClock,
  secret: string,
): { headers: Record<string, string>; body: string; signedAtSeconds: number } {
  const mode = switches.take('signature', delivery.type);
  const nowSeconds = Math.floor(clock.stamp() / 1000);
  const originalSeconds = delivery.attempts[0]?.signedAtSeconds ?? nowSeconds;
  const attemptSeconds = switches.knob('signTime', delivery.type) === 'original' ? originalSeconds : nowSeconds;
  const signedAtSeconds = mode === 'a_week_old' ? attemptSeconds - WEEK_SECONDS : attemptSeconds;

  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'Terra-Sandbox',
    'terra-reference': delivery.reference,
    'x-terra-trace-id': delivery.traceId,
  };
  if (switches.knob('orderingHeader', delivery.type) === 'present') {
    headers['x-terra-ordering-timestamp'] = String(delivery.orderingTimestampMs);
  }
  if (mode !== 'missing') {
    const signature = signatureOf(mode, delivery.body, secret, signedAtSeconds);
    const names = switches.knob('signatureHeaders', delivery.type);
    if (names !== 'deprecated') headers['x-terra-signature'] = signature;
    if (names !== 'current') headers['terra-signature'] = signature;
  }
  const body = mode === 'tampered' ? delivery.body.replace('{', '{"tampered":true,') : delivery.body;
  return { headers, body, signedAtSeconds };
}

function signatureOf(mode: string, body: string, secret: string, atSeconds: number): string {
  const ours = sign(body, secret, atSeconds);
  const theirs = sign(body, OTHER_SECRET, atSeconds);
  if (mode === 'other_secret') return theirs;
  if (mode === 'with_other_secret') return `${theirs},${ours.slice(ours.indexOf('v1='))}`;
  return ours;
}
