import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { dueIndex, tableSchema } from '../../infra/parts/connect-table';
import { TerraConnect, type TerraConnectProps } from '../../infra/terra-connect';
import { at, emptyBundles, lambdas, object, only, production, resources, type Template, text } from './template';

const folder = mkdtempSync(join(tmpdir(), 'terra-connect-'));
const bundles = emptyBundles(folder);

afterAll(() => rmSync(folder, { recursive: true }));

/** What a team that has its own table, bus, secrets, key, topic and certificate writes. */
function platformOf(app: App) {
  const platform = new Stack(app, 'Platform');
  const key = new Key(platform, 'Key');
  const table = new Table(platform, 'Table', {
    ...tableSchema,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: key,
  });
  table.addGlobalSecondaryIndex(dueIndex);
  const bus = new EventBus(platform, 'Bus');
  const alarmTopic = new Topic(platform, 'Pager');
  const terraApi = new Secret(platform, 'TerraKeys', { encryptionKey: key });
  const { certificateArn } = new Certificate(platform, 'Certificate', { domainName: 'connect.example.com' });
  return { platform, key, table, bus, alarmTopic, terraApi, certificateArn };
}

function teamOf(app: App, { key, table, bus, alarmTopic, terraApi, certificateArn }: ReturnType<typeof platformOf>) {
  const team = new Stack(app, 'Team');
  const connect = new TerraConnect(team, 'Connect', {
    ...production,
    bundles,
    table,
    bus,
    alarmTopic,
    encryptionKey: key,
    secrets: { terraApi, terraWebhook: Secret.fromSecretNameV2(team, 'Hook', 'hooks/terra') },
    domain: { name: 'connect.example.com', certificateArn },
    logRetention: RetentionDays.ONE_YEAR,
    throttles: { others: { perSecond: 7, burst: 9 }, listProviders: { perSecond: 1, burst: 2 } },
    sweepEvery: Duration.minutes(15),
    reconcileEvery: Duration.hours(1),
    reservedConcurrency: { 'receive-webhook': 20 },
    tracing: 'sampled',
  });
  return { team, connect };
}

const context = { '@aws-cdk/aws-iam:minimizePolicies': true };
const app = new App({ context });
const platform = platformOf(app);
const { team, connect } = teamOf(app, platform);
const assembly = app.synth({ validateOnSynthesis: false });
const template: Template = assembly.getStackByName('Team').template;
const platformTemplate: Template = assembly.getStackByName('Platform').template;

test('existing resources are not created, all others are', () => {
  for (const type of ['AWS::DynamoDB::Table', 'AWS::Events::EventBus', 'AWS::SNS::Topic', 'AWS::KMS::Key']) {
    expect(resources(template, type)).toEqual([]);
  }
  expect(only(template, 'AWS::SecretsManager::Secret')['Name']).toBe('prod/reference-key');
});

test('functions get the existing resources in their environment, and can use them', () => {
  const told = object(at(lambda('confirm-session'), 'Environment', 'Variables'));

  expect(text(told['TABLE_NAME'])).toContain('Platform:ExportsOutputRefTable');
  expect(text(told['TERRA_API_SECRET'])).toContain('Platform:ExportsOutputRefTerraKeys');
  expect(text(at(lambda('publish-changes'), 'Environment', 'Variables', 'BUS_NAME'))).toContain('RefBus');
  expect(policyOf('ConfirmSession')).toContain('"dynamodb:UpdateItem"');
  expect(policyOf('ConfirmSession')).toContain('ExportsOutputFnGetAttTable');
  expect(policyOf('ReceiveWebhook')).toContain(':secret:hooks/terra-??????');
  expect(policyOf('PublishChanges')).toContain('StreamArn');
});

