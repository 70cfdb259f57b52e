import { account, arn } from '../iam/account';
import { asText, resolver } from './intrinsics';
import { type PhysicalResource, physicalResource } from './physical-resource';

/** A CloudFormation template as CDK writes it. */
export type Template = {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: string }>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, Record<string, Record<string, unknown>>>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
};

export type TemplateResource = {
  readonly Type: string;
  readonly Properties?: Properties;
  readonly Condition?: string;
};

type Properties = Readonly<Record<string, unknown>>;

/** One resource of the local stack, with all references resolved. */
export type Resource<P = Properties> = {
  readonly logicalId: string;
  /** What `Ref` returns: a name, an id or an ARN, depending on the type. */
  readonly ref: string;
  readonly arn: string;
  readonly properties: P;
};

export type Stack = {
  readonly name: string;
  /** Returns all resources of a type. `P` is the type's properties in CloudFormation's reference. */
  resources<P = Properties>(type: string): Resource<P>[];
  /** Returns every resource type of the template, sorted. */
  types(): string[];
  outputs(): Record<string, string>;
};

/** Reads a synthesized template as CloudFormation does. `apiUrl` is the URL of its HTTP API. */
export function readStack(name: string, template: Template, { apiUrl }: { apiUrl: string }): Stack {
  const pseudoParameters: Properties = {
    'AWS::AccountId': account.accountId,
    'AWS::Region': account.region,
    'AWS::Partition': account.partition,
    'AWS::URLSuffix': account.urlSuffix,
    'AWS::StackName': name,
    'AWS::StackId': arn('cloudformation', `stack/${name}/local`),
    'AWS::NoValue': undefined,
    'AWS::NotificationARNs': [],
  };

  const resolve = resolver({
    reference(id) {
      if (Object.hasOwn(pseudoParameters, id)) return pseudoParameters[id];
      const parameter = template.Parameters?.[id];
      return parameter ? parameter.Default : physical(id).ref;
    },
    attribute: (logicalId, attribute) => physical(logicalId).attribute(attribute),
    holds,
    mapping: (map, first, second) => template.Mappings?.[map]?.[first]?.[second],
  });

  function physical(logicalId: string): PhysicalResource {
    const resource = template.Resources[logicalId];
    if (resource === undefined) throw new Error(`The template refers to ${logicalId}, which it does not contain`);
    const given = (property: string) => resolve(resource.Properties?.[property]) as string | undefined;
    return physicalResource({ stack: name, logicalId, type: resource.Type, given, apiUrl });
  }

  function holds(condition: string | undefined): boolean {
    return condition === undefined || resolve(template.Conditions?.[condition]) === true;
  }

  const present = Object.entries(template.Resources).filter(([, { Condition }]) => holds(Condition));

  return {
    name,
    resources: <P>(type: string) =>
      present
        .filter(([, resource]) => resource.Type === type)
        .map(([logicalId, resource]) => {
          const { ref, attribute } = physical(logicalId);
          return { logicalId, ref, arn: attribute('Arn'), properties: (resolve(resource.Properties) ?? {}) as P };
        }),
    types: () => [...new Set(present.map(([, { Type }]) => Type))].sort(),
    outputs: () =>
      Object.fromEntries(
        Object.entries(template.Outputs ?? {})
          .filter(([, { Condition }]) => holds(Condition))
          .map(([key, { Value }]) => [key, asText(resolve(Value))]),
      ),
  };
}
