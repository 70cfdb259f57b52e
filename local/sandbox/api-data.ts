import { randomUUID } from 'node:crypto';
import { answer, type Endpoint, json, refuse } from './http';
import { dataEvent, dataFields, largeAnswer } from './data-events';
import type { DataType } from './samples';
import { terraUser } from './terra-user';
import type { World } from './world';

const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
const LARGE_DAYS = 31;
const CHUNK_ITEMS = 10;

// Docs: reference/health-and-fitness-api/rate-limits.
const MOST_DAYS_A_REQUEST = 1825;
const MOST_DAYS_AN_HOUR = 6000;

/**
 * GET /v2/<type>. Sends the data to the webhook unless to_webhook=false; more than 31 days in chunks. Limits the
 * requested days per user.
 */
export function readData(type: DataType): Endpoint {
  return (world, request) => {
    const { query } = request;
    const userId = query.get('user_id');
    if (!userId) return refuse(world, request, 400, 'user_id is required');
    const nowMs = world.clock.now();
    const startMs = type === 'athlete' ? nowMs : dateMs(query.get('start_date'));
    const endMs = query.has('end_date') ? dateMs(query.get('end_date')) : nowMs;
    if (startMs === undefined) return refuse(world, request, 400, 'invalid start_date');
    if (endMs === undefined || endMs < startMs) return refuse(world, request, 400, 'invalid end_date');
    const user = world.users.find(userId);
    if (!user) return refuse(world, request, 404, 'user not found');
    if (!user.active) {
      return refuse(world, request, 401, 'Authorization expired, please reauthorize with the data provider');
    }
    const days = Math.max(1, Math.ceil((endMs - startMs) / DAY_MS));
    const limit = exceededLimit(world, userId, days);
    if (limit) {
      const refused = refuse(world, request, 429, 'rate limit exceeded');
      return refused.kind === 'answer' ? answer(429, { ...refused.headers, ...limit }, refused.body) : refused;
    }
    if (query.get('to_webhook') === 'false') {
      return json(200, { type, ...dataFields(type, user, world) });
    }
    if (world.deliveries.destination() === undefined)
      return refuse(world, request, 400, 'no destination is configured');

    const reference = randomUUID();
    const isLarge = days > LARGE_DAYS;
    const events = isLarge
      ? largeAnswer(type, user, Math.ceil(days / CHUNK_ITEMS), world, reference)
      : [{ ...dataEvent(type, user, world), reference }];
    void world.deliveries.send(events);
    return json(200, {
      status: 'success',
      type,
      reference,
      trace_id: reference,
      ...(isLarge ? { message: 'Large request: the data will be sent to your destination in chunks' } : {}),
      user: terraUser(user, world.switches),
    });
  };
}

/**
 * Returns the headers of a 429 if a limit is exceeded: r1 limits one request, r2 the days per hour. Otherwise counts
 * the request and returns undefined.
 */
function exceededLimit(world: World, userId: string, days: number): Record<string, string> | undefined {
  const nowMs = world.clock.now();
  const lastHour = (world.dataRequests.get(userId) ?? []).filter(({ atMs }) => atMs > nowMs - HOUR_MS);
  const spent = lastHour.reduce((sum, earlier) => sum + earlier.days, 0);
  if (days > MOST_DAYS_A_REQUEST) return limitHeaders('r1', MOST_DAYS_A_REQUEST, MOST_DAYS_A_REQUEST, 0);
  if (spent + days > MOST_DAYS_AN_HOUR) {
    const resetSeconds = Math.ceil(((lastHour[0]?.atMs ?? nowMs) + HOUR_MS - nowMs) / 1000);
    return limitHeaders('r2', MOST_DAYS_AN_HOUR, MOST_DAYS_AN_HOUR - spent, resetSeconds);
  }
  world.dataRequests.set(userId, [...lastHour, { atMs: nowMs, days }]);
  return undefined;
}

function limitHeaders(rule: string, limit: number, remaining: number, resetSeconds: number): Record<string, string> {
  return {
    'retry-after': String(resetSeconds),
    'x-terra-ratelimit-limit': String(limit),
    'x-terra-ratelimit-remaining': String(remaining),
    'x-terra-ratelimit-reset-after': String(resetSeconds),
    'x-terra-ratelimit-rule': rule,
  };
}

function dateMs(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d{10}$/.test(text)) return Number(text) * 1000;
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
