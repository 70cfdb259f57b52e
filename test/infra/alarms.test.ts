import { consoleLog } from '../../functions/core/platform/log';
import { type AlarmDeclaration, alarms } from '../../infra/parts/alarm-list';
import { at, functions, only, resources, templateWith, text, word } from './template';

const template = templateWith();
const rung = resources(template, 'AWS::CloudWatch::Alarm');
const filters = resources(template, 'AWS::Logs::MetricFilter').map(([, { Properties }]) => Properties);

// Repeated on purpose: a changed alarm must be changed here too.
test('the stack has exactly these alarms', () => {
  expect(alarms.map(told)).toEqual([
    'ReferenceKeyChanged: reference_key_changed >= 1 in 5 min',
    'TerraCredentials: terra_credentials >= 1 in 5 min',
    'TerraEndpointGone: terra_endpoint_gone >= 1 in 5 min',
    'SignatureMismatch: signature_mismatch >= 21 in 5 min',
    'OwnerMismatch: owner_mismatch >= 1 in 5 min',
    'LinkReused: link_reused >= 1 in 5 min',
    'OwnersDiffer: owners_differ >= 1 in 5 min',
    'UnsolicitedForeign: unsolicited_foreign >= 1 in 60 min',
    'PoisonEvent: poison_event >= 1 in 60 min',
    'UnknownEvent: unknown_event >= 1 in 60 min',
    'EndWithoutReference: end_without_reference >= 1 in 60 min',
    'DisconnectOverdue: disconnect_overdue >= 1 in 5 min',
    'OwnerFull: owner_full >= 1 in 60 min',
    'SweepBreaker: sweep_breaker >= 1 in 5 min',
    'ReconcileBreaker: reconcile_breaker >= 1 in 5 min',
    'UnreadableRow: unreadable_row >= 1 in 5 min',
    'ReconcileSkipped: reconcile_skipped >= 1 in 5 min',
    'BodyTooLarge: body_too_large >= 1 in 5 min',
    'DeadLetters: dead_letters >= 1 in 5 min',
    'EventsLate: publish_age_ms >= 600000 in 5 min',
    'PublishFails: publish_errors >= 1 in 5 min',
    'WebhookFails: webhook_errors >= 1 in 5 min',
    'FunctionsFail: api_errors >= 1 in 5 min',
    'ServerErrors: server_errors_percent >= 1 in 5 min',
    'FunctionsThrottled: api_throttles >= 1 in 5 min',
    'JobsThrottled: job_throttles >= 1 in 5 min',
    'SweepFails: sweep_errors >= 1 in 5 min',
    'SweepNotStarted: sweep_not_started >= 1 in 5 min',
    'SweepAbsent: sweep_runs < 1 in 5 min, 2 times',
    'ReconcileFails: reconcile_errors >= 1 in 5 min',
    'ReconcileNotStarted: reconcile_not_started >= 1 in 5 min',
    'ReconcileAbsent: reconcile_runs < 1 in 10 min, 2 times',
  ]);
});

test('each alarm is deployed, publishes to the topic, and says what the operator should do', () => {
  const [[topic] = []] = resources(template, 'AWS::SNS::Topic');

  expect(rung.map(([, { Properties }]) => Properties['AlarmDescription'])).toEqual(
    alarms.map(({ description }) => description),
  );
  for (const [, { Properties }] of rung) {
    expect(Properties['AlarmActions']).toEqual([{ Ref: topic }]);
    expect(Properties).not.toHaveProperty('ActionsEnabled');
    expect(text(Properties['AlarmDescription'])).toMatch(/^[A-Z].{20,}\. .+\.$/);
  }
});

test('every alarm that a function logs has a CloudWatch alarm', () => {
  const declared = new Set(alarms.map(({ metric }) => metric));

  expect(declared.size).toBe(alarms.length);
  for (const name of alarmNames) expect(declared).toContain(name);
});

test('an alarm in a log line is counted by its name, for every function', () => {
  const counted = filters.filter(({ MetricTransformations }) => metricOf(MetricTransformations) === 'Alarms');

  expect(counted).toHaveLength(functions.length);
  for (const { FilterPattern, MetricTransformations } of counted) {
    expect(FilterPattern).toBe('{ $.message.alarm = "*" }');
    expect(MetricTransformations).toEqual([
      {
        MetricNamespace: 'TerraConnect/prod',
        MetricName: 'Alarms',
        MetricValue: '1',
        Dimensions: [{ Key: 'Alarm', Value: '$.message.alarm' }],
      },
    ]);
  }
  expect(alarm('OwnerMismatch')).toMatchObject({
    Namespace: 'TerraConnect/prod',
    MetricName: 'Alarms',
    Dimensions: [{ Name: 'Alarm', Value: 'owner_mismatch' }],
    Statistic: 'Sum',
    Period: 300,
  });
});

test('the filters match the log lines that the log level lets through', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const info = jest.spyOn(console, 'info').mockImplementation(() => undefined);
  consoleLog('warn', 'request', { alarm: 'owner_mismatch' });
  consoleLog('info', 'request', { route: 'POST /v1/webhooks/terra', outcome: 'applied', status: 200 });
  // Under JSON logging the one argument of a call becomes the line's `message`.
  const [alarming, plain] = [...warn.mock.calls, ...info.mock.calls].map(([message]) => ({ message }));

  expect(at(alarming, 'message', 'alarm')).toBe('owner_mismatch');
  expect([at(plain, 'message', 'route'), at(plain, 'message', 'outcome')]).toEqual([
    'POST /v1/webhooks/terra',
    'applied',
  ]);
  for (const [, { Properties }] of resources(template, 'AWS::Lambda::Function')) {
    expect(at(Properties, 'LoggingConfig', 'ApplicationLogLevel')).toBe('INFO');
  }
});

