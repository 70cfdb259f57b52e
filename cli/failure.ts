import { type ErrorCode, Problem } from '../functions/core/http/errors';
import { SecretFault } from '../functions/core/platform/secrets';

/** Why a command cannot go on, in one sentence, and what to do about it. Says nothing secret. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly remedy: string;

  constructor(what: string, remedy: string) {
    super(what);
    this.remedy = remedy;
  }
}

/** A command that was called the wrong way. */
export class UsageError extends OperatorError {}

export type Explained = { what: string; remedy: string };

/** What went wrong, in words for the operator: never a stack trace, and no text that could hold a secret. */
export function explain(error: unknown): Explained {
  if (error instanceof OperatorError) return { what: error.message, remedy: error.remedy };
  if (error instanceof SecretFault) {
    return { what: `A secret ${error.message}`, remedy: 'Set it with `npm run secrets -- set`.' };
  }
  if (error instanceof Problem) return explainProblem(error);
  return explainAws(error) ?? explainNetwork(error) ?? unknownFailure(error);
}

const CHECK_KEYS = 'Compare dev-id and API key with the dashboard, then `npm run secrets -- set terra-api`.';
const TRY_LATER = 'Try again; if it stays so, look at Terra’s status page and at the way out of this network.';

const terraRemedies: Partial<Record<ErrorCode, string>> = {
  terra_credentials: CHECK_KEYS,
  terra_endpoint_gone: 'Set "widget" to "current" in the settings and deploy.',
  terra_limit_reached: 'Use a production environment of Terra, or ask Terra for more users.',
  terra_rejected: 'Check "terraApiUrl" and "terraWidgetUrl" in the settings.',
  terra_timeout: TRY_LATER,
  terra_unavailable: TRY_LATER,
};

function explainProblem({ code, message, reason }: Problem): Explained {
  const otherwise = reason === undefined ? 'Try again in a minute.' : 'Run `npm run doctor`: it says what to do.';
  return { what: reason ?? message, remedy: terraRemedies[code] ?? otherwise };
}

const SIGN_IN = 'Sign in (for example `aws sso login`), or name a profile: AWS_PROFILE=… npm run …';

/** What AWS and its SDK say, by the error's name. */
const awsWords: readonly [RegExp, string, string][] = [
  [/^CredentialsProviderError$|^CredentialsError$/, 'There are no AWS credentials', SIGN_IN],
  [/Expired/, 'The AWS credentials have expired', SIGN_IN],
  [
    /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|InvalidSignature|SignatureDoesNotMatch|AuthFailure)/,
    'AWS does not accept the credentials',
    SIGN_IN,
  ],
  [
    /^(Throttl|TooManyRequests|RequestLimit|ProvisionedThroughput)/,
    'AWS asks for fewer calls',
    'Try again in a minute.',
  ],
  [
    /^(ResourceNotFound|QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue)/,
    'A resource of the deployment is gone',
    'Deploy again, or restore it: docs/operations.md.',
  ],
];

function explainAws(error: unknown): Explained | undefined {
  const { name, message } = toldBy(error);
  if (/region is missing/i.test(message)) {
    return { what: 'No AWS region is set', remedy: 'Set it: AWS_REGION=eu-west-1 npm run …' };
  }
  if (/AccessDenied|NotAuthorized|UnauthorizedOperation/.test(name)) {
    const [, action] = /perform:? ([\w-]+:\w+)/.exec(message) ?? [];
    return {
      what: `These AWS credentials may not ${action ? `do ${action}` : 'do this'}`,
      remedy: 'Use a role that may: docs/operations.md lists what each command needs.',
    };
  }
  const [, what, remedy] = awsWords.find(([known]) => known.test(name)) ?? [];
  return what !== undefined && remedy !== undefined ? { what, remedy } : undefined;
}

function explainNetwork(error: unknown): Explained | undefined {
  const code = networkCode(error) ?? (toldBy(error).message === 'fetch failed' ? 'it failed' : undefined);
  if (code === undefined) return undefined;
  const how: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'its name is not known',
    EAI_AGAIN: 'its name could not be looked up',
    ECONNRESET: 'the connection was cut',
    TimeoutError: 'no answer in time',
  };
  return {
    what: `No connection: ${how[code] ?? code}`,
    remedy: 'Check the network of this machine and the address in the settings.',
  };
}

/** The system's word for a failed connection, wherever the layers above have put it. */
function networkCode(error: unknown): string | undefined {
  const { name, code, cause, errors } = toldBy(error);
  if (name === 'TimeoutError') return name;
  if (/^(E[A-Z_]+|CERT_.*|UND_.*)$/.test(code)) return code;
  const inner: unknown = Array.isArray(errors) ? errors[0] : cause;
  return inner === undefined ? undefined : networkCode(inner);
}

/** What an error says of itself, also one that another realm made. */
export function toldBy(error: unknown) {
  const { name, message, code, cause, errors } = Object(error) as Record<string, unknown>;
  return { name: textOf(name), message: textOf(message), code: textOf(code), cause, errors };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Only the class is told: the message of an unexpected error may quote what it stumbled over. */
const unknownFailure = (error: unknown): Explained => ({
  what: `Something unexpected happened (${toldBy(error).name || typeof error})`,
  remedy: 'Please report it with the command you ran.',
});
