import { fingerprintKey, reconcileKey } from '../../../functions/core/table';

const OWNER_LIMIT_BYTES = 255;
const BOOKKEEPING: readonly string[] = [fingerprintKey.owner, reconcileKey.owner];

/** Whether the table keeps rows of its own under this key: the fingerprint of the reference-id key, the progress of `reconcile`. */
export const isBookkeeping = (key: string): boolean => BOOKKEEPING.includes(key);

/** Whether a reference id can be an owner's. The table's own rows lie in the same key space as the owners'. */
export function canBeOwner(referenceId: string): boolean {
  return referenceId !== '' && Buffer.byteLength(referenceId) <= OWNER_LIMIT_BYTES && !isBookkeeping(referenceId);
}
