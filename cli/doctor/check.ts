import type { Clock } from '../../functions/core/platform/clock';
import type { Store } from '../../functions/core/store/store';
import type { DeployedSettings } from '../deployed-settings';
import type { Deployment } from '../deployment';
import type { Vault } from '../vault';

/** What a check found, in one sentence; and, where a person should act, what to do, in another. */
export type Verdict = { kind: 'ok'; finding: string } | { kind: 'warning' | 'fault'; finding: string; remedy: string };

/** What checks may look at. Whatever cannot be had throws, in that check alone. */
export type Patient = {
  deployment: Deployment;
  settings(): DeployedSettings;
  vault: Vault;
  store(): Store;
  clock: Clock;
};

/** One thing that can be wrong, looked at independently of all others. */
export type Check = {
  /** Kebab-case: what `--only` and `--accept` name. */
  name: string;
  /** Left out: everywhere. */
  place?: 'aws';
  look(patient: Patient): Promise<Verdict>;
};

export const ok = (finding: string): Verdict => ({ kind: 'ok', finding });
export const warning = (finding: string, remedy: string): Verdict => ({ kind: 'warning', finding, remedy });
export const fault = (finding: string, remedy: string): Verdict => ({ kind: 'fault', finding, remedy });

export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
