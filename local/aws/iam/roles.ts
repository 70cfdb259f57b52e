import { readStatements, type Statement } from './permissions';
import type { Resource, Stack } from '../cloudformation/template';

/** A role with all its policy statements. */
export type Role = { readonly name: string; readonly arn: string; readonly statements: readonly Statement[] };

type RoleProperties = {
  readonly Policies?: readonly { readonly PolicyName: string; readonly PolicyDocument: unknown }[];
  readonly ManagedPolicyArns?: readonly string[];
  readonly PermissionsBoundary?: unknown;
};
type PolicyProperties = {
  readonly PolicyDocument: unknown;
  readonly Roles?: readonly string[];
  readonly RoleName?: string;
};

const policyTypes = ['AWS::IAM::Policy', 'AWS::IAM::RolePolicy', 'AWS::IAM::ManagedPolicy'];

/**
 * Returns the template's roles by ARN, with their inline and attached policies.
 * @throws Error if a policy is not in the template or uses an element that is not emulated.
 */
export function rolesOf(stack: Stack): ReadonlyMap<string, Role> {
  const policies = policyTypes.flatMap(type => stack.resources<PolicyProperties>(type));
  return new Map(
    stack
      .resources<RoleProperties>('AWS::IAM::Role')
      .map(role => [role.arn, { name: role.ref, arn: role.arn, statements: statementsOf(role, policies) }]),
  );
}

function statementsOf(
  { ref, logicalId, properties }: Resource<RoleProperties>,
  policies: readonly Resource<PolicyProperties>[],
): Statement[] {
  const { Policies = [], ManagedPolicyArns = [], PermissionsBoundary } = properties;
  if (PermissionsBoundary !== undefined) {
    throw new Error(`The role ${logicalId} has a permissions boundary, which is not emulated`);
  }
  const foreign = ManagedPolicyArns.find(name => !policies.some(policy => policy.ref === name));
  if (foreign !== undefined)
    throw new Error(`The role ${logicalId} has ${foreign}, which the template does not contain`);

  const attached = policies.filter(
    policy =>
      policy.properties.RoleName === ref ||
      policy.properties.Roles?.includes(ref) === true ||
      ManagedPolicyArns.includes(policy.ref),
  );
  return [
    ...Policies.flatMap(({ PolicyName, PolicyDocument }) => readStatements(PolicyName, PolicyDocument)),
    ...attached.flatMap(policy => readStatements(policy.logicalId, policy.properties.PolicyDocument)),
  ];
}
