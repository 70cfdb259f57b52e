import { type ErrorCode, Problem } from '../functions/core/http/errors';
import { SecretFault } from '../functions/core/platform/secrets';

/** Why a command cannot continue, in one sentence without a stop, and what to do about it. Contains no secrets. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly remedy: string;

  constructor(what: string, remedy: string) {
    super(what);
    this.remedy = remedy;
  }
}

/** Wrong command-line arguments. */
export class UsageError extends OperatorError {}

export type Explained = { what: string; remedy: string };

/** Explains an error to the operator. Never returns a stack trace or a text that could contain a secret. */
export function explain(error: unknown): Explained {
  if (error instanceof OperatorError) return { what: error.message, remedy: error.remedy };
  if (error instanceof SecretFault) {
    return { what: `A secret ${error.message}`, remedy: 'Set it with `npm run secrets -- set`.' };
  }
  if (error instanceof Problem) return explainProblem(error);
  return explainAws(error) ?? explainNetwork(error) ?? unknownFailure(error);
}

const CHECK_KEYS = 'Compare dev-id and API key with Terra’s dashboard, then run `npm run secrets -- set terra-api`.';
const TRY_LATER = 'Try again. If it fails again, check Terra’s status page and this machine’s internet access.';

const terraRemedies: Partial<Record<ErrorCode, string>> = {
  terra_credentials: CHECK_KEYS,
  terra_endpoint_gone: 'Set "widget" to "current" in the settings and deploy.',
  terra_limit_reached: 'Use a production environment of Terra, or ask Terra for more users.',
  terra_rejected: 'Check "terraApiUrl" and "terraWidgetUrl" in the settings.',
  terra_timeout: TRY_LATER,
  terra_unavailable: TRY_LATER,
};

function explainProblem({ code, message, reason }: Problem): Explained {
  const otherwise = reason === undefined ? 'Try again in a minute.' : 'Run `npm run doctor`, which says what to do.';
  return { what: reason ?? message, remedy: terraRemedies[code] ?? otherwise };
}

const SIGN_IN = 'Sign in (for example `aws sso login`) or set a profile: AWS_PROFILE=… npm run …';

/** Error name of AWS or its SDK, explanation, remedy. */
const awsErrors: readonly [RegExp, string, string][] = [
  [/^CredentialsProviderError$|^CredentialsError$/, 'There are no AWS credentials', SIGN_IN],
  [/Expired/, 'The AWS credentials have expired', SIGN_IN],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|InvalidSignature|SignatureDoesNotMatch|AuthFailure)/,
    'AWS does not accept the credentials',
    SIGN_IN,
  ],
  [
    /^(Throttl|TooManyRequests|RequestLimit|ProvisionedThroughput)/,
    'AWS throttled the calls',
    'Try again in a minute.',
  ],
  [
    /^(ResourceNotFound|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)/,
    'A resource of the deployment does not exist',
    'Deploy again, or restore it: docs/operations.md.',
  ],
];

function explainAws(error: unknown): Explained | undefined {
  const { name, message } = errorFields(error);
  if (/region is missing/i.test(message)) {
    return { what: 'No AWS region is set', remedy: 'Set it: AWS_REGION=eu-west-1 npm run …' };
  }
  if (/AccessDenied|NotAuthorized|UnauthorizedOperation/.test(name)) {
    const [, action] = /perform:? ([\w-]+:\w+)/.exec(message) ?? [];
    return {
      what: `These AWS credentials lack ${action ? `the permission ${action}` : 'a permission'}`,
      remedy: 'Use a role that has it: docs/operations.md lists the permissions of each command.',
    };
  }
  const [, what, remedy] = awsErrors.find(([known]) => known.test(name)) ?? [];
  return what !== undefined && remedy !== undefined ? { what, remedy } : undefined;
}

function explainNetwork(error: unknown): Explained | undefined {
  const code = networkCode(error) ?? (errorFields(error).message === 'fetch failed' ? 'the request failed' : undefined);
  if (code === undefined) return undefined;
  const causes: Record<string, string> = {
    ECONNREFUSED: 'the host refused it',
    ENOTFOUND: 'the host name does not exist',
    EAI_AGAIN: 'the host name could not be looked up',
    ECONNRESET: 'the host closed it',
    TimeoutError: 'no answer in time',
  };
  return {
    what: `No connection: ${causes[code] ?? code}`,
    remedy: 'Check the network of this machine and the address in the settings.',
  };
}

/** Returns the system's code of a failed connection, also from the `cause` or `errors` of an error that wraps it. */
function networkCode(error: unknown): string | undefined {
  const { name, code, cause, errors } = errorFields(error);
  if (name === 'TimeoutError') return name;
  if (/^(E[A-Z_]+|CERT_.*|UND_.*)$/.test(code)) return code;
  const inner: unknown = Array.isArray(errors) ? errors[0] : cause;
  return inner === undefined ? undefined : networkCode(inner);
}

/** Reads the fields of an error. Also works if `instanceof Error` does not, because another realm created the error. */
export function errorFields(error: unknown) {
  const { name, message, code, cause, errors } = Object(error) as Record<string, unknown>;
  return { name: textOf(name), message: textOf(message), code: textOf(code), cause, errors };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Gives only the name: the message of an unexpected error can quote a secret. */
const unknownFailure = (error: unknown): Explained => ({
  what: `An unexpected error occurred (${errorFields(error).name || typeof error})`,
  remedy: 'Please report it with the command you ran.',
});
