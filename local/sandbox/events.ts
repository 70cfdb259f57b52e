import type { OutgoingEvent } from './delivery';
import type { Flow } from './links';
import type { Switchboard } from './switchboard';
import { terraUser } from './terra-user';
import type { SandboxUser } from './users';

/** Terra's payload version. Docs: event-types. */
export const VERSION = '2022-03-16';

/** How a connection was made, as the auth event says it. A phone has neither id; an undefined one is left out of the event. */
export type Origin = { widgetSessionId: string | null | undefined; flowId: string | null };

export function event(type: string, userId: string | null, fields: Record<string, unknown>): OutgoingEvent {
  return { type, userId, body: JSON.stringify({ type, ...fields }) };
}

/** OpenAPI AuthSuccessEvent; the extras of docs handling-authentication-events by knob. */
export function authEvent(user: SandboxUser, origin: Origin, switches: Switchboard): OutgoingEvent {
  const extras = switches.knob('authExtras');
  const told = { ...widgetSession(origin, switches), flow_id: origin.flowId };
  return event('auth', user.userId, {
    status: 'success',
    user: terraUser(user, switches),
    ...(extras === 'bare' ? {} : { message: 'User has successfully authenticated', ...told }),
    ...(extras === 'documented' ? { reference_id: user.referenceId, version: VERSION } : {}),
  });
}

/** OpenAPI AuthErrorEvent (auth_cancelled, which has no user), or the older auth with status error (terra-api 2.1.0). */
export function authFailedEvent(
  flow: Flow,
  user: SandboxUser,
  reason: string | null,
  switches: Switchboard,
): OutgoingEvent {
  if (switches.knob('authFailure') === 'auth_cancelled') {
    return event('auth_cancelled', null, {
      status: 'error',
      flow_id: flow.id,
      reason,
      reference_id: flow.referenceId,
    });
  }
  return event('auth', user.userId, {
    status: 'error',
    user: terraUser(user, switches, false),
    provider: flow.provider,
    message: 'User failed to authenticate and has been deleted',
    reason,
    reference_id: flow.referenceId,
    ...widgetSession(flow, switches),
    version: VERSION,
  });
}

function widgetSession({ widgetSessionId }: Pick<Origin, 'widgetSessionId'>, switches: Switchboard) {
  return { widget_session_id: switches.knob('authExtras') === 'null_session' ? null : widgetSessionId };
}

/** OpenAPI UserReauthEvent. A normal auth is delivered for the same reconnection. */
export function reauthEvent(user: SandboxUser, old: SandboxUser, switches: Switchboard): OutgoingEvent {
  const oldUser = switches.knob('reauthOldUser');
  return event('user_reauth', user.userId, {
    status: 'warning',
    message: 'User has reauthenticated and old ID has been deleted',
    version: VERSION,
    new_user: terraUser(user, switches, true),
    ...(oldUser === 'absent' ? {} : { old_user: oldUser === 'null' ? null : terraUser(old, switches, false) }),
  });
}

/** OpenAPI DeauthEvent. */
export function deauthEvent(user: SandboxUser, switches: Switchboard): OutgoingEvent {
  return event('deauth', user.userId, {
    status: 'success',
    message: 'User has deauthenticated',
    user: terraUser(user, switches, false),
  });
}

/** OpenAPI AccessRevokedEvent. */
export function accessRevokedEvent(user: SandboxUser, switches: Switchboard): OutgoingEvent {
  return event('access_revoked', user.userId, {
    status: 'warning',
    message: 'User revoked access',
    user: terraUser(user, switches, false),
  });
}

/** OpenAPI ConnectionErrorEvent: the provider answered Terra 401, 403 or 412. */
export function connectionErrorEvent(
  user: SandboxUser,
  switches: Switchboard,
  form: 'current' | 'legacy',
): OutgoingEvent {
  const current =
    "Connection degraded: the provider rejected Terra's access token; the user may need to reauthenticate";
  return event('connection_error', user.userId, {
    status: 'warning',
    message: form === 'current' ? current : 'User connection degraded',
    user: terraUser(user, switches, true),
  });
}

/** OpenAPI PermissionChangeEvent: `user` already has its new scopes. */
export function permissionChangeEvent(
  user: SandboxUser,
  change: { added: readonly string[]; removed: readonly string[] },
  switches: Switchboard,
): OutgoingEvent {
  return event('permission_change', user.userId, {
    status: 'warning',
    message: 'User permissions have been modified',
    version: VERSION,
    scopes_added: change.added.join(','),
    scopes_removed: change.removed.join(','),
    user: terraUser(user, switches),
  });
}
