import * as z from 'zod/mini';
import type { Instant } from './clock';
import type { Delivery } from './delivery';
import { failureCause } from './failure-cause';
import { providerId } from './providers';
import type { FailureCause } from './session';
import { readScopes, readTerraUserId, readTime } from './terra-user';

/** A Terra user as an event tells of it. */
export type EventUser = {
  terraUserId: string;
  provider: string;
  referenceId: string | undefined;
  createdAt: Instant | undefined;
  scopes: string[] | undefined;
};

/**
 * What a verified delivery means to us.
 *
 * | kind | Terra's events |
 * | --- | --- |
 * | `authenticated` | `auth` with status success |
 * | `not_authenticated` | `auth_cancelled`; `auth` with status error (then with the user, who is deleted) |
 * | `reauthenticated` | `user_reauth` |
 * | `gone` | `deauth`, `access_revoked` |
 * | `degraded` | `connection_error` |
 * | `permissions` | `permission_change` |
 * | `arrived` | any data event that names a user |
 * | `irrelevant` | everything else, types Terra adds later included |
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
  | { kind: 'degraded' | 'permissions' | 'arrived'; user: EventUser }
  | { kind: 'irrelevant'; type: string };

/** No owner's reference id is longer, so what is can be nobody's of ours; a table key could not hold any length. */
const REFERENCE_ID_LIMIT_BYTES = 255;
/** Longer than any list of scopes, and far below what a row can hold. */
const SCOPES_LIMIT = 4096;

const Text = z.nullish(z.string());
const User = z.object({
  user_id: z.string().check(z.refine(id => readTerraUserId(id) !== undefined)),
  provider: z.string().check(z.regex(/^[\w-]{1,40}$/)),
  reference_id: Text,
  created_at: Text,
  scopes: z.nullish(z.string().check(z.maxLength(SCOPES_LIMIT))),
});
const Envelope = z.object({ type: z.string().check(z.minLength(1), z.maxLength(100)) });
const Auth = z.object({
  status: Text,
  user: User,
  reference_id: Text,
  widget_session_id: Text,
  reason: Text,
  message: Text,
});
const AuthCancelled = z.object({ reference_id: Text, reason: Text });
const Reauth = z.object({ new_user: User, old_user: z.nullish(User) });
const AboutUser = z.object({ user: User });

/** Data events and the data-like ones that prove the connection alive. Sources: Terra's openapi `webhooks`, docs event types. */
const dataTypes = new Set([
  'activity',
  'athlete',
  'body',
  'daily',
  'menstruation',
  'nutrition',
  'planned_workout',
  'sleep',
]);

/**
 * Reads a verified body; undefined where it is not what Terra's specification says (poison).
 * Sources: github.com/tryterra/openapi schemas/core, docs.tryterra.co handling-authentication-events.
 */
export function readTerraEvent(rawBody: Uint8Array): TerraEvent | undefined {
  const body = parseJson(rawBody);
  const envelope = Envelope.safeParse(body);
  if (!envelope.success) return undefined;
  const { type } = envelope.data;
  switch (type) {
    case 'auth':
      return read(Auth, body, event => {
        const user = eventUser(event.user, event.reference_id);
        const terraSessionId = event.widget_session_id ?? undefined;
        if (event.status === 'success') return { kind: 'authenticated', user, terraSessionId };
        const cause = failureCause(event.reason ?? undefined);
        return { kind: 'not_authenticated', cause, referenceId: user.referenceId, user, terraSessionId };
      });
    case 'auth_cancelled':
      return read(AuthCancelled, body, event => ({
        kind: 'not_authenticated',
        cause: failureCause(event.reason ?? undefined),
        referenceId: readReferenceId(event.reference_id),
        user: undefined,
        terraSessionId: undefined,
      }));
    case 'user_reauth':
      return read(Reauth, body, event => ({
        kind: 'reauthenticated',
        user: eventUser(event.new_user),
        previous: event.old_user ? eventUser(event.old_user) : undefined,
      }));
    case 'deauth':
      return read(AboutUser, body, ({ user }) => ({ kind: 'gone', user: eventUser(user), reason: 'deauthorised' }));
    case 'access_revoked':
      return read(AboutUser, body, ({ user }) => ({ kind: 'gone', user: eventUser(user), reason: 'revoked' }));
    case 'connection_error':
      return read(AboutUser, body, ({ user }) => ({ kind: 'degraded', user: eventUser(user) }));
    case 'permission_change':
      return read(AboutUser, body, ({ user }) => ({ kind: 'permissions', user: eventUser(user) }));
    default:
      if (!dataTypes.has(type)) return { kind: 'irrelevant', type };
      return read(AboutUser, body, ({ user }) => ({ kind: 'arrived', user: eventUser(user) }));
  }
}

function eventUser(user: z.infer<typeof User>, fallbackReferenceId?: string | null): EventUser {
  return {
    terraUserId: user.user_id.toLowerCase(),
    provider: providerId(user.provider),
    referenceId: readReferenceId(user.reference_id || fallbackReferenceId),
    createdAt: readTime(user.created_at),
    scopes: readScopes(user.scopes),
  };
}

function readReferenceId(text: string | null | undefined): string | undefined {
  return text && Buffer.byteLength(text) <= REFERENCE_ID_LIMIT_BYTES ? text : undefined;
}

function read<S extends z.ZodMiniType>(
  schema: S,
  body: unknown,
  understand: (event: z.infer<S>) => TerraEvent,
): TerraEvent | undefined {
  const parsed = schema.safeParse(body);
  return parsed.success ? understand(parsed.data) : undefined;
}

function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    return undefined;
  }
}
