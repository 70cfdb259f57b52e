import type { Surroundings } from '../command';
import type { Deployment } from '../deployment';
import type { Vault } from '../vault';

/** What a command about secrets works with. */
export type SecretsJob = Surroundings & {
  deployment: Deployment;
  vault: Vault;
  options: { overlap: string; untried: boolean; to: string | undefined; from: string | undefined; json: boolean };
};
