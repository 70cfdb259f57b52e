import { isBookkeeping } from '../../functions/core/store/table';

const OWNER_LIMIT_BYTES = 255;

/** Whether a reference id can be an owner's. The table's own rows lie in the same key space as the owners'. */
export function canBeOwner(referenceId: string): boolean {
  return referenceId !== '' && Buffer.byteLength(referenceId) <= OWNER_LIMIT_BYTES && !isBookkeeping(referenceId);
}
