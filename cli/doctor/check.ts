import type { Clock } from '../../functions/core/platform/clock';
import type { Store } from '../../functions/core/store/store';
import type { DeployedSettings } from '../deployed-settings';
import type { Deployment } from '../deployment';
import type { SecretStore } from '../secret-store';

/** What a check found, and what to do if it is not ok; one sentence each. */
export type CheckResult =
  | { kind: 'ok'; finding: string }
  | { kind: 'warning' | 'fault'; finding: string; remedy: string };

/** What checks read. Anything that cannot be read throws, which fails only the check that reads it. */
export type CheckContext = {
  deployment: Deployment;
  settings(): DeployedSettings;
  secrets: SecretStore;
  store(): Store;
  clock: Clock;
};

/** Looks for one fault, independently of all other checks. */
export type Check = {
  /** Kebab-case; the argument of `--only` and `--accept`. */
  name: string;
  /** @default runs on AWS and locally */
  platform?: 'aws';
  run(context: CheckContext): Promise<CheckResult>;
};

export const ok = (finding: string): CheckResult => ({ kind: 'ok', finding });
export const warning = (finding: string, remedy: string): CheckResult => ({ kind: 'warning', finding, remedy });
export const fault = (finding: string, remedy: string): CheckResult => ({ kind: 'fault', finding, remedy });

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
