import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Queues, startQueues } from '../../local/aws/sqs/queue';

const url = 'https://sqs.us-east-1.amazonaws.com/000000000000/letters';
const arn = 'arn:aws:sqs:us-east-1:000000000000:letters';
let now = 0;
let queues: Queues;
let client: SQSClient;
beforeEach(async () => {
  now = 1_000_000;
  queues = await startQueues({ declared: [{ ref: url, arn }], clock: () => now });
  client = new SQSClient({
    endpoint: queues.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  client.destroy();
  await queues.close();
});

const receive = async (most = 10) =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: most }))).Messages ?? [];
const send = (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));
const counts = async () => {
  const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] });
  const { Attributes } = await client.send(asked);
  return [Attributes?.ApproximateNumberOfMessages, Attributes?.ApproximateNumberOfMessagesNotVisible];
};

test('a message is received, is invisible for a while, is received again, and can be deleted', async () => {
  await send('first');
  queues.send(arn, 'second');

  expect((await receive()).map(({ Body }) => Body)).toEqual(['first', 'second']);
  expect([await receive(), await counts()]).toEqual([[], ['0', '2']]);
  now += 31_000;
  const [again] = await receive(1);
  expect([again?.Body, again?.Attributes?.ApproximateReceiveCount]).toEqual(['first', '2']);
  await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: again?.ReceiptHandle }));

  expect(queues.bodies(url)).toEqual(['second']);
  expect(await counts()).toEqual(['1', '0']);
});

test('requests that SQS refuses are refused', async () => {
  await expect(send('')).rejects.toMatchObject({ name: 'MissingParameter' });
  await expect(send('x'.repeat(270_000))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  const elsewhere = new SendMessageCommand({ QueueUrl: `${url}-not`, MessageBody: 'x' });
  await expect(client.send(elsewhere)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  expect(() => queues.send('another', 'x')).toThrow('There is no queue another');
});
