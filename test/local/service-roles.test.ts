import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { type LogEntry, logLine } from '../../local/log-entry';
import { type RunningTemplate, runTemplate } from '../../local/aws/running-template';
import { connectTable } from '../../local/aws/dynamodb/tables';
import { eventually } from '../support/person';
import { assemblyOf, functionResource } from './fixture';

const running: RunningTemplate[] = [];
afterEach(() => Promise.all(running.splice(0).map(template => template.close())));

const attribute = (id: string, name = 'Arn') => ({ 'Fn::GetAtt': [id, name] });
const streamActions = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
  name => `dynamodb:${name}`,
);

/** A function that always throws, on a schedule and on a stream, in a stack whose one role may do just this. */
async function started(...actions: string[]) {
  const PolicyDocument = { Statement: [{ Effect: 'Allow', Action: [...streamActions, ...actions], Resource: '*' }] };
  const assembly = assemblyOf(
    {
      Role: { Type: 'AWS::IAM::Role', Properties: { Policies: [{ PolicyName: 'all', PolicyDocument }] } },
      Table: { Type: 'AWS::DynamoDB::Table', Properties: { ...connectTable } },
      Letters: { Type: 'AWS::SQS::Queue' },
      Failing: functionResource('failing', { Role: attribute('Role') }) ?? { Type: 'none' },
      Changes: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { Ref: 'Failing' },
          EventSourceArn: attribute('Table', 'StreamArn'),
          MaximumRetryAttempts: 0,
          DestinationConfig: { OnFailure: { Destination: attribute('Letters') } },
        },
      },
      Often: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          ScheduleExpression: 'rate(1 hour)',
          Target: {
            Arn: attribute('Failing'),
            RoleArn: attribute('Role'),
            Input: '{"by":"clock"}',
            DeadLetterConfig: { Arn: attribute('Letters') },
          },
        },
      },
    },
    { failing: 'exports.handler = async () => { throw new Error("always"); };' },
  );
  const logs: LogEntry[] = [];
  const template = await runTemplate(assembly, { apiUrl: 'http://localhost', log: entry => logs.push(entry) });
  running.push(template);
  const denied = () => logs.flatMap(entry => (entry.kind === 'denied' ? [entry] : []));
  return { template, denied, letters: () => template.queues.bodies(template.queues.urls[0] ?? '') };
}

async function change({ dynamodb }: RunningTemplate): Promise<void> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: 'us-east-1', credentials });
  await client.send(
    new PutItemCommand({ TableName: dynamodb.tableName, Item: { owner: { S: 'o' }, item: { S: 'i' } } }),
  );
  client.destroy();
}

test('a run that the schedule’s role does not allow goes to the dead letters, if the role allows that', async () => {
  const { template, letters } = await started('sqs:SendMessage');

  const { outcome } = await template.invokeSchedule('Often');

  expect(outcome).toMatchObject({
    ok: false,
    errorType: 'AccessDeniedException',
    errorMessage: expect.stringMatching(
      /assumed-role\/fixture-Role\/Often is not .* lambda:InvokeFunction on resource: .*:fixture-Failing because/,
    ),
  });
  expect(letters()).toEqual(['{"by":"clock"}']);
});

test('if the role does not allow that either, both are logged', async () => {
  const { template, letters, denied } = await started();

  await template.invokeSchedule('Often');

  expect(letters()).toEqual([]);
  expect(denied().map(({ message }) => /perform: (\S+)/.exec(message)?.[1])).toEqual([
    'lambda:InvokeFunction',
    'sqs:sendmessage',
  ]);
});

test('a run that the schedule’s role allows starts', async () => {
  const { template, denied } = await started('lambda:InvokeFunction');

  expect((await template.invokeSchedule('Often')).outcome).toMatchObject({ ok: false, errorType: 'Error' });
  expect(denied()).toEqual([]);
});

test('Lambda sends a failed batch to the queue with the function’s role', async () => {
  const { template, letters, denied } = await started('sqs:SendMessage');

  await change(template);

  const [letter] = await eventually(
    async () => letters(),
    found => found.length > 0,
  );
  expect(letter).toContain('RetryAttemptsExhausted');
  expect(denied()).toEqual([]);
});

test('a dead letter that the function’s role may not send is lost, and logged', async () => {
  const { template, letters, denied } = await started();

  await change(template);

  const [entry] = await eventually(
    async () => denied(),
    found => found.length > 0,
  );
  expect(letters()).toEqual([]);
  expect(entry).toMatchObject({
    function: 'failing',
    message: expect.stringContaining('assumed-role/fixture-Role/fixture-Failing'),
  });
  expect(entry && logLine(entry, { colours: false })).toMatch(
    /^\d\d:\d\d:\d\d {2}failing +denied {2}User: arn:aws:sts::/,
  );
});
