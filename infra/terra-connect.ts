import { join } from 'node:path';
import { Annotations, Duration, RemovalPolicy, Stage } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { Alarms } from './parts/alarms';
import { bundleFunctions } from './bundle/bundle';
import { StreamPublisher } from './parts/stream-publisher';
import { ConnectApi } from './parts/connect-api';
import { ConnectBus } from './parts/connect-bus';
import { API_TIMEOUT, ConnectFunction } from './parts/connect-function';
import { ConnectSecrets } from './parts/connect-secrets';
import { DeadLetters } from './parts/dead-letters';
import { customerKey } from './parts/encryption';
import { MetricsDashboard } from './parts/dashboard';
import { RecordTable } from './parts/connect-table';
import { ScheduledFunction } from './parts/scheduled-function';
import { appLook } from './settings/app-look';
import { readSettings, type Settings } from './settings/settings';
import { Metrics } from './parts/metrics';
import type { FunctionName, TerraConnectProps } from './terra-connect-props';

export type { TerraConnectProps } from './terra-connect-props';

/** Time limit of functions that no caller waits for. */
const JOB_TIMEOUT = Duration.seconds(60);

/** Everything that connects an app's users with Terra: the API, its functions, the table, the secrets and the event bus. */
export class TerraConnect extends Construct {
  readonly settings: Settings;
  readonly api: ConnectApi;
  readonly records: RecordTable;
  readonly secrets: ConnectSecrets;
  readonly createSession: ConnectFunction;
  readonly confirmSession: ConnectFunction;
  readonly mintToken: ConnectFunction;
  readonly completeCallback: ConnectFunction;
  readonly receiveWebhook: ConnectFunction;
  readonly readState: ConnectFunction;
  readonly disconnect: ConnectFunction;
  readonly listProviders: ConnectFunction;
  readonly sweepStale: ConnectFunction;
  readonly publishChanges: ConnectFunction;
  readonly sweepSchedule: ScheduledFunction;
  readonly reconcile: ConnectFunction;
  readonly reconcileSchedule: ScheduledFunction;
  readonly bus: ConnectBus;
  readonly deadLetters: DeadLetters;
  readonly streamPublisher: StreamPublisher;
  readonly alarms: Alarms;
  readonly dashboard: MetricsDashboard;

