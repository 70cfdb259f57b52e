import type { Surroundings } from '../command';
import type { DeployedSettings } from '../deployed-settings';
import type { Deployment } from '../deployment';
import type { Vault } from '../vault';

/** What a command about owners works with. */
export type OwnerJob = Surroundings & {
  deployment: Deployment;
  settings: DeployedSettings;
  vault: Vault;
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
