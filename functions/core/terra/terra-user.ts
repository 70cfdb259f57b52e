import { type Instant, SECOND } from '../platform/clock';
import { providerId } from './providers';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Longer than any list of scopes, and far below the size limit of a row. */
const SCOPES_LIMIT = 4096;
/** Times outside this range are invalid, such as 0 for none, or microseconds. */
const EARLIEST = Date.UTC(2000, 0);
const LATEST = Date.UTC(2200, 0);
/** Numbers below this are seconds since 1970 (until the year 5138), others milliseconds (since 1973). */
const LEAST_MILLISECONDS = 1e11;
const ISO_TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(?:(Z)|([+-]\d{2})(?::?(\d{2}))?)?)?$/i;

/** Returns a Terra user id as Terra makes them (a UUID), in lower case; undefined for anything else. */
export function readTerraUserId(value: unknown): string | undefined {
  return typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : undefined;
}

/** Returns a provider's name in Terra's spelling; undefined for anything that cannot be one. */
export function readProvider(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,40}$/.test(value) ? providerId(value) : undefined;
}

/**
 * Returns Terra's scopes: from a comma-separated string with stray spaces, or a list of strings. Sorted, so that equal sets are
 * equal. Undefined for anything else.
 */
export function readScopes(value: unknown): string[] | undefined {
  const isList = Array.isArray(value) && value.every(scope => typeof scope === 'string');
  const text = isList ? value.join() : value;
  if (typeof text !== 'string' || text.length > SCOPES_LIMIT) return undefined;
  const named = text.split(',').map(scope => scope.trim());
  return [...new Set(named.filter(scope => scope !== ''))].toSorted();
}

/**
 * Reads a time from Terra: ISO 8601 (UTC if Terra leaves out the zone), or seconds or milliseconds since 1970. Returns undefined
 * for anything else.
 */
export function readTime(value: unknown): Instant | undefined {
  const at = typeof value === 'number' ? fromEpoch(value) : typeof value === 'string' ? fromText(value) : Number.NaN;
  return at >= EARLIEST && at < LATEST ? at : undefined;
}

const fromEpoch = (value: number): Instant => Math.round(value < LEAST_MILLISECONDS ? value * SECOND : value);

function fromText(text: string): Instant {
  if (/^\d{9,16}(?:\.\d+)?$/.test(text)) return fromEpoch(Number(text));
  const [, day, clock = '00:00', , offsetHours = '+00', offsetMinutes = '00'] = ISO_TIME.exec(text) ?? [];
  return day === undefined ? Number.NaN : Date.parse(`${day}T${clock}${offsetHours}:${offsetMinutes}`);
}

/** How far Terra's clock can be ahead of this function's. */
export const CLOCK_AHEAD = 5 * SECOND;

/**
 * Limits a time that Terra reports to the time of the report, so that a time in the future does not override later events. The
 * report time of an event is the time it was signed at.
 */
export const noLaterThan = (time: Instant, reportedAt: Instant): Instant => Math.min(time, reportedAt + CLOCK_AHEAD);
