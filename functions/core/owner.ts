import { createHash, createHmac } from 'node:crypto';
import { Problem } from './errors';
import type { Store } from './store';

/** The signed-in user a request comes from, as the gateway's authorizer verified it. */
export type SignedIn = { sub: string };

/** An end user of the app, and what Terra knows him by. */
export type Owner = { sub: string; referenceId: string };

export type OwnerDeps = {
  referenceId: 'opaque' | 'subject';
  /** What the subjects are known under: by default the issuer. */
  namespace: string;
  /** The reference-id key; a failure to read it throws `unavailable`. */
  referenceKey: () => Promise<string>;
  store: Pick<Store, 'findFingerprint' | 'rememberFingerprint'>;
  /** Whether this function may be the first to use the key, and so remembers its fingerprint. */
  mayBeFirst: boolean;
  alarm: (name: 'reference_key_changed') => void;
};

/** 192 bits: unguessable, and no padding in base64url. */
const REFERENCE_ID_BYTES = 24;

/**
 * Makes the function that names owners. Opaque ids are HMAC-SHA256(reference-id key, [namespace, sub]): stable, and
 * neither guessable nor readable. A key other than the one first used would orphan everyone, so it is refused.
 */
export function ownerNaming(deps: OwnerDeps): (caller: SignedIn) => Promise<Owner> {
  let keyChecked = false;
  return async ({ sub }) => {
    const key = await deps.referenceKey();
    if (!keyChecked) await checkFingerprint(key, deps);
    keyChecked = true;
    return { sub, referenceId: deps.referenceId === 'subject' ? sub : opaqueReferenceId(key, deps.namespace, sub) };
  };
}

export function opaqueReferenceId(key: string, namespace: string, sub: string): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['owner', namespace, sub]))
    .digest();
  return mac.subarray(0, REFERENCE_ID_BYTES).toString('base64url');
}

/** The id of the session that an owner's idempotency key stands for: 128 bits, the same each time. */
export function keyedSessionId(key: string, owner: string, idempotencyKey: string): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['idem', owner, idempotencyKey]))
    .digest();
  return mac.subarray(0, 16).toString('base64url');
}

async function checkFingerprint(key: string, { store, mayBeFirst, alarm }: OwnerDeps): Promise<void> {
  const ours = createHash('sha256').update(`reference-key:${key}`).digest('base64url');
  const known = (await store.findFingerprint()) ?? (mayBeFirst ? await store.rememberFingerprint(ours) : ours);
  if (known === ours) return;
  alarm('reference_key_changed');
  throw new Problem('unavailable', 'Temporarily not available.', {
    reason: 'the reference-id key is not the one this table was begun with; restore it before anything else',
  });
}
