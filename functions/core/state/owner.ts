import { createHash, createHmac } from 'node:crypto';
import { Problem } from '../http/errors';
import type { Fingerprint, Store } from '../store/store';
import { isBookkeeping } from '../store/table';

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
  /** Whether this function may be the first to name an owner, and so stores the fingerprint. */
  mayBeFirst: boolean;
  alarm: (name: 'reference_key_changed') => void;
};

/** 192 bits: unguessable, and no padding in base64url. */
const REFERENCE_ID_BYTES = 24;

/**
 * Makes the function that names owners. Opaque ids are HMAC-SHA256(reference-id key, [namespace, sub]): stable, and
 * neither guessable nor readable. Another key, namespace or mode than the first would orphan everyone, so it is refused.
 */
export function ownerNaming(deps: OwnerDeps): (caller: SignedIn) => Promise<Owner> {
  let keyChecked = false;
  return async ({ sub }) => {
    const key = await deps.referenceKey();
    if (!keyChecked) await checkFingerprint(key, deps);
    keyChecked = true;
    if (deps.referenceId === 'opaque') return { sub, referenceId: opaqueReferenceId(key, deps.namespace, sub) };
    if (isBookkeeping(sub)) {
      const reason = 'the subject is the key of rows that belong to no user';
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

/** The id of the session that an owner's idempotency key stands for: 128 bits, the same each time. */
export function keyedSessionId(key: string, owner: string, idempotencyKey: string): string {
  const mac = createHmac('sha256', key)
    .update(JSON.stringify(['idem', owner, idempotencyKey]))
    .digest();
  return mac.subarray(0, 16).toString('base64url');
}

type Naming = Pick<OwnerDeps, 'referenceId' | 'namespace'>;

/** Returns what a table stores of the key, mode and namespace that its reference ids come from. Its form must never change. */
export function fingerprintOf(key: string, { referenceId, namespace }: Naming): Required<Fingerprint> {
  return {
    key: createHash('sha256').update(`reference-key:${key}`).digest('base64url'),
    // With subjects as reference ids the namespace names nobody.
    naming: JSON.stringify({ referenceId, ...(referenceId === 'opaque' && { ownerNamespace: namespace }) }),
  };
}

/** Returns what differs from how the table was begun, and how to put it back; undefined if nothing does. */
export function namingFault(
  begun: Fingerprint,
  ours: Required<Fingerprint>,
): { finding: string; remedy: string } | undefined {
  if (begun.key !== ours.key) {
    return {
      finding: 'the reference-id key is not the one this table was begun with',
      remedy: 'restore it before anything else: `npm run secrets -- import-key`',
    };
  }
  if (begun.naming === undefined || begun.naming === ours.naming) return undefined;
  return {
    finding: `this table was begun with the settings ${begun.naming}, and they are now ${ours.naming}`,
    remedy: `put ${begun.naming} into the settings and deploy; ownerNamespace keeps its value when the issuer changes`,
  };
}

async function checkFingerprint(key: string, deps: OwnerDeps): Promise<void> {
  const { store, mayBeFirst, alarm } = deps;
  const ours = fingerprintOf(key, deps);
  const known = await store.findFingerprint();
  const begun = known?.naming === undefined && mayBeFirst ? await store.rememberFingerprint(ours) : known;
  const fault = begun && namingFault(begun, ours);
  if (!fault) return;
  alarm('reference_key_changed');
  throw new Problem('unavailable', 'Temporarily not available.', { reason: `${fault.finding}; ${fault.remedy}` });
}