  /** @throws SettingsError naming every setting that is missing or wrong. */
  constructor(scope: Construct, id: string, props: TerraConnectProps) {
    super(scope, id);
    const {
      bundles: existingBundles,
      table,
      bus: existingBus,
      secrets = {},
      encryptionKey,
      alarmTopic,
      logRetention = RetentionDays.ONE_MONTH,
      throttles,
      sweepEvery = Duration.minutes(1),
      reconcileEvery = Duration.minutes(10),
      reservedConcurrency = {},
      tracing,
      sweepDryRun = false,
      reconcileDryRun = false,
      ...given
    } = props;
    const settings = (this.settings = readSettings(given));
    const { stage } = settings;
    const bundles = existingBundles ?? this.bundle();
    this.warn();

    const needsKey = settings.encryption === 'customer' && encryptionKey === undefined;
    const newKey = needsKey ? customerKey(this, stage) : undefined;
    const kept = {
      logRetention,
      removalPolicy: settings.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      encryptionKey: encryptionKey ?? newKey,
    };
    const lambda = (name: FunctionName, timeout = API_TIMEOUT) => {
      const own = { timeout, reservedConcurrency: reservedConcurrency[name], tracing };
      return new ConnectFunction(this, pascal(name), { name, bundles, ...kept, ...own });
    };

    const api = (this.api = new ConnectApi(this, 'Api', { settings, throttles, ...kept }));
    const records = (this.records = new RecordTable(this, 'Records', { existing: table, ...kept }));
    this.secrets = new ConnectSecrets(this, 'Secrets', { stage, existing: secrets, ...kept });
    const { terraApi, terraWebhook, referenceKey } = this.secrets;
    const bus = (this.bus = new ConnectBus(this, 'Events', { stage, existing: existingBus }));
    const deadLetters = (this.deadLetters = new DeadLetters(this, 'DeadLetters', kept));
    const { identity, terra, confirmation, issuer, referenceId, returnTargets, look } = environmentOf(settings);

    const create = (this.createSession = lambda('create-session'));
    const confirm = (this.confirmSession = lambda('confirm-session'));
    const mintToken = (this.mintToken = lambda('mint-token'));
    const callback = (this.completeCallback = lambda('complete-callback'));
    const webhook = (this.receiveWebhook = lambda('receive-webhook'));
    const read = (this.readState = lambda('read-state'));
    const disconnect = (this.disconnect = lambda('disconnect'));
    const providers = (this.listProviders = lambda('list-providers'));
    const sweep = (this.sweepStale = lambda('sweep-stale', JOB_TIMEOUT));
    const reconcile = (this.reconcile = lambda('reconcile', JOB_TIMEOUT));
    const publish = (this.publishChanges = lambda('publish-changes', JOB_TIMEOUT));
    const others = [create, confirm, mintToken, callback, read, disconnect, providers];
    api.addRoutes([webhook, ...others]);
    this.sweepSchedule = new ScheduledFunction(this, 'SweepRuns', { run: sweep, every: sweepEvery });
    this.reconcileSchedule = new ScheduledFunction(this, 'ReconcileRuns', { run: reconcile, every: reconcileEvery });
    this.streamPublisher = new StreamPublisher(this, 'ChangeFeed', { records, target: publish, deadLetters });

    const { sweepSchedule, reconcileSchedule } = this;
    const sources = { stage, api, webhook, others, publish, sweepSchedule, reconcileSchedule, deadLetters };
    const metrics = new Metrics(this, 'Signals', sources);
    const topic = { email: settings.alarmEmail, existing: alarmTopic, encryptionKey: newKey };
    const alarms = (this.alarms = new Alarms(this, 'Alarms', { metrics, ...topic }));
    this.dashboard = new MetricsDashboard(this, 'Overview', { stage, api, metrics, alarms });

    records.grant(create, 'Query', 'GetItem', 'PutItem', 'UpdateItem');
    terraApi.grantRead(create);
    referenceKey.grantRead(create);
    create.addEnvironment({ ...identity, ...terra, ...returnTargets });
    create.addEnvironment({
      SESSION_LIMIT: `${settings.limits.sessions}`,
      CONFIRMATION: settings.confirmation,
      WIDGET: settings.widget,
      CALLBACK_BASE: api.callbackBase,
    });

    records.grant(confirm, 'Query', 'GetItem', 'UpdateItem');
    terraApi.grantRead(confirm);
    referenceKey.grantRead(confirm);
    confirm.addEnvironment({ ...identity, ...terra, ...confirmation });

    records.grant(mintToken, 'Query', 'GetItem', 'PutItem', 'UpdateItem');
    terraApi.grantRead(mintToken);
    referenceKey.grantRead(mintToken);
    mintToken.addEnvironment({ ...identity, ...terra });
    mintToken.addEnvironment({
      MINT_LIMIT: `${settings.limits.mints}`,
      ALLOW_UNBOUND_TOKENS: `${settings.allowUnboundTokens}`,
    });

    records.grant(callback, 'GetItem', 'UpdateItem');
    terraApi.grantRead(callback);
    callback.addEnvironment({ ...returnTargets, ...terra, ...look, CONFIRMATION: settings.confirmation });
    callback.addEnvironment({ CALLBACK_BASE: api.callbackBase });

    records.grant(webhook, 'Query', 'GetItem', 'UpdateItem');
    terraWebhook.grantRead(webhook);
    webhook.addEnvironment({ ...referenceId, ...confirmation, DATA_EVENTS: settings.dataEvents });

    records.grant(read, 'Query', 'GetItem');
    referenceKey.grantRead(read);
    read.addEnvironment({ ...identity, ...confirmation });

    records.grant(disconnect, 'Query', 'GetItem', 'UpdateItem', 'DeleteItem');
    terraApi.grantRead(disconnect);
    referenceKey.grantRead(disconnect);
    disconnect.addEnvironment({ ...identity, ...terra, ...confirmation });

    terraApi.grantRead(providers);
    providers.addEnvironment({ ...issuer, ...terra });

    records.grant(sweep, 'Query', 'UpdateItem', 'DeleteItem');
    records.grantQueryDue(sweep);
    terraApi.grantRead(sweep);
    sweep.addEnvironment({ ...referenceId, ...terra, ...confirmation });
    sweep.addEnvironment({ SWEEP_DRY_RUN: `${sweepDryRun}` });

    records.grant(reconcile, 'Query', 'GetItem', 'UpdateItem', 'Scan');
    terraApi.grantRead(reconcile);
    reconcile.addEnvironment({ ...referenceId, ...terra, ...confirmation });
    reconcile.addEnvironment({ RECONCILE_DRY_RUN: `${reconcileDryRun}` });

    bus.grantPublish(publish);
    publish.addEnvironment({ CONFIRMATION: settings.confirmation });
  }

  private bundle(): string {
    const into = join(Stage.of(this)?.assetOutdir ?? '.', 'functions');
    bundleFunctions({ functions: join(__dirname, '../functions'), into });
    return into;
  }

  private warn(): void {
    const { referenceId, allowUnboundTokens, confirmation } = this.settings;
    if (referenceId === 'subject' && allowUnboundTokens) {
      Annotations.of(this).addWarningV2(
        'terra-connect:unbound-tokens',
        'terraConnect.allowUnboundTokens with terraConnect.referenceId "subject" lets any user of the app put another ' +
          "user's subject into the mobile SDK and so disconnect that user's provider: set it only if your Terra account has no bound tokens",
      );
    }
    if (confirmation === 'off') {
      Annotations.of(this).addWarningV2(
        'terra-connect:confirmation-off',
        'terraConnect.confirmation "off" lets any user of the app send a link to another person and receive the health ' +
          'data of the account which that person connects: set it only if all users of the app may collect the data of other people',
      );
    }
  }
}

/** Returns the groups of environment variables that several functions share. */
function environmentOf(settings: Settings) {
  const issuer = { ISSUER: settings.issuer };
  const referenceId = { REFERENCE_ID: settings.referenceId };
  return {
    issuer,
    referenceId,
    identity: { ...issuer, ...referenceId, OWNER_NAMESPACE: settings.ownerNamespace },
    terra: { TERRA_API_URL: settings.terraApiUrl, TERRA_WIDGET_URL: settings.terraWidgetUrl },
    confirmation: { CONFIRMATION: settings.confirmation, CONFIRM_WITHIN_MINUTES: `${settings.confirmWithinMinutes}` },
    look: settings.app === undefined ? {} : { APP_LOOK: JSON.stringify(appLook(settings.app)) },
    returnTargets: { RETURN_TARGETS: JSON.stringify(settings.returnTargets) },
  };
}

const pascal = (name: string): string => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
