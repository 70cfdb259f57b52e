import type { Instant } from '../platform/clock';
import type { Delivery } from '../state/delivery-mark';
import { type FailureCause, failureCause } from '../state/session';
import { readProvider, readScopes, readTerraUserId, readTime } from './terra-user';

/** A Terra user in an event. Everything except its id can be missing. */
export type EventUser = {
  terraUserId: string;
  provider: string | undefined;
  referenceId: string | undefined;
  createdAt: Instant | undefined;
  scopes: string[] | undefined;
};

/**
 * The meaning of a verified delivery.
 *
 * | kind | Terra's events |
 * | --- | --- |
 * | `authenticated` | `auth` with status success |
 * | `not_authenticated` | `auth_cancelled`; `auth` with status error (then with the user, who is deleted) |
 * | `unclear` | `auth` with any other status: the sweep asks Terra |
 * | `reauthenticated` | `user_reauth` |
 * | `gone` | `deauth`, `access_revoked` |
 * | `degraded` | `connection_error` |
 * | `permissions` | `permission_change` |
 * | `arrived` | any data event, and any event of another type that names a user and has `data` |
 * | `irrelevant` | everything else, also types that Terra adds later |
 */
export type TerraEvent =
  | {
      kind: 'authenticated';
      user: EventUser;
      terraSessionId: string | undefined;
      delivery?: Delivery;
    }
  | {
      kind: 'not_authenticated';
      cause: FailureCause;
      referenceId: string | undefined;
      user: EventUser | undefined;
      terraSessionId: string | undefined;
    }
  | { kind: 'reauthenticated'; user: EventUser; previous: EventUser | undefined }
  | { kind: 'gone'; user: EventUser; reason: 'revoked' | 'deauthorised' }
  | { kind: 'unclear'; user: EventUser; terraSessionId: string | undefined }
  | { kind: 'degraded' | 'permissions' | 'arrived'; user: EventUser }
  | { kind: 'irrelevant'; type: string };

/** Longest reference id of an owner. A longer one belongs to no owner and could exceed the size of a table key. */
const REFERENCE_ID_LIMIT_BYTES = 255;

/** Data events. Sources: Terra's openapi `webhooks`, docs event types. */
const dataTypes: ReadonlySet<string> = new Set([
  'activity',
  'athlete',
  'body',
  'daily',
  'menstruation',
  'nutrition',
  'planned_workout',
  'sleep',
]);

/** Terra's other events, which are ignored unless they have a user and data. A type in neither list is counted as unknown. */
const otherTypes: ReadonlySet<string> = new Set([
  'google_no_datasource',
  'health_observation',
  'healthcheck',
  'hormone',
  'lab_report.completed',
  'lab_report.failed',
  'large_request_processing',
  'large_request_sending',
  'processing',
  'rate_limit_hit',
  'route',
  's3_payload',
]);

