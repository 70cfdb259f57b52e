import { createHash } from 'node:crypto';
import { type ApplyDeps, applyEvent } from '../core/state/apply-event';
import { type Instant, SECOND } from '../core/platform/clock';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import type { Secret, WebhookSecrets } from '../core/platform/secrets';
import { type Behaviour, on, serve } from '../core/http/serve';
import { readSignature, SIGNATURE_BEHIND_SECONDS, type SignatureClaim, verifySignature } from '../core/terra/signature';
import { readTerraEvent } from '../core/terra/terra-event';
import { noLaterThan } from '../core/terra/terra-user';
import { receiveWebhook } from '../routes';

type Deps = Omit<ApplyDeps, 'alarm'> & { secrets: Secret<WebhookSecrets> };

/** Enough to distinguish the few bodies of one Terra user in one session. */
const BODY_HASH_BYTES = 9;
/** How long before the signed time the unsigned ordering header may be: no retry is older. */
const ORDERING_BEHIND = SIGNATURE_BEHIND_SECONDS * SECOND;

/**
 * Receives a webhook delivery. Verifies the signature over the raw bytes before parsing, applies the event at its own time, and
 * returns 200 only after the state is stored. Terra repeats a delivery that gets another status.
 */
export const receiveDelivery: Behaviour<typeof receiveWebhook, Deps> = async ({ headers, rawBody, note }, deps) => {
  const signedAt = await verify(headers, rawBody, deps).catch(error => {
    if (error instanceof Problem && error.reason === 'mismatch') note({ alarm: 'signature_mismatch' });
    throw error;
  });
  const { event, type, unread } = readTerraEvent(rawBody);
  if (unread.length > 0) note({ eventType: type, unread: unread.join() });
  if (!event) {
    note({ outcome: 'poison', alarm: 'poison_event' });
    return { status: 200, body: { outcome: 'poison' } };
  }
  const isUnknown = event.kind === 'unclear' || (unread.includes('type') && /auth|connection|user/i.test(type));
  if (isUnknown) note({ alarm: 'unknown_event' });
  const { at, hasOwnTime } = eventTime(headers['x-terra-ordering-timestamp'], signedAt);
  const bodyHash = createHash('sha256').update(rawBody).digest().subarray(0, BODY_HASH_BYTES).toString('base64url');
  const delivered = event.kind === 'authenticated' ? { ...event, delivery: { signedAt, bodyHash, hasOwnTime } } : event;
  const outcome = await applyEvent(delivered, at, {
    ...deps,
    alarm: alarm => note({ alarm }),
  });
  note({ outcome, event: event.kind });
  return { status: 200, body: { outcome } };
};

/** Returns when the delivery was signed. Throws the same `unauthenticated` for every reason if the signature is not valid. */
async function verify(
  headers: Readonly<Record<string, string | undefined>>,
  rawBody: Buffer,
  deps: Deps,
): Promise<Instant> {
  const read = readSignature(headers, Math.floor(deps.clock() / SECOND));
  if (!read.ok) throw rejection(read.reason);
  if (rawBody.length === 0) throw rejection('empty');
  const { claim } = read;
  const isSigned =
    isSignedWith(claim, rawBody, await deps.secrets.read(), deps.clock()) ||
    // The cached secret may be outdated after a rotation.
    isSignedWith(claim, rawBody, await deps.secrets.reread(), deps.clock());
  if (!isSigned) throw rejection('mismatch');
  return claim.signedAtSeconds * SECOND;
}

function isSignedWith(
  claim: SignatureClaim,
  rawBody: Buffer,
  { current, previous }: WebhookSecrets,
  now: Instant,
): boolean {
  const isPreviousLive = previous !== undefined && now < previous.validUntil;
  return verifySignature(claim, rawBody, isPreviousLive ? [current, previous.secret] : [current]);
}

/**
 * Returns the time of the event, and whether it is Terra's own, which is the same in every retry. The ordering header is not signed,
 * so the signed time limits it on both sides. Without the header, the signed time counts.
 */
function eventTime(ordering: string | undefined, signedAt: Instant): { at: Instant; hasOwnTime: boolean } {
  if (ordering === undefined || !/^[1-9]\d{12}$/.test(ordering)) return { at: signedAt, hasOwnTime: false };
  return { at: Math.max(signedAt - ORDERING_BEHIND, noLaterThan(Number(ordering), signedAt)), hasOwnTime: true };
}

const rejection = (reason: string) => new Problem('unauthenticated', 'The signature was not accepted.', { reason });

export const handler = serve([on(receiveWebhook, receiveDelivery)], () => ({
  serve: dependencies.serveDeps(),
  ...dependencies.recordDeps(),
  secrets: dependencies.webhookSecrets(),
  dataEvents: dependencies.dataEvents(),
}));
