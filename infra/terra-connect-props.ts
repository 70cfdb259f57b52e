import type { Duration } from 'aws-cdk-lib';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { ExistingSecrets } from './parts/connect-secrets';
import type { SettingsInput } from './settings/settings';
import type { Throttles } from './parts/connect-api';

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

/** The settings of `settings-schema.ts` and options for a CDK app of your own. Required: `issuer`, `audience`, `returnTargets`. */
export interface TerraConnectProps extends SettingsInput {
  /**
   * Folder of existing bundles, each in `<function>/index.js`.
   * @default bundled from this project's `functions/`
   */
  readonly bundles?: string | undefined;
  /**
   * An existing table with `tableSchema` and `dueIndex` of `parts/connect-table.ts`. You protect it against loss.
   * @default a new table with point-in-time recovery
   */
  readonly table?: Table | ITable | undefined;
  /**
   * An existing event bus to publish to.
   * @default a new bus, named by the stage
   */
  readonly bus?: EventBus | IEventBus | undefined;
  /**
   * Existing secrets, any of the three. The value of an existing reference-id key must never change.
   * @default three new secrets, named by the stage
   */
  readonly secrets?: ExistingSecrets | undefined;
  /**
   * An existing KMS key for the table, secrets, dead letters and logs. Overrides `encryption`. Its policy must allow CloudWatch
   * Logs of this region to use it; the functions' roles get the other permissions.
   * @default depends on `encryption`: AWS's own keys, or a new key with yearly rotation
   */
  readonly encryptionKey?: IKey | undefined;
  /**
   * An existing SNS topic for alarms. Its policy must allow CloudWatch to publish.
   * @default a new topic, with a subscription of `alarmEmail`
   */
  readonly alarmTopic?: ITopic | undefined;
  /**
   * Retention of all logs.
   * @default one month
   */
  readonly logRetention?: RetentionDays | undefined;
  /**
   * Throttles of routes by their name in `functions/routes.ts`, and of all `others`.
   * @default 50 requests a second; 5 for tokens, 20 for sessions, 200 for webhooks
   */
  readonly throttles?: Throttles | undefined;
  /**
   * Time between two sweeps, which is how late an expiry or a retried disconnect can be.
   * @default one minute
   */
  readonly sweepEvery?: Duration | undefined;
  /**
   * Time between two runs of the daily check; each run continues where the last one stopped.
   * @default ten minutes
   */
  readonly reconcileEvery?: Duration | undefined;
  /**
   * Reserved concurrency of functions, which is also their maximum. A new account may not have enough to reserve any.
   * @default none: all functions share the account's concurrency
   */
  readonly reservedConcurrency?: { readonly [name in FunctionName]?: number } | undefined;
  /**
   * Whether X-Ray traces a sample of invocations: the first of each second and 5 % of the others.
   * @default 'off'
   */
  readonly tracing?: 'off' | 'sampled' | undefined;
  /**
   * Whether the sweep only logs what it would do.
   * @default false
   */
  readonly sweepDryRun?: boolean | undefined;
  /**
   * Whether the daily check only asks Terra and counts.
   * @default false
   */
  readonly reconcileDryRun?: boolean | undefined;
}
