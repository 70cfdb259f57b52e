import type { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { BroughtSecrets } from './parts/connect-secrets';
import type { SettingsInput } from './settings/settings';
import type { Throttles } from './parts/throttles';

/** A function by its folder under `functions/`. */
export type FunctionName =
  | 'create-session'
  | 'confirm-session'
  | 'mint-token'
  | 'complete-callback'
  | 'receive-webhook'
  | 'read-state'
  | 'disconnect'
  | 'list-providers'
  | 'sweep-stale'
  | 'reconcile'
  | 'publish-changes';

/** The settings of `settings-schema.ts`, and what only a CDK app can give. Three of them are needed: `issuer`, `audience`, `returnTargets`. */
export interface TerraConnectProps extends SettingsInput {
  /**
   * Folder of ready bundles, `<function>/index.js` each.
   * @default bundled from this project's `functions/`
   */
  readonly bundles?: string | undefined;
  /**
   * A table of yours, made to `tableSchema` and `dueIndex` of `record-table.ts`. Guarding it against loss is then yours too.
   * @default a new table with point-in-time recovery
   */
  readonly table?: Table | ITable | undefined;
  /**
   * A bus of yours for what is published.
   * @default a new bus, named by the stage
   */
  readonly bus?: EventBus | IEventBus | undefined;
  /**
   * Secrets of yours, any of the three. A reference-id key that is brought must never change.
   * @default three new secrets, named by the stage
   */
  readonly secrets?: BroughtSecrets | undefined;
  /**
   * A key of yours for table, secrets, dead letters and logs, whatever `encryption` says. Its policy must let CloudWatch
   * Logs of this region use it; the functions' roles are given the rest.
   * @default what `encryption` says: AWS's own keys, or a new key with yearly rotation
   */
  readonly encryptionKey?: IKey | undefined;
  /**
   * A topic of yours that alarms are told to; it must let CloudWatch publish.
   * @default a new topic, which `alarmEmail` hears
   */
  readonly alarmTopic?: ITopic | undefined;
  /**
   * How long logs are kept.
   * @default one month
   */
  readonly logRetention?: RetentionDays | undefined;
  /**
   * Requests a second for single routes by their name in `functions/routes.ts`, and for all `others`.
   * @default 50 for all; 5 mints, 20 sessions, 200 webhooks
   */
  readonly throttles?: Throttles | undefined;
  /**
   * Time between two sweeps: how late an expiry or a retried disconnect may be.
   * @default one minute
   */
  readonly sweepEvery?: Duration | undefined;
  /**
   * Time between two runs of the daily check, which goes on from page to page.
   * @default ten minutes
   */
  readonly reconcileEvery?: Duration | undefined;
  /**
   * Concurrency kept for single functions, which is also the most they get. A new account may not have enough to give any away.
   * @default none: all share the account's
   */
  readonly reservedConcurrency?: { readonly [name in FunctionName]?: number } | undefined;
  /**
   * Whether Lambda traces a sample of invocations: the first of each second and 5 % of the others.
   * @default 'off'
   */
  readonly tracing?: 'off' | 'sampled' | undefined;
  /**
   * Whether the sweep only decides and logs.
   * @default false
   */
  readonly sweepDryRun?: boolean | undefined;
  /**
   * Whether the daily check of all connections only asks and counts.
   * @default false
   */
  readonly reconcileDryRun?: boolean | undefined;
}
