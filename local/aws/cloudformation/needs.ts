import { account, arn } from '../iam/account';
import type { AwsCall, AwsRequest } from '../aws-call';
import type { Need } from '../iam/permissions';
import type { Stack } from './template';

type Encrypted = {
  readonly KmsKeyId?: string;
  readonly KmsMasterKeyId?: string;
  readonly SSESpecification?: { readonly KMSMasterKeyId?: string };
};

/** The KMS actions that each service performs on the caller's behalf with a customer managed key. */
const keyActions: Readonly<Record<string, readonly string[]>> = {
  dynamodb: ['kms:Decrypt'],
  secretsmanager: ['kms:Decrypt'],
  sqs: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

/** Creates a function that returns the permissions a call requires on the resources of this template. */
export function requiredPermissions(stack: Stack): (call: AwsCall, request: AwsRequest) => Need[] {
  const secrets = stack.resources<Encrypted>('AWS::SecretsManager::Secret');
  const encrypted = [
    ...stack.resources<Encrypted>('AWS::DynamoDB::Table'),
    ...stack.resources<Encrypted>('AWS::SQS::Queue'),
    ...secrets,
  ];
  const keys = new Map(
    encrypted.flatMap(({ arn: resource, properties: { KmsKeyId, KmsMasterKeyId, SSESpecification } }) => {
      const key = KmsKeyId ?? KmsMasterKeyId ?? SSESpecification?.KMSMasterKeyId;
      return key === undefined ? [] : [[resource, key] as const];
    }),
  );

  // A secret is named by its name, its ARN, or its ARN without the random suffix.
  const secretArn = (id: string) =>
    secrets.find(({ arn: known }) =>
      [id, `${id}-local0`, toArn('secretsmanager', `secret:${id}-local0`)].includes(known),
    )?.arn ?? toArn('secretsmanager', `secret:${id}`, id);

  const resourcesOf: Readonly<Record<string, (request: AwsRequest) => string[]>> = {
    dynamodb: tablesOf,
    secretsmanager: ({ SecretId }) => (typeof SecretId === 'string' ? [secretArn(SecretId)] : []),
    events: ({ Entries }) => list(Entries).map(({ EventBusName = 'default' }) => busArn(String(EventBusName))),
    sqs: ({ QueueUrl }) => (typeof QueueUrl === 'string' ? [toArn('sqs', QueueUrl.split('/').at(-1) ?? '')] : []),
  };

  return ({ service, action }, request) => {
    const named = new Set(resourcesOf[service]?.(request));
    const iamAction = `${service}:${service === 'sqs' ? action.replace(/Batch$/, '') : action}`;
    if (named.size === 0) return [{ action: iamAction, resource: '*' }];
    return [...named].flatMap(resource => {
      const key = keys.get(resource.replace(/\/index\/.*$/, ''));
      const via = `${service}.${account.region}.${account.urlSuffix}`;
      const ofKey = key === undefined ? [] : (keyActions[service] ?? []);
      return [
        { action: iamAction, resource },
        ...ofKey.map(keyAction => ({ action: keyAction, resource: key ?? '', via })),
      ];
    });
  };
}

/** A call names one table, optionally with an index; a batch names several. */
function tablesOf({ TableName, IndexName, RequestItems }: AwsRequest): string[] {
  const names = typeof TableName === 'string' ? [TableName] : Object.keys(RequestItems ?? {});
  const index = typeof IndexName === 'string' ? `/index/${IndexName}` : '';
  return names.map(name => toArn('dynamodb', `table/${name}`, name) + index);
}

const busArn = (name: string): string => toArn('events', `event-bus/${name}`, name);

/** Returns the name itself if it is an ARN already. */
const toArn = (service: string, resource: string, name = resource): string =>
  name.startsWith('arn:') ? name : arn(service, resource);

const list = (value: unknown): AwsRequest[] => (Array.isArray(value) ? (value as AwsRequest[]) : []);
