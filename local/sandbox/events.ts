import type { OutgoingEvent } from './delivery';
import type { Flow } from './links';
import type { Switchboard } from './switchboard';
import { terraUser } from './terra-user';
import type { SandboxUser } from './users';

/** Terra's payload version. Docs: event-types. */
export const VERSION = '2022-03-16';

/**
 * How a connection was made, for the auth event. A phone has neither id; an undefined one is omitted from the event.
 */
export type Origin = { widgetSessionId: string | null | undefined; flowId: string | null };

export function event(type: string, userId: string | null, fields: Record<string, unknown>): OutgoingEvent {
  return { type, userId, body: JSON.stringify({ type, ...fields }) };
}

/** Returns the user as an event of this type shows it, after applying the knobs for events. */
export function userIn(
  type: string,
  user: SandboxUser,
  switches: Switchboard,
  active = user.active,
): Record<string, unknown> {
  const { provider, reference_id: reference, ...rest } = terraUser(user, switches, active);
  return {
    ...rest,
    ...(switches.knob('eventProvider', type) === 'present' ? { provider } : {}),
    reference_id: switches.knob('eventReference', type) === 'null' ? null : reference,
  };
}

/** OpenAPI AuthSuccessEvent. A knob adds the extra fields of docs handling-authentication-events. */
export function authEvent(user: SandboxUser, origin: Origin, switches: Switchboard): OutgoingEvent {
  const extras = switches.knob('authExtras');
  const extraFields = { ...widgetSession(origin, switches), flow_id: origin.flowId };
  return event('auth', user.userId, {
    status: switches.knob('authStatus'),
    user: userIn('auth', user, switches),
    ...(extras === 'bare' ? {} : { message: 'User has successfully authenticated', ...extraFields }),
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
    user: userIn('auth', user, switches, false),
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

/** OpenAPI UserReauthEvent. An auth event is sent for the same reconnection. */
export function reauthEvent(user: SandboxUser, old: SandboxUser, switches: Switchboard): OutgoingEvent {
  return event('user_reauth', user.userId, {
    status: 'warning',
    message: 'User has reauthenticated and old ID has been deleted',
    version: VERSION,
    new_user: userIn('user_reauth', user, switches, true),
    ...oldUserIn(old, switches),
  });
}

function oldUserIn(old: SandboxUser, switches: Switchboard): Record<string, unknown> {
  const form = switches.knob('reauthOldUser');
  const shown = userIn('user_reauth', old, switches, false);
  switch (form) {
    case 'present':
      return { old_user: shown };
    case 'without_reference':
      return { old_user: { ...shown, reference_id: null } };
    case 'null':
      return { old_user: null };
    case 'absent':
      return {};
    default:
      return form satisfies never;
  }
}

/** OpenAPI DeauthEvent. */
export function deauthEvent(user: SandboxUser, switches: Switchboard): OutgoingEvent {
  return event('deauth', user.userId, {
    status: 'success',
    message: 'User has deauthenticated',
    user: userIn('deauth', user, switches, false),
  });
}

/** OpenAPI AccessRevokedEvent. */
export function accessRevokedEvent(user: SandboxUser, switches: Switchboard): OutgoingEvent {
  return event('access_revoked', user.userId, {
    status: 'warning',
    message: 'User revoked access',
    user: userIn('access_revoked', user, switches, false),
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
    user: userIn('connection_error', user, switches, true),
  });
}

/** OpenAPI PermissionChangeEvent. `user` must already have its new scopes. */
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
    user: userIn('permission_change', user, switches),
  });
}