test('outcomes are counted by route; statuses and refused events come from the access log', () => {
  const patterns = filters.map(({ FilterPattern, MetricTransformations, LogGroupName }) =>
    [metricOf(MetricTransformations), FilterPattern, word(template, LogGroupName)].map(text).join(' | '),
  );

  expect(patterns.filter(pattern => pattern.startsWith('Outcomes'))).toHaveLength(8);
  expect(patterns).toContain('Outcomes | { $.message.outcome = "*" } | ConnectReceiveWebhookLogs');
  expect(patterns).toContain('UnreadFields | { $.message.unread = "*" } | ConnectReceiveWebhookLogs');
  expect(patterns).toContain('Statuses | { $.status = "*" } | ConnectApiAccessLog');
  expect(patterns).toContain(
    'BodyTooLarge | { ($.status = "413") && ($.routeKey = "POST /v1/webhooks/terra") } | ConnectApiAccessLog',
  );
});

test('every dead-letter queue has an alarm at the first message', () => {
  const watched = rung
    .filter(([, { Properties }]) => Properties['MetricName'] === 'ApproximateNumberOfMessagesVisible')
    .map(([, { Properties }]) => [word(template, at(Properties, 'Dimensions', 0, 'Value')), Properties['Threshold']]);

  expect(watched).toEqual(resources(template, 'AWS::SQS::Queue').map(([id]) => [id.replace(/[0-9A-F]{8}$/, ''), 1]));
});

test('a schedule that starts nothing raises an alarm after two periods, even without data', () => {
  expect(alarm('SweepAbsent')).toMatchObject({
    MetricName: 'Invocations',
    ComparisonOperator: 'LessThanThreshold',
    EvaluationPeriods: 2,
    TreatMissingData: 'breaching',
  });
  const quiet = rung.filter(([, { Properties }]) => Properties['TreatMissingData'] === 'notBreaching');
  expect(quiet).toHaveLength(alarms.length - 2);
});

test('failures of every function raise an alarm, and no alarm uses more than ten metrics', () => {
  const watched = rung.flatMap(([, { Properties }]) => {
    const metrics = [at(Properties, 'Metrics') ?? []].flat().filter(metric => at(metric, 'MetricStat') !== undefined);
    expect(metrics.length).toBeLessThanOrEqual(10);
    const dimensions = [at(Properties, 'Dimensions', 0, 'Value')];
    return Properties['MetricName'] === 'Errors'
      ? dimensions
      : metrics
          .filter(metric => at(metric, 'MetricStat', 'Metric', 'MetricName') === 'Errors')
          .map(metric => at(metric, 'MetricStat', 'Metric', 'Dimensions', 0, 'Value'));
  });

  expect(watched.map(name => word(template, name)).toSorted()).toEqual(
    resources(template, 'AWS::Lambda::Function')
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))
      .toSorted(),
  );
});

test('the alarms can publish to the topic, over TLS only, and the configured address is subscribed', () => {
  const { PolicyDocument } = only(template, 'AWS::SNS::TopicPolicy');
  const alarmed = templateWith({ alarmEmail: 'ops@example.com' });

  expect(PolicyDocument).toMatchObject({
    Statement: [
      { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      {
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ],
  });
  expect(only(alarmed, 'AWS::SNS::Subscription')).toMatchObject({ Protocol: 'email', Endpoint: 'ops@example.com' });
  expect(resources(template, 'AWS::SNS::Subscription')).toEqual([]);
});

test('the dashboard shows alarms, requests, outcomes and every function', () => {
  const body = JSON.stringify(only(template, 'AWS::CloudWatch::Dashboard')['DashboardBody']);

  for (const [id] of resources(template, 'AWS::Lambda::Function')) expect(body).toContain(id);
  for (const [id] of rung) expect(body).toContain(id);
  expect(body).toContain('Outcomes by route');
  expect(body).toContain('Requests by status');
});

/** Repeated on purpose: a name more in `functions/core/platform/log.ts` does not compile here until it has an alarm. */
const alarmNames = Object.keys({
  owner_mismatch: true,
  link_reused: true,
  owners_differ: true,
  reference_key_changed: true,
  signature_mismatch: true,
  terra_credentials: true,
  terra_endpoint_gone: true,
  unsolicited_foreign: true,
  disconnect_overdue: true,
  owner_full: true,
  reconcile_breaker: true,
  reconcile_skipped: true,
  sweep_breaker: true,
  unreadable_row: true,
  body_too_large: true,
  poison_event: true,
  unknown_event: true,
  end_without_reference: true,
} satisfies Record<import('../../functions/core/platform/log').AlarmName, true>);

function told({ name, metric, threshold, minutes, periods }: AlarmDeclaration): string {
  const limit = 'below' in threshold ? `< ${threshold.below}` : `>= ${threshold.atLeast}`;
  return `${name}: ${metric} ${limit} in ${minutes} min${periods === 1 ? '' : `, ${periods} times`}`;
}

function alarm(name: string) {
  return rung.find(([id]) => id.startsWith(`ConnectAlarms${name}`))?.[1].Properties;
}

const metricOf = (transformations: Parameters<typeof at>[0]) => at(transformations, 0, 'MetricName');
