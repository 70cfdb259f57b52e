import { randomBytes } from 'node:crypto';
import { arn } from './account';
import type { AwsAnswer, AwsCall, OnCall } from '../aws-call';
import type { Credentials, LambdaFunction } from '../lambda/lambda-function';
import type { LogEntry } from '../../log-entry';
import { requiredPermissions } from '../cloudformation/needs';
import { type Decision, decide, type Need } from './permissions';
import { type Role, rolesOf } from './roles';
import type { Stack } from '../cloudformation/template';

/** A call of an emulated service and the access decision. */
export type JudgedCall = AwsCall & {
  /** Title of the calling function; undefined for tests and operators, which have keys of their own. */
  readonly function: string | undefined;
  readonly needs: readonly Need[];
  /** `unchecked` if the key belongs to no role: such calls are always allowed. */
  readonly decision: 'allowed' | 'denied' | 'unchecked';
};

/** Access control: each function has its own access key and the permissions of its role's policies. */
export type Access = {
  credentialsOf(functionArn: string): Credentials;
  /** Returns the title of the function that has this key, or undefined. */
  titleOf(accessKey: string): string | undefined;
  /** Returns an access-denied answer if the caller's role does not allow the call. */
  readonly onCall: OnCall;
  /**
   * Returns AWS's message if the actor's role does not allow this, or undefined if it does or the actor has no role.
   */
  refusal(as: Actor, need: Need): string | undefined;
};

/** The role that a service assumes, and the function it acts for. */
export type Actor = { readonly title: string; readonly session: string; readonly roleArn: string | undefined };

type Identity = { readonly title: string; readonly session: string; readonly role: Role | undefined };

/** @throws Error if a role or policy cannot be enforced as AWS would. */
export function accessControl(deps: {
  stack: Stack;
  functions: readonly LambdaFunction[];
  onCall?: ((call: JudgedCall) => void) | undefined;
  log: (entry: LogEntry) => void;
}): Access {
  const { stack, functions, onCall, log } = deps;
  const roles = rolesOf(stack);
  const needsOf = requiredPermissions(stack);
  const credentials = new Map(functions.map(definition => [definition.arn, newCredentials()]));
  const identities = new Map<string | undefined, Identity>(
    functions.map(({ arn: functionArn, title, name, roleArn }) => [
      credentials.get(functionArn)?.accessKeyId,
      { title, session: name, role: roleOf(roleArn) },
    ]),
  );

  function roleOf(roleArn: string | undefined): Role | undefined {
    const role = roleArn === undefined ? undefined : roles.get(roleArn);
    if (roleArn !== undefined && role === undefined)
      throw new Error(`The template does not contain the role ${roleArn}`);
    return role;
  }

  const logDenied = (title: string | undefined, message: string) =>
    log({ kind: 'denied', at: Date.now(), function: title, message });

  return {
    credentialsOf: functionArn => credentials.get(functionArn) ?? newCredentials(),
    titleOf: accessKey => identities.get(accessKey)?.title,

    onCall(call, request) {
      const { title, session = '', role } = identities.get(call.accessKey) ?? {};
      const needs = needsOf(call, request);
      const refusal = role && firstRefusal(role, session, needs);
      const decision = role === undefined ? 'unchecked' : refusal === undefined ? 'allowed' : 'denied';
      onCall?.({ ...call, function: title, needs, decision });
      if (refusal === undefined) return undefined;
      logDenied(title, refusal);
      return accessDenied(call.service, refusal);
    },

    refusal({ title, session, roleArn }, need) {
      const role = roleOf(roleArn);
      const refusal = role && firstRefusal(role, session, [need]);
      if (refusal !== undefined) logDenied(title, refusal);
      return refusal;
    },
  };
}

function firstRefusal(role: Role, session: string, needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const decision = decide(role.statements, need);
    if (decision !== 'allowed') return deniedMessage(role, session, need, decision);
  }
  return undefined;
}

function deniedMessage(role: Role, session: string, { action, resource }: Need, decision: Decision): string {
  const principal = arn('sts', `assumed-role/${role.name}/${session}`, { regional: false });
  // Only SQS writes its actions in lower case.
  const shown = action.startsWith('sqs:') ? action.toLowerCase() : action;
  const why =
    decision === 'denied'
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${shown} action`;
  return `User: ${principal} is not authorized to perform: ${shown} on resource: ${resource} ${why}`;
}

function accessDenied(service: string, message: string): AwsAnswer {
  const type = 'AccessDeniedException';
  const __type = ['dynamodb', 'sqs'].includes(service) ? `com.amazon.coral.service#${type}` : type;
  return { status: 400, body: { __type, Message: message } };
}

function newCredentials(): Credentials {
  return {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  };
}
