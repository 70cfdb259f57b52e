import type { CommandContext } from '../command';
import type { Deployment } from '../deployment';
import type { SecretStore } from '../secret-store';

/** The input of a command about secrets. */
export type SecretsJob = CommandContext & {
  deployment: Deployment;
  secrets: SecretStore;
  options: { overlap: string; untried: boolean; to: string | undefined; from: string | undefined; json: boolean };
};
