import { randomBytes, randomUUID } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import { TerraClient } from 'terra-api';
import { z } from 'zod';

const logger = new Logger({ serviceName: 'create-session' });
const metrics = new Metrics({ namespace: 'connect', serviceName: 'create-session' });
const tracer = new Tracer({ serviceName: 'create-session' });
const client = DynamoDBDocumentClient.from(tracer.captureAWSv3Client(new DynamoDBClient({})));

const Body = z.object({
  returnTo: z.string(),
  provider: z.string().optional(),
  providers: z.array(z.string()).min(1).max(20).optional(),
  language: z
    .string()
    .regex(/^[a-z]{2}(-[A-Z]{2})?$/)
    .optional(),
});

let terra;

async function createSession(event) {
  const { providers, returnTo, language } = Body.parse(event.body);
  terra ??= new TerraClient(await getSecret(process.env.TERRA_API_SECRET, { transform: 'json', maxAge: 300 }));
  const { sub } = event.requestContext.authorizer.jwt.claims;
  const id = randomUUID();
  const state = randomBytes(32).toString('base64url');
  const link = await terra.authentication.generatewidgetsession({
    reference_id: sub,
    providers: providers?.join(','),
    language,
    auth_success_redirect_url: `${process.env.CALLBACK_BASE}/${state}/success`,
    auth_failure_redirect_url: `${process.env.CALLBACK_BASE}/${state}/failure`,
  });
  const expiresAt = Date.now() + 900_000;
  await client.send(
    new PutCommand({
      TableName: process.env.TABLE_NAME,
      Item: { owner: sub, item: `session#${id}`, state, returnTo, url: link.url, expiresAt },
      ConditionExpression: 'attribute_not_exists(#item)',
      ExpressionAttributeNames: { '#item': 'item' },
    }),
  );
  logger.info('session created', { id });
  return { statusCode: 201, body: JSON.stringify({ id, url: link.url, expiresAt }) };
}

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .use(captureLambdaHandler(tracer))
  .use(httpJsonBodyParser())
  .use(httpErrorHandler())
  .handler(createSession);
