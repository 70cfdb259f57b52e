import { account, arn } from '../iam/account';

/** A resource's physical id and attributes, as `Ref` and `Fn::GetAtt` return them. */
export type PhysicalResource = {
  readonly ref: string;
  readonly attribute: (name: string) => string;
};

type Declared = {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  /** Returns the value of one of its properties, or undefined if the template does not set it. */
  readonly given: (property: string) => string | undefined;
  readonly apiUrl: string;
};

/**
 * Returns the name, ARN and attributes of a local resource. Unlike on AWS they contain no random part, so that data
 * kept between runs can be found again.
 */
export function physicalResource({ stack, logicalId, type, given, apiUrl }: Declared): PhysicalResource {
  const made = `${stack}-${logicalId}`;
  const named = (property: string) => given(property) ?? made;

  switch (type) {
    case 'AWS::Lambda::Function': {
      const name = named('FunctionName');
      return physical(type, name, { Arn: arn('lambda', `function:${name}`) });
    }
    case 'AWS::DynamoDB::Table': {
      const name = named('TableName');
      const table = arn('dynamodb', `table/${name}`);
      return physical(type, name, { Arn: table, StreamArn: `${table}/stream/local` });
    }
    case 'AWS::SecretsManager::Secret': {
      // Secrets Manager ends every ARN with a hyphen and six random characters.
      const secret = arn('secretsmanager', `secret:${named('Name')}-local0`);
      return physical(type, secret, { Arn: secret, Id: secret });
    }
    case 'AWS::ApiGatewayV2::Api': {
      const id = logicalId.toLowerCase();
      return physical(type, id, { Arn: arn('apigateway', `/apis/${id}`), ApiId: id, ApiEndpoint: apiUrl });
    }
    case 'AWS::Events::EventBus': {
      const name = named('Name');
      return physical(type, name, { Arn: arn('events', `event-bus/${name}`), Name: name });
    }
    case 'AWS::SQS::Queue': {
      const name = named('QueueName');
      const url = `https://sqs.${account.region}.${account.urlSuffix}/${account.accountId}/${name}`;
      return physical(type, url, { Arn: arn('sqs', name), QueueName: name, QueueUrl: url });
    }
    case 'AWS::IAM::Role': {
      const name = named('RoleName');
      return physical(type, name, { Arn: arn('iam', `role/${name}`, { regional: false }), RoleId: name });
    }
    default:
      // Nothing at run time reads these types' attributes: a name and an ARN are enough.
      return physical(type, made, { Arn: arn(serviceOf(type), made) });
  }
}

function physical(type: string, ref: string, attributes: Readonly<Record<string, string>>): PhysicalResource {
  return {
    ref,
    attribute(name) {
      const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
      if (value === undefined)
        throw new Error(`The template uses the attribute ${name} of a ${type}, which is not emulated`);
      return value;
    },
  };
}

const serviceOf = (type: string): string => (type.split('::')[1] ?? 'unknown').toLowerCase();