test('an existing key is granted by the functions’ roles; its own policy is not changed', () => {
  const alone = new App({ context });
  platformOf(alone);
  const before: Template = alone.synth().getStackByName('Platform').template;

  expect(only(platformTemplate, 'AWS::KMS::Key')).toEqual(only(before, 'AWS::KMS::Key'));
  expect(policyOf('ConfirmSession')).toMatch(/kms:Decrypt.+"kms:ViaService":\{"Fn::Join".+dynamodb\./);
  expect(policyOf('ListProviders')).toMatch(/kms:Decrypt.+"kms:ViaService":\{"Fn::Join".+secretsmanager\./);
});

test('every option has its effect', () => {
  expect(object(only(template, 'AWS::ApiGatewayV2::Stage'))).toMatchObject({
    DefaultRouteSettings: { ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 },
    RouteSettings: {
      'GET /v1/providers': { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 },
      'POST /v1/tokens': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
    },
  });
  expect(
    resources(template, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => Properties['ScheduleExpression']),
  ).toEqual(['rate(15 minutes)', 'rate(1 hour)']);
  for (const [, { Properties }] of resources(template, 'AWS::Logs::LogGroup'))
    expect(Properties['RetentionInDays']).toBe(365);
  expect(lambda('receive-webhook')['ReservedConcurrentExecutions']).toBe(20);
  expect(lambda('read-state')).not.toHaveProperty('ReservedConcurrentExecutions');
});

test('the alarm for a run that did not start waits two of the schedule’s periods, and publishes to the existing topic', () => {
  const alarms = resources(template, 'AWS::CloudWatch::Alarm');
  const spans = alarms
    .filter(([id]) => /Absent/.test(id))
    .map(([, { Properties }]) => [Properties['Period'], Properties['EvaluationPeriods']]);

  expect(spans).toEqual([
    [900, 2],
    [3600, 2],
  ]);
  for (const [, { Properties }] of alarms) expect(text(Properties['AlarmActions'])).toContain('RefPager');
});

test('traced functions can write to X-Ray, the only `*` resource', () => {
  for (const [, properties] of lambdas(template)) expect(properties['TracingConfig']).toEqual({ Mode: 'Active' });
  for (const [, { Properties }] of resources(template, 'AWS::IAM::Policy')) {
    const statements = [at(Properties, 'PolicyDocument', 'Statement') ?? []].flat();
    const starred = statements.filter(statement => [at(statement, 'Resource') ?? []].flat().includes('*'));
    for (const statement of starred) {
      expect(at(statement, 'Action')).toEqual(['xray:PutTelemetryRecords', 'xray:PutTraceSegments']);
    }
  }
});

test('the construct exposes its resources', () => {
  const { api, records, secrets, bus, deadLetters, alarms, dashboard, sweepSchedule } = connect;

  for (const inner of [
    api.httpApi.apiId,
    api.accessLogGroup.logGroupArn,
    records.table.tableArn,
    secrets.referenceKey.secret.secretArn,
    bus.bus.eventBusArn,
    deadLetters.queue.queueArn,
    alarms.topic.topicArn,
    dashboard.dashboard.dashboardArn,
    sweepSchedule.role.roleArn,
  ]) {
    expect(team.resolve(inner)).toBeDefined();
  }
  expect(platform.platform.dependencies).toEqual([]);
});

test('an existing table without a stream is refused, and the message names the stream', () => {
  expect(() => place({ table: Table.fromTableName(new Stack(), 'Bare', 'bare') })).toThrow(
    'The existing table needs a stream of new and old images: create it with tableSchema',
  );
});

function place(settings: Partial<TerraConnectProps>): TerraConnect {
  return new TerraConnect(new Stack(new App(), 'Team'), 'Connect', { ...production, bundles, ...settings });
}

function lambda(wanted: string) {
  const [, properties] = lambdas(template).find(([name]) => name === wanted) ?? [];
  return object(properties);
}

/** The policy of a function's role, as text. */
function policyOf(name: string): string {
  return resources(template, 'AWS::IAM::Policy')
    .filter(([id]) => id.startsWith(`Connect${name}Role`))
    .map(([, { Properties }]) => JSON.stringify(Properties['PolicyDocument']))
    .join('\n');
}
