import { account, arn } from '../iam/account';
import type { AwsCall, AwsRequest } from '../aws-call';
import type { Need } from '../iam/permissions';
import type { Stack } from './template';

type Encrypted = {
  readonly KmsKeyId?: string;
  readonly KmsMasterKeyId?: string;
  readonly SSESpecification?: { readonly KMSMasterKeyId?: string };
};

/** What each service does with a customer's key in the name of whoever calls it. */
const keyActions: Readonly<Record<string, readonly string[]>> = {
  dynamodb: ['kms:Decrypt'],
  secretsmanager: ['kms:Decrypt'],
  sqs: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

/** Tells of a call which permissions it takes, on the resources of this template. */
export function needing(stack: Stack): (call: AwsCall, request: AwsRequest) => Need[] {
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

  // A secret goes by its name, its ARN, or its ARN without the random ending.
  const secretArn = (id: string) =>
    secrets.find(({ arn: known }) =>
      [id, `${id}-local0`, whole('secretsmanager', `secret:${id}-local0`)].includes(known),
    )?.arn ?? whole('secretsmanager', `secret:${id}`, id);

  const resourcesOf: Readonly<Record<string, (request: AwsRequest) => string[]>> = {
    dynamodb: tablesOf,
    secretsmanager: ({ SecretId }) => (typeof SecretId === 'string' ? [secretArn(SecretId)] : []),
    events: ({ Entries }) => list(Entries).map(({ EventBusName = 'default' }) => busArn(String(EventBusName))),
    sqs: ({ QueueUrl }) => (typeof QueueUrl === 'string' ? [whole('sqs', QueueUrl.split('/').at(-1) ?? '')] : []),
  };

  return ({ service, action }, request) => {
    const named = new Set(resourcesOf[service]?.(request));
    const asked = `${service}:${service === 'sqs' ? action.replace(/Batch$/, '') : action}`;
    if (named.size === 0) return [{ action: asked, resource: '*' }];
    return [...named].flatMap(resource => {
      const key = keys.get(resource.replace(/\/index\/.*$/, ''));
      const via = `${service}.${account.region}.${account.urlSuffix}`;
      const ofKey = key === undefined ? [] : (keyActions[service] ?? []);
      return [
        { action: asked, resource },
        ...ofKey.map(keyAction => ({ action: keyAction, resource: key ?? '', via })),
      ];
    });
  };
}

/** A call names one table, perhaps with an index, or for a batch several. */
function tablesOf({ TableName, IndexName, RequestItems }: AwsRequest): string[] {
  const names = typeof TableName === 'string' ? [TableName] : Object.keys(RequestItems ?? {});
  const index = typeof IndexName === 'string' ? `/index/${IndexName}` : '';
  return names.map(name => whole('dynamodb', `table/${name}`, name) + index);
}

const busArn = (name: string): string => whole('events', `event-bus/${name}`, name);

/** What is named by an ARN already keeps it. */
const whole = (service: string, resource: string, name = resource): string =>
  name.startsWith('arn:') ? name : arn(service, resource);

const list = (value: unknown): AwsRequest[] => (Array.isArray(value) ? (value as AwsRequest[]) : []);
