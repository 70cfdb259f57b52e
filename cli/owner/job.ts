import type { Store } from '../../functions/core/store/store';
import { isBookkeeping } from '../../functions/core/store/table';
import type { CommandContext } from '../command';
import type { DeployedSettings } from '../deployed-settings';
import type { Deployment } from '../deployment';
import { UsageError } from '../failure';
import type { SecretStore } from '../secret-store';
import { referenceIds } from '../services';

/** The input of a command about owners. */
export type OwnerJob = CommandContext & {
  deployment: Deployment;
  settings: DeployedSettings;
  secrets: SecretStore;
  json: boolean;
  options: {
    sub?: string | undefined;
    referenceId?: string | undefined;
    yes: boolean;
    map?: string | undefined;
    apply: boolean;
    fromPage: number;
    rate: number;
  };
};

/** The owner that the arguments name: `referenceId` is the key of the records, `name` what the operator typed. */
export type NamedOwner = { referenceId: string; name: string };

/** Finds the owner that the arguments name. Computes the reference id of a `--sub` with the deployment's key. */
export async function namedOwner(job: OwnerJob, store: Store): Promise<NamedOwner> {
  const { sub, referenceId } = job.options;
  if ((sub === undefined) === (referenceId === undefined)) {
    throw new UsageError('Name one owner: --sub SUB or --reference-id=ID', 'See --help.');
  }
  const name = sub ?? referenceId ?? '';
  if (name === '' || Buffer.byteLength(name) > OWNER_LIMIT_BYTES)
    throw new UsageError(`A subject or reference id has 1 to ${OWNER_LIMIT_BYTES} bytes`, 'See --help.');
  const owner = sub === undefined ? name : await referenceIds(store, job.settings, job.secrets)(sub);
  if (!canBeOwner(owner)) {
    throw new UsageError(`${owner} is not an owner: the table keeps its own rows under this key`, 'See --help.');
  }
  return { referenceId: owner, name };
}

const OWNER_LIMIT_BYTES = 255;

/** Returns whether a reference id can be an owner's key. The table's own rows have keys of the same form. */
export function canBeOwner(referenceId: string): boolean {
  return referenceId !== '' && Buffer.byteLength(referenceId) <= OWNER_LIMIT_BYTES && !isBookkeeping(referenceId);
}
