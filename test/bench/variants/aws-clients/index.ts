import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

const dynamodb = new DynamoDBClient({});
const secrets = new SecretsManagerClient({});

/** The AWS clients of a function and one call of each, without product code. */
export const handler = async (event: object) => {
  if (!('TableName' in event)) return undefined;
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: 'some' }));
  return dynamodb.send(new PutItemCommand({ TableName: 'some', Item: { secret: { S: SecretString ?? '' } } }));
};
