import * as z from 'zod/mini';
import { type Clock, type Instant, MINUTE, SECOND } from './clock';
import { Problem } from '../http/errors';

export type FetchSecret = () => Promise<string>;

const FRESH_FOR = 5 * MINUTE;
/** How long the last value is used while Secrets Manager cannot be reached. */
const USABLE_FOR = 15 * MINUTE;
const FETCH_AT_MOST_EVERY = 10 * SECOND;

export type Secret<T> = {
  /** Returns the cached value, or fetches it once for simultaneous callers. Throws `unavailable` if it is missing or malformed. */
  read: () => Promise<T>;
  /** Fetches the value, unless it was fetched in the last ten seconds. */
  reread: () => Promise<T>;
};

/** Caches a parsed secret for five minutes. Errors are logged with `name` and the problem, never with the value. */
export function cachedSecret<T>(name: string, fetch: FetchSecret, parse: (text: string) => T, clock: Clock): Secret<T> {
  let cached: { value: T; at: Instant } | undefined;
  let pending: Promise<T> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  /** When a fetch last failed and the cached value was used instead. */
  let failedAt = Number.NEGATIVE_INFINITY;

  async function fetchNow(): Promise<T> {
    fetchedAt = clock();
    try {
      const value = parse(await fetch());
      cached = { value, at: clock() };
      return value;
    } catch (error) {
      const isMalformed = error instanceof SecretFault;
      if (cached && !isMalformed && clock() - cached.at < USABLE_FOR) {
        failedAt = clock();
        return cached.value;
      }
      const what = isMalformed ? error.message : `could not be read (${nameOf(error)})`;
      throw new Problem('unavailable', 'Temporarily not available.', {
        reason: `secret ${name}: ${what}`,
        cause: error,
      });
    }
  }

  function refresh(): Promise<T> {
    pending ??= fetchNow().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  const wasMomentsAgo = (at: Instant) => clock() - at < FETCH_AT_MOST_EVERY;

  return {
    async read() {
      if (!cached) return refresh();
      const age = clock() - cached.at;
      const isUsable = age < FRESH_FOR || (age < USABLE_FOR && wasMomentsAgo(failedAt));
      return isUsable ? cached.value : refresh();
    },
    reread: async () => pending ?? (cached && wasMomentsAgo(fetchedAt) ? cached.value : refresh()),
  };
}

/** A secret has an invalid value. The message says what is wrong without showing the value. */
export class SecretFault extends Error {}

export type TerraCredentials = { devId: string; apiKey: string };

/** The secrets with which webhooks can be signed. */
export type WebhookSecrets = { current: string; previous?: { secret: string; validUntil: Instant } };

const printable = (least: number) => z.string().check(z.regex(new RegExp(`^[\\x21-\\x7e]{${least},512}$`)));
const Credentials = z.strictObject({ devId: printable(1), apiKey: printable(1) });
const Webhook = z.strictObject({
  current: printable(16),
  previous: z.optional(printable(16)),
  previousValidUntil: z.optional(z.iso.datetime({ offset: true })),
});

/** Parses `{"devId","apiKey"}`. */
export function parseTerraCredentials(text: string): TerraCredentials {
  return parseFields(text, Credentials);
}

/** Parses `{"current","previous"?,"previousValidUntil"?}`. Ignores a `previous` without `previousValidUntil`. */
export function parseWebhookSecrets(text: string): WebhookSecrets {
  const { current, previous, previousValidUntil } = parseFields(text, Webhook);
  if (previous === undefined || previousValidUntil === undefined) return { current };
  return { current, previous: { secret: previous, validUntil: Date.parse(previousValidUntil) } };
}

/** Checks the generated key, which has at least 32 characters and is no JSON. */
export function parseReferenceKey(text: string): string {
  if (text === '{}') throw new SecretFault('is not filled yet');
  if (!/^[\x21-\x7e]{32,512}$/.test(text)) throw new SecretFault('is not 32 to 512 printable characters');
  return text;
}

function parseFields<S extends z.ZodMiniType>(text: string, schema: S): z.infer<S> {
  const fields = parseJson(text);
  if (JSON.stringify(fields) === '{}') throw new SecretFault('is not filled yet');
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, ...issue }) => {
    const keys = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.length : 0;
    if (keys > 0) return `${keys} unknown field(s)`;
    return path.length > 0 ? `field ${path.join('.')} is missing or malformed` : 'is not a JSON object';
  });
  throw new SecretFault([...new Set(wrong)].join('; '));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SecretFault('is not JSON');
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown error');