/** The event in a verified body, and the fields that could not be read. */
export type Reading = {
  /** Undefined for a body without a type, or without the Terra user that its type requires (poison). */
  event: TerraEvent | undefined;
  /** Terra's name of the type. `none` if it is missing, `unnamed` if it cannot be used as a metric dimension. */
  type: string;
  /** Fields of the event that are missing or unreadable; `type` for an unknown type. */
  unread: readonly string[];
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a verified body leniently: fields that decide nothing can be missing or of any type. Only a body without a type or a
 * Terra user id is poison. Sources: github.com/tryterra/openapi schemas/core, docs.tryterra.co handling-authentication-events.
 */
export function readTerraEvent(rawBody: Uint8Array): Reading {
  const body = parseJson(rawBody);
  if (!isFields(body)) return { event: undefined, type: 'none', unread: ['body'] };
  const { type } = body;
  if (typeof type !== 'string' || type === '') return { event: undefined, type: 'none', unread: ['type'] };
  const unread: string[] = [];
  const event = interpret(type, body, unread);
  return { event, type: /^[\w.-]{1,40}$/.test(type) ? type : 'unnamed', unread };
}

/** Returns the event, or undefined if the Terra user is missing. Adds the names of missing and unreadable fields to `unread`. */
function interpret(type: string, body: Fields, unread: string[]): TerraEvent | undefined {
  const take = <T>(path: string, read: (value: unknown) => T | undefined): T | undefined => {
    const value = read(valueAt(body, path));
    if (value === undefined) unread.push(path);
    return value;
  };
  const takeUser = (path: string, refinements: readonly ('created_at' | 'scopes')[] = []): EventUser | undefined => {
    const terraUserId = take(`${path}.user_id`, readTerraUserId);
    if (terraUserId === undefined) return undefined;
    const topLevelReferenceId = path === 'user' ? readReferenceId(body.reference_id) : undefined;
    return {
      terraUserId,
      provider: take(`${path}.provider`, readProvider),
      referenceId: take(`${path}.reference_id`, value => readReferenceId(value) ?? topLevelReferenceId),
      createdAt: refinements.includes('created_at') ? take(`${path}.created_at`, readTime) : undefined,
      scopes: refinements.includes('scopes') ? take(`${path}.scopes`, readScopes) : undefined,
    };
  };
  const about = (meaning: (user: EventUser) => TerraEvent): TerraEvent | undefined => {
    const user = takeUser('user');
    return user && meaning(user);
  };

  switch (type) {
    case 'auth': {
      const user = takeUser('user', ['created_at', 'scopes']);
      if (!user) return undefined;
      const terraSessionId = (take('widget_session_id', readTerraSessionId) ?? { id: '' }).id;
      const status = take('status', readStatus);
      if (status === 'success') return { kind: 'authenticated', user, terraSessionId };
      if (status === undefined) return { kind: 'unclear', user, terraSessionId };
      const cause = failureCause(take('reason', readText));
      return { kind: 'not_authenticated', cause, referenceId: user.referenceId, user, terraSessionId };
    }
    case 'auth_cancelled': {
      const cause = failureCause(take('reason', readText));
      const referenceId = take('reference_id', readReferenceId);
      return { kind: 'not_authenticated', cause, referenceId, user: undefined, terraSessionId: undefined };
    }
    case 'user_reauth': {
      const user = takeUser('new_user', ['created_at', 'scopes']);
      const previous = user && takeUser('old_user');
      return user && { kind: 'reauthenticated', user, previous };
    }
    case 'deauth':
      return about(user => ({ kind: 'gone', user, reason: 'deauthorised' }));
    case 'access_revoked':
      return about(user => ({ kind: 'gone', user, reason: 'revoked' }));
    case 'connection_error':
      return about(user => ({ kind: 'degraded', user }));
    case 'permission_change': {
      const user = takeUser('user', ['scopes']);
      return user && { kind: 'permissions', user };
    }
    default: {
      const isData = dataTypes.has(type);
      if (!isData && !otherTypes.has(type)) unread.push('type');
      // Terra may add types of data; an event with a user and data counts as data.
      const isLikeData = (body.data ?? undefined) !== undefined && readTerraUserId(valueAt(body, 'user.user_id'));
      if (!isData && !isLikeData) return { kind: 'irrelevant', type };
      return about(user => ({ kind: 'arrived', user }));
    }
  }
}

function readReferenceId(value: unknown): string | undefined {
  const isOne = typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= REFERENCE_ID_LIMIT_BYTES;
  return isOne ? value : undefined;
}

/**
 * Returns the widget session that an event names, if any, or undefined if the field is unreadable. The caller then uses the empty
 * id, which is that of no session, so that the event is not treated as one without a session.
 */
function readTerraSessionId(value: unknown): { id: string | undefined } | undefined {
  if (value === null || value === undefined) return { id: undefined };
  if (typeof value === 'string') return { id: value };
  return undefined;
}

function readStatus(value: unknown): 'success' | 'error' | undefined {
  const status = readText(value)?.toLowerCase();
  return status === 'success' || status === 'error' ? status : undefined;
}

const readText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the field of an object in the body that a path such as `user.provider` names. */
function valueAt(body: Fields, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isFields(value) ? value[key] : undefined), body);
}

function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    return undefined;
  }
}
