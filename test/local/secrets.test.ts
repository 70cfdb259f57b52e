import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { AwsCall } from '../../local/aws/aws-call';
import {
  type SecretProperties,
  type SecretsManager,
  startSecretsManager,
} from '../../local/aws/secretsmanager/secrets';
import { readStack } from '../../local/aws/cloudformation/template';
import { temporaryDirectory } from './fixture';

const declared = readStack(
  'fixture',
  {
    Resources: {
      Literal: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'local/terra-api', SecretString: '{}' } },
      Generated: {
        Type: 'AWS::SecretsManager::Secret',
        Properties: {
          Name: 'local/reference-key',
          GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
        },
      },
      Templated: {
        Type: 'AWS::SecretsManager::Secret',
        Properties: { GenerateSecretString: { SecretStringTemplate: '{"user":"x"}', GenerateStringKey: 'password' } },
      },
    },
  },
  { apiUrl: 'http://localhost' },
).resources<SecretProperties>('AWS::SecretsManager::Secret');
const [literal] = declared;

const running: SecretsManager[] = [];
const calls: AwsCall[] = [];

afterEach(() => Promise.all(running.splice(0).map(secrets => secrets.close())));

async function started(dataDir?: string) {
  const secrets = await startSecretsManager({ declared, dataDir, onCall: call => void calls.push(call) });
  running.push(secrets);
  const client = new SecretsManagerClient({
    endpoint: secrets.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
  const get = (SecretId: string, more: object = {}) => client.send(new GetSecretValueCommand({ SecretId, ...more }));
  return { secrets, client, get };
}

test('a secret starts with the template’s value, and is found by name, ARN and partial ARN', async () => {
  const { get } = await started();
  const arn = literal?.arn ?? '';

  for (const id of ['local/terra-api', arn, arn.slice(0, -7)]) {
    expect(await get(id)).toMatchObject({
      ARN: arn,
      Name: 'local/terra-api',
      SecretString: '{}',
      VersionStages: ['AWSCURRENT'],
    });
  }
});

test('a generated secret follows the template’s rule', async () => {
  const { get, secrets } = await started();

  expect((await get('local/reference-key')).SecretString).toMatch(/^[A-Za-z0-9]{64}$/);
  const templated = JSON.parse((await get(secrets.names[2] ?? '')).SecretString ?? '');
  expect(templated).toEqual({ user: 'x', password: expect.stringMatching(/^.{32}$/) });
});

test('a put creates a new current version and keeps the previous one', async () => {
  const { client, get } = await started();
  const before = await get('local/terra-api');

  const put = await client.send(
    new PutSecretValueCommand({
      SecretId: 'local/terra-api',
      SecretString: '{"devId":"d"}',
      ClientRequestToken: '0'.repeat(32),
    }),
  );

  expect(put.VersionId).toBe('0'.repeat(32));
  expect(await get('local/terra-api')).toMatchObject({ SecretString: '{"devId":"d"}', VersionId: put.VersionId });
  expect((await get('local/terra-api', { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('{}');
  expect((await get('local/terra-api', { VersionId: before.VersionId })).SecretString).toBe('{}');
  const described = await client.send(new DescribeSecretCommand({ SecretId: 'local/terra-api' }));
  expect(described.VersionIdsToStages).toEqual({
    [String(put.VersionId)]: ['AWSCURRENT'],
    [String(before.VersionId)]: ['AWSPREVIOUS'],
  });
});

test('putting the current value again keeps the previous version', async () => {
  const { secrets, get } = await started();

  secrets.put('local/terra-api', '{"devId":"d"}');
  secrets.put('local/terra-api', '{"devId":"d"}');

  expect((await get('local/terra-api', { VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('{}');
});

test('an unknown secret gives AWS’s error', async () => {
  const { get } = await started();

  await expect(get('local/nothing')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: "Secrets Manager can't find the specified secret.",
  });
  await expect(get('local/terra-api', { VersionStage: 'AWSPREVIOUS' })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: expect.stringContaining('staging label: AWSPREVIOUS'),
  });
});

test('each call is identified by the caller’s credentials', async () => {
  const { get } = await started();
  calls.length = 0;

  await get('local/terra-api');

  expect(calls).toEqual([{ service: 'secretsmanager', action: 'GetSecretValue', accessKey: 'AKIATEST' }]);
});

test('with a data directory generated values and puts survive a restart', async () => {
  const dataDir = temporaryDirectory();
  const first = await started(dataDir);
  const key = (await first.get('local/reference-key')).SecretString;
  first.secrets.put('local/terra-api', '{"devId":"kept"}');
  await first.secrets.close();
  running.length = 0;

  const second = await started(dataDir);

  expect((await second.get('local/reference-key')).SecretString).toBe(key);
  expect((await second.get('local/terra-api')).SecretString).toBe('{"devId":"kept"}');
});

test('putting into an unknown secret lists the known ones', async () => {
  const { secrets } = await started();

  expect(() => secrets.put('local/typo', 'x')).toThrow(
    /There is no secret local\/typo. Secrets: local\/terra-api, local\/reference-key/,
  );
});
