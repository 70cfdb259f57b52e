import { createHash, createHmac } from 'node:crypto';
import { Problem } from '../http/errors';
import type { Fingerprint, Store } from '../store/store';
import { isBookkeeping } from '../store/table';

/** The user of a request, as API Gateway's JWT authorizer verified it. */
export type SignedIn = { sub: string };

/** A user of the app, with the reference id that Terra stores for them. */
export type Owner = { sub: string; referenceId: string };

export type OwnerDeps = {
  referenceId: 'opaque' | 'subject';
  /** Makes reference ids of different issuers differ. By default the issuer. */
  namespace: string;
  /** Reads the reference-id key; throws `unavailable` if that fails. */
  referenceKey: () => Promise<string>;
  store: Pick<Store, 'findFingerprint' | 'rememberFingerprint'>;
  /** Whether this function stores the fingerprint if the table has none. */
  mayBeFirst: boolean;
  alarm: (name: 'reference_key_changed') => void;
};

/** 192 bits: unguessable, and no padding in base64url. */
const REFERENCE_ID_BYTES = 24;

/**
 * Returns the function that computes the owner of a request. Opaque ids are HMAC-SHA256(reference-id key, [namespace, sub]). Throws
 * `unavailable` if the key, namespace or mode differs from the first that was used with the table, because all existing records would
 * lose their owners.
 */
export function ownerNaming(deps: OwnerDeps): (caller: SignedIn) => Promise<Owner> {
  let keyChecked = false;
  return async ({ sub }) => {
    const key = await deps.referenceKey();
    if (!keyChecked) await checkFingerprint(key, deps);
    keyChecked = true;
    if (deps.referenceId === 'opaque') return { sub, referenceId: opaqueReferenceId(key, deps.namespace, sub) };
    if (isBookkeeping(sub)) {
      const reason = 'the subject equals a partition key that the table reserves';
      throw new Problem('unauthenticated', 'Sign in and try again.', { reason });
    }
    return { sub, referenceId: sub };
  };
}

export function opaqueReferenceId(key: string, namespace: string, sub: string): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['owner', namespace, sub]))
    .digest();
  return mac.subarray(0, REFERENCE_ID_BYTES).toString('base64url');
}

/** Returns the session id for an owner's idempotency key: 128 bits, always the same. */
export function keyedSessionId(key: string, owner: string, idempotencyKey: string): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['idem', owner, idempotencyKey]))
    .digest();
  return mac.subarray(0, 16).toString('base64url');
}

type Naming = Pick<OwnerDeps, 'referenceId' | 'namespace'>;

/** Returns the fingerprint that a table stores of its reference-id key, mode and namespace. The format must never change. */
export function fingerprintOf(key: string, { referenceId, namespace }: Naming): Required<Fingerprint> {
  return {
    key: createHash('sha256').update(`reference-key:${key}`).digest('base64url'),
    // In mode `subject` the namespace has no effect.
    naming: JSON.stringify({ referenceId, ...(referenceId === 'opaque' && { ownerNamespace: namespace }) }),
  };
}

/** Returns how the key, mode or namespace differs from the first that was used with the table, and how to restore it. */
export function namingFault(
  first: Fingerprint,
  ours: Required<Fingerprint>,
): { finding: string; remedy: string } | undefined {
  if (first.key !== ours.key) {
    return {
      finding: 'the reference-id key is not the first that was used with this table',
      remedy: 'restore the first key: run `npm run secrets -- import-key`',
    };
  }
  if (first.naming === undefined || first.naming === ours.naming) return undefined;
  return {
    finding: `this table was first used with the settings ${first.naming}, but they are now ${ours.naming}`,
    remedy: `set ${first.naming} in the settings and deploy; keep ownerNamespace when the issuer changes`,
  };
}

async function checkFingerprint(key: string, deps: OwnerDeps): Promise<void> {
  const { store, mayBeFirst, alarm } = deps;
  const ours = fingerprintOf(key, deps);
  const known = await store.findFingerprint();
  const first = known?.naming === undefined && mayBeFirst ? await store.rememberFingerprint(ours) : known;
  const fault = first && namingFault(first, ours);
  if (!fault) return;
  alarm('reference_key_changed');
  throw new Problem('unavailable', 'Temporarily not available.', { reason: `${fault.finding}; ${fault.remedy}` });
}
