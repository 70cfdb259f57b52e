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

/** Enough to tell the few bodies of one Terra user in one session apart. */
const BODY_HASH_BYTES = 9;
/** How far the unsigned ordering header may lie before the signed time: no retry is older. */
const ORDERING_BEHIND = SIGNATURE_BEHIND_SECONDS * SECOND;

/**
 * Takes a delivery in: verified over the raw bytes before anything is parsed, applied at its own time, and answered 200
 * only once the state is stored. Terra repeats whatever is answered otherwise.
 */
export const takeDelivery: Behaviour<typeof receiveWebhook, Deps> = async ({ headers, rawBody, note }, deps) => {
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

/** When the delivery was signed; throws `unauthenticated`, the same for every reason, unless it is Terra's. */
async function verify(
  headers: Readonly<Record<string, string | undefined>>,
  rawBody: Buffer,
  deps: Deps,
): Promise<Instant> {
  const read = readSignature(headers, Math.floor(deps.clock() / SECOND));
  if (!read.ok) throw notTerras(read.reason);
  if (rawBody.length === 0) throw notTerras('empty');
  const { claim } = read;
  const isSigned =
    isSignedWith(claim, rawBody, await deps.secrets.read(), deps.clock()) ||
    // The secret may just have been changed at Terra's side and ours.
    isSignedWith(claim, rawBody, await deps.secrets.reread(), deps.clock());
  if (!isSigned) throw notTerras('mismatch');
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
 * Returns the time of the event, and whether it is Terra's own and so the same at every retry. The header that carries it is
 * not signed, so the signed time bounds it on both sides; without the header the time of signing is all there is.
 */
function eventTime(ordering: string | undefined, signedAt: Instant): { at: Instant; hasOwnTime: boolean } {
  if (ordering === undefined || !/^[1-9]\d{12}$/.test(ordering)) return { at: signedAt, hasOwnTime: false };
  return { at: Math.max(signedAt - ORDERING_BEHIND, noLaterThan(Number(ordering), signedAt)), hasOwnTime: true };
}

const notTerras = (reason: string) => new Problem('unauthenticated', 'The signature was not accepted.', { reason });

export const handler = serve([on(receiveWebhook, takeDelivery)], () => ({
  serve: dependencies.serveDeps(),
  ...dependencies.recordDeps(),
  secrets: dependencies.webhookSecrets(),
  dataEvents: dependencies.dataEvents(),
}));
