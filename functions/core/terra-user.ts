import { type Instant, SECOND } from './clock';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A Terra user id as Terra makes them (a UUID), in lower case; undefined for anything else. */
export function readTerraUserId(text: string | null | undefined): string | undefined {
  return text && UUID.test(text) ? text.toLowerCase() : undefined;
}

/** Terra's scopes: a comma-separated string with stray spaces, or nothing. Sorted, so that equal sets are equal. */
export function readScopes(scopes: string | null | undefined): string[] | undefined {
  if (scopes === null || scopes === undefined) return undefined;
  const named = scopes.split(',').map(scope => scope.trim());
  return [...new Set(named.filter(scope => scope !== ''))].toSorted();
}

/** An ISO time of Terra's as an instant; Terra leaves the zone out at times and means UTC. */
export function readTime(time: string | null | undefined): Instant | undefined {
  if (!time) return undefined;
  const at = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(time) ? time : `${time}Z`);
  return Number.isFinite(at) ? at : undefined;
}

/** How far Terra's clock may be ahead of the moment at which we heard of a time. */
const CLOCK_AHEAD = 5 * SECOND;

/**
 * Bounds a time that Terra reports by when we heard of it, so that no time in the future wins over what comes later. For an
 * event that is the time it was signed at.
 */
export const noLaterThan = (time: Instant, heardAt: Instant): Instant => Math.min(time, heardAt + CLOCK_AHEAD);
