import { randomBytes } from 'node:crypto';
import { arn } from './account';
import type { AwsAnswer, AwsCall, OnCall } from '../aws-call';
import type { Credentials, LambdaFunction } from '../lambda/lambda-function';
import type { LogEntry } from '../../log-entry';
import { needing } from '../cloudformation/needs';
import { type Decision, decide, type Need } from './permissions';
import { type Role, rolesOf } from './roles';
import type { Stack } from '../cloudformation/template';

/** A call of an emulated service, and what became of it. */
export type JudgedCall = AwsCall & {
  /** Title of the function that made it; undefined for tests and operators, who have keys of their own. */
  readonly function: string | undefined;
  readonly needs: readonly Need[];
  /** `unchecked` where no role stands behind the key: such calls are always answered. */
  readonly decision: 'allowed' | 'denied' | 'unchecked';
};

/** Who may do what here: each function has an access key of its own, and may do what its role's policies allow. */
export type Access = {
  credentialsOf(functionArn: string): Credentials;
  /** The function that has this key; undefined where it is nobody's here. */
  titleOf(accessKey: string): string | undefined;
  /** Answers a call of an emulated service in its place where it is not allowed. */
  readonly onCall: OnCall;
  /** Why a service may not do this as somebody, in AWS's own sentence; undefined where it may, or they have no role. */
  refusal(as: Actor, need: Need): string | undefined;
};

/** Whom a service acts as, and for which function. */
export type Actor = { readonly title: string; readonly session: string; readonly roleArn: string | undefined };

type Identity = { readonly title: string; readonly session: string; readonly role: Role | undefined };

/** @throws where a role or policy cannot be enforced as AWS would. */
export function accessControl(deps: {
  stack: Stack;
  functions: readonly LambdaFunction[];
  onCall?: ((call: JudgedCall) => void) | undefined;
  log: (entry: LogEntry) => void;
}): Access {
  const { stack, functions, onCall, log } = deps;
  const roles = rolesOf(stack);
  const needsOf = needing(stack);
  const credentials = new Map(functions.map(definition => [definition.arn, newCredentials()]));
  const identities = new Map<string | undefined, Identity>(
    functions.map(({ arn: functionArn, title, name, roleArn }) => [
      credentials.get(functionArn)?.accessKeyId,
      { title, session: name, role: roleOf(roleArn) },
    ]),
  );

  function roleOf(roleArn: string | undefined): Role | undefined {
    const role = roleArn === undefined ? undefined : roles.get(roleArn);
    if (roleArn !== undefined && role === undefined) throw new Error(`The template does not hold the role ${roleArn}`);
    return role;
  }

  const tell = (title: string | undefined, message: string) =>
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
      tell(title, refusal);
      return accessDenied(call.service, refusal);
    },

    refusal({ title, session, roleArn }, need) {
      const role = roleOf(roleArn);
      const refusal = role && firstRefusal(role, session, [need]);
      if (refusal !== undefined) tell(title, refusal);
      return refusal;
    },
  };
}

function firstRefusal(role: Role, session: string, needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const decision = decide(role.statements, need);
    if (decision !== 'allowed') return sentence(role, session, need, decision);
  }
  return undefined;
}

function sentence(role: Role, session: string, { action, resource }: Need, decision: Decision): string {
  const who = arn('sts', `assumed-role/${role.name}/${session}`, { regional: false });
  // SQS alone writes its actions in small letters.
  const what = action.startsWith('sqs:') ? action.toLowerCase() : action;
  const why =
    decision === 'denied'
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${what} action`;
  return `User: ${who} is not authorized to perform: ${what} on resource: ${resource} ${why}`;
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
