import { createHmac, timingSafeEqual } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import { z } from 'zod';

const logger = new Logger({ serviceName: 'webhook' });
const metrics = new Metrics({ namespace: 'connect', serviceName: 'webhook' });
const tracer = new Tracer({ serviceName: 'webhook' });
const client = DynamoDBDocumentClient.from(tracer.captureAWSv3Client(new DynamoDBClient({})));

const Event = z.object({
  type: z.string(),
  status: z.string().optional(),
  user: z.object({ user_id: z.uuid(), provider: z.string(), reference_id: z.string(), scopes: z.string().nullish() }),
});

const table = process.env.TABLE_NAME;

async function takeWebhook(event) {
  const { current } = await getSecret(process.env.TERRA_WEBHOOK_SECRET, { transform: 'json', maxAge: 300 });
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(event.headers['x-terra-signature'] ?? '') ?? [];
  const mac = createHmac('sha256', current).update(`${t}.${event.body}`).digest();
  if (v1 === undefined || !timingSafeEqual(mac, Buffer.from(v1, 'hex'))) return { statusCode: 401, body: '' };

  const { type, status, user } = Event.parse(JSON.parse(event.body));
  if (type === 'auth' && status === 'success') {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': user.reference_id },
        ConsistentRead: true,
      }),
    );
    const session = Items.find(({ item }) => item.startsWith('session#'));
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: { owner: user.reference_id, item: session.item },
        UpdateExpression: 'SET authorised = :user',
        ExpressionAttributeValues: { ':user': user.user_id },
      }),
    );
    await client.send(
      new PutCommand({
        TableName: table,
        Item: { owner: user.reference_id, item: `connection#${user.user_id}`, status: 'connected', ...user },
      }),
    );
  }
  logger.info('webhook', { type });
  metrics.addMetric('webhooks', 'Count', 1);
  return { statusCode: 200, body: JSON.stringify({ outcome: 'applied' }) };
}

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .use(captureLambdaHandler(tracer))
  .use(httpErrorHandler())
  .handler(takeWebhook);
