import { join } from 'node:path';
import { Annotations, Duration, RemovalPolicy, Stage } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { Alarms } from './parts/alarms';
import { bundleFunctions } from './bundle/bundle';
import { ChangeFeed } from './parts/stream-publisher';
import { ConnectApi } from './parts/connect-api';
import { ConnectBus } from './parts/connect-bus';
import { API_TIMEOUT, ConnectFunction } from './parts/connect-function';
import { ConnectSecrets } from './parts/connect-secrets';
import { DeadLetters } from './parts/dead-letters';
import { customerKey } from './parts/encryption';
import { environmentOf } from './parts/environment';
import { Overview } from './parts/dashboard';
import { RecordTable } from './parts/connect-table';
import { RepeatedRun } from './parts/scheduled-function';
import { readSettings, type Settings } from './settings/settings';
import { Signals } from './parts/metrics';
import type { FunctionName, TerraConnectProps } from './terra-connect-props';

export type { TerraConnectProps } from './terra-connect-props';

/** How long what nobody waits for may take. */
const JOB_TIMEOUT = Duration.seconds(60);

/** Connects an app's users with Terra: the API, its functions, the table of records, the secrets and the bus of events. */
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
  readonly sweepRuns: RepeatedRun;
  readonly reconcile: ConnectFunction;
  readonly reconcileRuns: RepeatedRun;
  readonly bus: ConnectBus;
  /** What could not be published. */
  readonly deadLetters: DeadLetters;
  readonly changeFeed: ChangeFeed;
  readonly alarms: Alarms;
  readonly overview: Overview;

  /** @throws SettingsError naming every setting that is missing or wrong. */
  constructor(scope: Construct, id: string, props: TerraConnectProps) {
    super(scope, id);
    const {
      bundles: ready,
      table,
      bus: broughtBus,
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
    const bundles = ready ?? this.bundle();
    this.warn();

    const isKeyed = settings.encryption === 'customer' && encryptionKey === undefined;
    const ownKey = isKeyed ? customerKey(this, stage) : undefined;
    const kept = {
      logRetention,
      removalPolicy: settings.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      encryptionKey: encryptionKey ?? ownKey,
    };
    const lambda = (name: FunctionName, timeout = API_TIMEOUT) => {
      const own = { timeout, reservedConcurrency: reservedConcurrency[name], tracing };
      return new ConnectFunction(this, pascal(name), { name, bundles, ...kept, ...own });
    };

    const api = (this.api = new ConnectApi(this, 'Api', { settings, throttles, ...kept }));
    const records = (this.records = new RecordTable(this, 'Records', { brought: table, ...kept }));
    this.secrets = new ConnectSecrets(this, 'Secrets', { stage, brought: secrets, ...kept });
    const { terraApi, terraWebhook, referenceKey } = this.secrets;
    const bus = (this.bus = new ConnectBus(this, 'Events', { stage, brought: broughtBus }));
    const deadLetters = (this.deadLetters = new DeadLetters(this, 'DeadLetters', kept));
    const { identity, terra, confirmation, issuer, referenceId, returnTargets, appLook } = environmentOf(settings);

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
    api.open([webhook, ...others]);
    this.sweepRuns = new RepeatedRun(this, 'SweepRuns', { run: sweep, every: sweepEvery });
    this.reconcileRuns = new RepeatedRun(this, 'ReconcileRuns', { run: reconcile, every: reconcileEvery });
    this.changeFeed = new ChangeFeed(this, 'ChangeFeed', { records, to: publish, deadLetters });

    const { sweepRuns, reconcileRuns } = this;
    const watched = { stage, api, webhook, others, publish, sweepRuns, reconcileRuns, deadLetters };
    const signals = new Signals(this, 'Signals', watched);
    const told = { email: settings.alarmEmail, brought: alarmTopic, encryptionKey: ownKey };
    const alarms = (this.alarms = new Alarms(this, 'Alarms', { signals, ...told }));
    this.overview = new Overview(this, 'Overview', { stage, api, signals, alarms });

    records.grant(create, 'Query', 'GetItem', 'PutItem', 'UpdateItem');
    terraApi.grantRead(create);
    referenceKey.grantRead(create);
    create.tell({ ...identity, ...terra, ...returnTargets });
    create.tell({
      SESSION_LIMIT: `${settings.limits.sessions}`,
      CONFIRMATION: settings.confirmation,
      WIDGET: settings.widget,
      CALLBACK_BASE: api.callbackBase,
    });

    records.grant(confirm, 'Query', 'GetItem', 'UpdateItem');
    terraApi.grantRead(confirm);
    referenceKey.grantRead(confirm);
    confirm.tell({ ...identity, ...terra, ...confirmation });

    records.grant(mintToken, 'Query', 'GetItem', 'PutItem', 'UpdateItem');
    terraApi.grantRead(mintToken);
    referenceKey.grantRead(mintToken);
    mintToken.tell({ ...identity, ...terra });
    mintToken.tell({
      MINT_LIMIT: `${settings.limits.mints}`,
      ALLOW_UNBOUND_TOKENS: `${settings.allowUnboundTokens}`,
    });

    records.grant(callback, 'GetItem', 'UpdateItem');
    terraApi.grantRead(callback);
    callback.tell({ ...returnTargets, ...terra, ...appLook, CONFIRMATION: settings.confirmation });
    callback.tell({ CALLBACK_BASE: api.callbackBase });

    records.grant(webhook, 'Query', 'GetItem', 'UpdateItem');
    terraWebhook.grantRead(webhook);
    webhook.tell({ ...referenceId, ...confirmation, DATA_EVENTS: settings.dataEvents });

    records.grant(read, 'Query', 'GetItem');
    referenceKey.grantRead(read);
    read.tell({ ...identity, ...confirmation });

    records.grant(disconnect, 'Query', 'GetItem', 'UpdateItem', 'DeleteItem');
    terraApi.grantRead(disconnect);
    referenceKey.grantRead(disconnect);
    disconnect.tell({ ...identity, ...terra, ...confirmation });

    terraApi.grantRead(providers);
    providers.tell({ ...issuer, ...terra });

    records.grant(sweep, 'Query', 'UpdateItem', 'DeleteItem');
    records.grantQueryDue(sweep);
    terraApi.grantRead(sweep);
    sweep.tell({ ...referenceId, ...terra, ...confirmation });
    sweep.tell({ SWEEP_DRY_RUN: `${sweepDryRun}` });

    records.grant(reconcile, 'Query', 'GetItem', 'UpdateItem', 'Scan');
    terraApi.grantRead(reconcile);
    reconcile.tell({ ...referenceId, ...terra, ...confirmation });
    reconcile.tell({ RECONCILE_DRY_RUN: `${reconcileDryRun}` });

    bus.grantPublish(publish);
    publish.tell({ CONFIRMATION: settings.confirmation });
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
          "user's subject into the mobile SDK and so disconnect that user's provider: set it only while Terra offers you no bound tokens",
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

const pascal = (name: string): string => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
