import { connect } from 'node:net';
import { startBus } from '../../local/aws/eventbridge/bus';
import { startDynamoDb } from '../../local/aws/dynamodb/dynamodb';
import { startQueues } from '../../local/aws/sqs/queue';
import { startSecretsManager } from '../../local/aws/secretsmanager/secrets';

const services = [
  ['EventBridge', () => startBus({ names: ['bus'] })],
  ['SQS', () => startQueues({ declared: [] })],
  ['Secrets Manager', () => startSecretsManager({ declared: [] })],
  ['DynamoDB', () => startDynamoDb()],
] as const;

test.each(services)('a caller of %s that is killed during a call stops no other caller', async (_, start) => {
  const service = await start();
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);

  await callHalfWay(Number(new URL(service.endpoint).port));
  await new Promise(done => setTimeout(done, 100));

  process.off('unhandledRejection', note);
  const answer = await fetch(service.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'S.Nothing' },
    body: '{}',
  });
  await service.close();
  expect(unhandled).toEqual([]);
  expect([400, 404]).toContain(answer.status);
});

/** Says how much is to come, and ends before it has. */
async function callHalfWay(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('POST / HTTP/1.1\r\nhost: here\r\nx-amz-target: S.PutEvents\r\ncontent-length: 100\r\n\r\n{"half":');
  await new Promise(done => setTimeout(done, 50));
  socket.destroy();
}
