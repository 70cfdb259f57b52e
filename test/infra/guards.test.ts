import { join } from 'node:path';
import { functionNames } from '../../infra/bundle/bundle';
import { declaredRoutes } from '../../infra/parts/connect-api';
import { at, functions, lambdas, object, only, resources, templateWith, text, word } from './template';

const template = templateWith();
const disposable = templateWith({ removal: 'destroy' });
const source = join(__dirname, '../../functions');

/** Functions that no route reaches. */
const unrouted = ['sweep-stale', 'publish-changes', 'reconcile'];

test('every folder under functions/ except core is deployed, and nothing else', () => {
  expect(functionNames(source)).toEqual(functions);
  expect(lambdas(template).map(([name]) => name)).toEqual(functions);
});

test('every route has a deployed function, and every function except the sweep and the publisher has a route', () => {
  const routed = new Set(declaredRoutes().map(([, route]) => route.function));

  expect([...routed].toSorted()).toEqual(functions.filter(name => !unrouted.includes(name)));
});

test.each(lambdas(template))('%s has its memory, timeout and log group, and logs JSON', (name, properties) => {
  expect(properties).toMatchObject({
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
    MemorySize: 512,
    Timeout: unrouted.includes(name) ? 60 : 12,
    LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' },
  });
  expect(word(template, at(properties, 'LoggingConfig', 'LogGroup'))).toBe(
    word(template, properties['Role']).replace(/Role$/, 'Logs'),
  );
});

test('logs are kept for a month', () => {
  const groups = resources(template, 'AWS::Logs::LogGroup');

  expect(groups).toHaveLength(12);
  for (const [, { Properties }] of groups) expect(Properties['RetentionInDays']).toBe(30);
});

