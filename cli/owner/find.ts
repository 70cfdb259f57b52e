import type { Store } from '../../functions/core/store/store';
import { isBookkeeping } from '../../functions/core/store/table';
import { UsageError } from '../failure';
import type { OwnerJob } from './job';
import { referenceIds } from '../services';

/** An owner as the operator named him. */
export type NamedOwner = { referenceId: string; name: string };

/** The owner the arguments name: by subject, with the deployment's own key, or by reference id. */
export async function namedOwner(job: OwnerJob, store: Store): Promise<NamedOwner> {
  const { sub, referenceId } = job.options;
  if ((sub === undefined) === (referenceId === undefined)) {
    throw new UsageError('Name the owner, once: --sub SUB or --reference-id ID', 'See --help.');
  }
  const name = sub ?? referenceId ?? '';
  if (name === '' || Buffer.byteLength(name) > 255)
    throw new UsageError('An owner’s name has 1 to 255 bytes', 'See --help.');
  const owner = sub === undefined ? name : await referenceIds(store, job.settings, job.vault)(sub);
  if (isBookkeeping(owner)) {
    throw new UsageError(`${owner} is not an owner: the table keeps rows of its own under this key`, 'See --help.');
  }
  return { referenceId: owner, name };
}
