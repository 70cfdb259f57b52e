import { createServer } from 'node:http';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { listen, readBody } from '../../../local/loopback';

/** What the bare server is to read, and where. */
export type BareWish = {
  readonly endpoint: string;
  readonly tableName: string;
  readonly owner: string;
};

/*
 * The least that can serve a request and ask the table: one process, one listener, the call a repeated webhook makes.
 * What the local stack needs beyond this is the price of gateway, runtime and function.
 */
process.on('message', async ({ endpoint, tableName, owner }: BareWish) => {
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIABARESERVER000000', secretAccessKey: 'made-up' },
  });
  const server = createServer(async (request, response) => {
    await readBody(request);
    const { Count } = await client.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': { S: owner } },
        ConsistentRead: true,
      }),
    );
    const body = JSON.stringify({ outcome: Count === 0 ? 'foreign' : 'unchanged' });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
  process.send?.(await listen(server));
});
process.on('disconnect', () => process.exit());