test('the table is keyed by owner and protected against loss', () => {
  const [[, table] = []] = resources(template, 'AWS::DynamoDB::Table');

  expect(table?.Properties).toEqual({
    AttributeDefinitions: [
      { AttributeName: 'owner', AttributeType: 'S' },
      { AttributeName: 'item', AttributeType: 'S' },
      { AttributeName: 'dueShard', AttributeType: 'S' },
      { AttributeName: 'dueAt', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'owner', KeyType: 'HASH' },
      { AttributeName: 'item', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'due',
        KeySchema: [
          { AttributeName: 'dueShard', KeyType: 'HASH' },
          { AttributeName: 'dueAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    TimeToLiveSpecification: { AttributeName: 'purgeAt', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    DeletionProtectionEnabled: true,
  });
  expect(table?.DeletionPolicy).toBe('Retain');
});

test('a disposable stack deletes its table and logs, and keeps the reference-id key', () => {
  const fate = Object.values(disposable.Resources).flatMap(({ Type, DeletionPolicy, Properties }) =>
    DeletionPolicy === 'Retain' ? [`${Type} ${text(Properties['Name'])}`] : [],
  );

  expect(fate).toEqual(['AWS::SecretsManager::Secret prod/reference-key']);
  expect(only(disposable, 'AWS::DynamoDB::Table')['DeletionProtectionEnabled']).toBe(false);
});

test('secrets are created empty or random', () => {
  const secrets = resources(template, 'AWS::SecretsManager::Secret').map(([, { Properties, DeletionPolicy }]) => {
    const { Name, SecretString, GenerateSecretString } = Properties;
    return [Name, SecretString ?? GenerateSecretString, DeletionPolicy];
  });

  expect(secrets).toEqual([
    ['prod/terra-api', '{}', 'Retain'],
    ['prod/terra-webhook', '{}', 'Retain'],
    ['prod/reference-key', { PasswordLength: 64, ExcludePunctuation: true }, 'Retain'],
  ]);
});

test('the sweep runs every minute and the check of all connections every ten, each with its own role and dead-letter queue', () => {
  const schedules = resources(template, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => {
    const { Target, ...schedule } = Properties;
    const { Arn, RoleArn, DeadLetterConfig, ...target } = object(Target);
    expect(schedule).toMatchObject({ FlexibleTimeWindow: { Mode: 'OFF' } });
    expect(schedule).not.toHaveProperty('State');
    expect(target).toEqual({ RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 3 } });
    const net = word(template, at(DeadLetterConfig, 'Arn'));
    return [schedule['ScheduleExpression'], word(template, Arn), word(template, RoleArn), net];
  });

  expect(schedules).toEqual([
    ['rate(1 minute)', 'ConnectSweepStaleFunction', 'ConnectSweepRunsRole', 'ConnectSweepRunsDeadLetters'],
    ['rate(10 minutes)', 'ConnectReconcileFunction', 'ConnectReconcileRunsRole', 'ConnectReconcileRunsDeadLetters'],
  ]);
  for (const [, { Properties }] of resources(template, 'AWS::Lambda::EventInvokeConfig')) {
    expect(Properties['MaximumRetryAttempts']).toBe(0);
  }
});

test('every change of a session or connection goes to the publisher, and to a dead-letter queue if it cannot be published', () => {
  const { EventSourceArn, FunctionName, DestinationConfig, FilterCriteria, ...mapping } = only(
    template,
    'AWS::Lambda::EventSourceMapping',
  );

  expect(word(template, EventSourceArn)).toBe('ConnectRecordsTable/stream');
  expect(word(template, FunctionName)).toBe('ConnectPublishChangesFunction');
  expect(word(template, at(DestinationConfig, 'OnFailure', 'Destination'))).toBe('ConnectDeadLettersQueue');
  expect(JSON.parse(text(at(FilterCriteria, 'Filters', 0, 'Pattern')))).toEqual({
    eventName: ['INSERT', 'MODIFY'],
    dynamodb: { Keys: { item: { S: [{ prefix: 'session#' }, { prefix: 'connection#' }] } } },
  });
  expect(mapping).toEqual({
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 100,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BisectBatchOnFunctionError: true,
    MaximumRetryAttempts: 100,
    MaximumRecordAgeInSeconds: 86400,
  });
});

test('the bus is named after its stage and open to this account only', () => {
  expect(only(template, 'AWS::Events::EventBus')['Name']).toBe('terra-connect-prod');
  expect(only(templateWith({ stage: 'test' }), 'AWS::Events::EventBus')['Name']).toBe('terra-connect-test');
  expect(resources(template, 'AWS::Events::EventBusPolicy')).toEqual([]);
});

test('each dead-letter queue is encrypted, kept for 14 days and reached by TLS only', () => {
  const queues = resources(template, 'AWS::SQS::Queue');
  const policies = resources(template, 'AWS::SQS::QueuePolicy');

  expect(queues).toHaveLength(3);
  for (const [, { Properties }] of queues) {
    expect(Properties).toEqual({ MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true });
  }
  expect(policies.flatMap(([, { Properties }]) => Properties['Queues'])).toEqual(
    expect.arrayContaining(queues.map(([id]) => ({ Ref: id }))),
  );
  for (const [, { Properties }] of policies) {
    expect(Properties['PolicyDocument']).toMatchObject({
      Statement: [{ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
    });
  }
});

test('the outputs give the operator the created resources and the next steps', () => {
  expect(Object.keys(template.Outputs)).toEqual([
    'ApiUrl',
    'WebhookUrl',
    'CallbackBase',
    'TableName',
    'BusName',
    'TerraApiSecretName',
    'TerraWebhookSecretName',
    'ReferenceKeySecretName',
    'AlarmTopicArn',
    'NextStep',
  ]);
  expect(word(template, template.Outputs['NextStep']?.Value)).toBe(
    'Fill the secrets prod/terra-api with {"devId":"...","apiKey":"..."} and prod/terra-webhook with {"current":"..."}, ' +
      "then add ConnectApi/v1/webhooks/terra as a webhook destination in Terra's dashboard.",
  );
});

test('with a customer key, table, secrets, dead letters and logs are encrypted by it, and it is retained', () => {
  const keyed = templateWith({ encryption: 'customer', removal: 'destroy' });
  const [[id, key] = []] = resources(keyed, 'AWS::KMS::Key');

  expect(key).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
  const arn = { 'Fn::GetAtt': [id, 'Arn'] };
  expect(only(keyed, 'AWS::DynamoDB::Table')['SSESpecification']).toEqual({
    SSEEnabled: true,
    SSEType: 'KMS',
    KMSMasterKeyId: arn,
  });
  expect(resources(keyed, 'AWS::SQS::Queue').map(([, { Properties }]) => Properties['KmsMasterKeyId'])).toContainEqual(
    arn,
  );
  for (const [, { Properties }] of resources(keyed, 'AWS::SecretsManager::Secret'))
    expect(Properties['KmsKeyId']).toEqual(arn);
  for (const [, { Properties }] of resources(keyed, 'AWS::Logs::LogGroup')) expect(Properties['KmsKeyId']).toEqual(arn);
});
