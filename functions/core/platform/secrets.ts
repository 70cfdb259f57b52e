import * as z from 'zod/mini';
import { type Clock, type Instant, MINUTE, SECOND } from './clock';
import { Problem } from '../http/errors';

/** Reads the text of one secret from where it is kept. */
export type FetchSecret = () => Promise<string>;

const FRESH_FOR = 5 * MINUTE;
/** A value that was good a moment ago is better than none while Secrets Manager is away. */
const GOOD_FOR = 15 * MINUTE;
const ASK_AT_MOST_EVERY = 10 * SECOND;

export type Secret<T> = {
  /** The value; cached, and fetched once for simultaneous callers. Throws `unavailable` where it is missing or malformed. */
  read: () => Promise<T>;
  /** The value fetched anew, unless that was done within ten seconds. */
  reread: () => Promise<T>;
};

/** A secret that is fetched, checked and kept for five minutes. `name` and what is wrong go to the log, never the value. */
export function cachedSecret<T>(name: string, fetch: FetchSecret, parse: (text: string) => T, clock: Clock): Secret<T> {
  let kept: { value: T; at: Instant } | undefined;
  let underWay: Promise<T> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** When a good value had to do because no newer one could be read. */
  let awayAt = Number.NEGATIVE_INFINITY;

  async function fetchNow(): Promise<T> {
    askedAt = clock();
    try {
      const value = parse(await fetch());
      kept = { value, at: clock() };
      return value;
    } catch (error) {
      const isMalformed = error instanceof SecretFault;
      if (kept && !isMalformed && clock() - kept.at < GOOD_FOR) {
        awayAt = clock();
        return kept.value;
      }
      const what = isMalformed ? error.message : `could not be read (${nameOf(error)})`;
      throw new Problem('unavailable', 'Temporarily not available.', {
        reason: `secret ${name}: ${what}`,
        cause: error,
      });
    }
  }

  function refresh(): Promise<T> {
    underWay ??= fetchNow().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  const wasMomentsAgo = (at: Instant) => clock() - at < ASK_AT_MOST_EVERY;

  return {
    async read() {
      if (!kept) return refresh();
      const age = clock() - kept.at;
      const isUsable = age < FRESH_FOR || (age < GOOD_FOR && wasMomentsAgo(awayAt));
      return isUsable ? kept.value : refresh();
    },
    reread: async () => underWay ?? (kept && wasMomentsAgo(askedAt) ? kept.value : refresh()),
  };
}

/** What is wrong with a secret's value, in words that do not tell the value. */
export class SecretFault extends Error {}

export type TerraCredentials = { devId: string; apiKey: string };

/** Secrets that webhooks may be signed with now. */
export type WebhookSecrets = { current: string; previous?: { secret: string; validUntil: Instant } };

const printable = (least: number) => z.string().check(z.regex(new RegExp(`^[\\x21-\\x7e]{${least},512}$`)));
const Credentials = z.strictObject({ devId: printable(1), apiKey: printable(1) });
const Webhook = z.strictObject({
  current: printable(16),
  previous: z.optional(printable(16)),
  previousValidUntil: z.optional(z.iso.datetime({ offset: true })),
});

/** `{"devId","apiKey"}`. */
export function parseTerraCredentials(text: string): TerraCredentials {
  return parseFields(text, Credentials);
}

/** `{"current","previous"?,"previousValidUntil"?}`; a previous one without an end does not count. */
export function parseWebhookSecrets(text: string): WebhookSecrets {
  const { current, previous, previousValidUntil } = parseFields(text, Webhook);
  if (previous === undefined || previousValidUntil === undefined) return { current };
  return { current, previous: { secret: previous, validUntil: Date.parse(previousValidUntil) } };
}

/** The generated text itself, at least 32 characters. */
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
