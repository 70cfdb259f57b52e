/** One permission that a call requires. */
export type Need = {
  /** For example `dynamodb:Query`. */
  readonly action: string;
  /** An ARN, or `*` for actions without a resource. */
  readonly resource: string;
  /** The service that calls on the caller's behalf: the value of `kms:ViaService`. */
  readonly via?: string;
};

/** The emulated part of a policy statement. */
export type Statement = {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** If present, the statement applies only to calls made through these services. */
  readonly via?: readonly string[];
};

/** `denied`: a statement denies it explicitly. `not allowed`: no statement allows it. */
export type Decision = 'allowed' | 'denied' | 'not allowed';

/** Evaluates identity policies as IAM does: an explicit deny wins over any allow. */
export function decide(statements: readonly Statement[], need: Need): Decision {
  const applying = statements.filter(statement => applies(statement, need));
  if (applying.some(({ effect }) => effect === 'Deny')) return 'denied';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}

/**
 * Reads the statements of a policy document whose references are resolved.
 * @throws Error if it uses an element that is not emulated, because ignoring it could allow more or less than AWS.
 */
export function readStatements(policy: string, document: unknown): Statement[] {
  const statements = [(document as { Statement?: unknown } | undefined)?.Statement ?? []].flat();
  return statements.map(statement => readStatement(policy, statement as Readonly<Record<string, unknown>>));
}

function readStatement(policy: string, statement: Readonly<Record<string, unknown>>): Statement {
  const { Sid: _, Effect, Action, Resource, Condition, ...others } = statement;
  const refuse = (what: string) => new Error(`The policy ${policy} uses ${what}, which is not emulated`);
  const [other] = Object.keys(others);
  if (other !== undefined) throw refuse(other);
  if (Effect !== 'Allow' && Effect !== 'Deny') throw refuse(`the effect ${String(Effect)}`);

  const actions = texts(Action);
  const resources = texts(Resource);
  if (actions.length === 0 || resources.length === 0) throw refuse('a statement without an Action or a Resource');
  const variable = resources.find(resource => resource.includes('${'));
  if (variable !== undefined) throw refuse(`the variable in ${variable}`);
  const via = readCondition(Condition, refuse);
  return { effect: Effect, actions, resources, ...(via && { via }) };
}

function readCondition(condition: unknown, refuse: (what: string) => Error): string[] | undefined {
  const tests = Object.entries((condition ?? {}) as Readonly<Record<string, Record<string, unknown>>>).flatMap(
    ([operator, keys]) => Object.entries(keys).map(([key, value]) => ({ name: `${operator} ${key}`, value })),
  );
  const unknown = tests.find(({ name }) => name !== 'StringEquals kms:ViaService');
  if (unknown) throw refuse(`the condition ${unknown.name}`);
  return tests[0] && texts(tests[0].value);
}

const texts = (value: unknown): string[] => [value ?? []].flat().map(String);

function applies({ actions, resources, via }: Statement, need: Need): boolean {
  return (
    actions.some(action => matches(action.toLowerCase(), need.action.toLowerCase())) &&
    resources.some(resource => matches(resource, need.resource)) &&
    (via === undefined || (need.via !== undefined && via.includes(need.via)))
  );
}

/**
 * Matches IAM's wildcards: `*` is any text, `?` one character. Only a `*` at the end of an ARN segment matches across
 * colons.
 */
function matches(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('?', '[^:]')
    .replace(/\*(?=:|$)/g, '.{0,}')
    .replaceAll('*', '[^:]*');
  return new RegExp(`^${expression}$`, 's').test(text);
}
