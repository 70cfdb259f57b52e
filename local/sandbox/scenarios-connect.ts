import type { Scenario } from './knobs';

const WEEK_SECONDS = 7 * 24 * 3600;
const reauthSource = 'OpenAPI v2, webhook user_reauth; no source promises an order';

/** How connecting ends, which Terra user it creates, and what happens to the connection later. */
export const connectScenarios = [
  {
    name: 'cancelled',
    imitates: 'The user cancels at the provider: Approve ends like Deny.',
    source: 'OpenAPI v2, webhook auth: completes or abandons',
    changes: { decision: 'cancelled' },
  },
  {
    name: 'cancelled-legacy',
    imitates: 'A denied attempt is reported as type auth with status error and a deleted user.',
    source: 'terra-api 2.1.0 AuthErrorEvent; removed from OpenAPI on 12 June 2026',
    changes: { authFailure: 'auth_error', failureReason: 'auth_cancelled' },
  },
  {
    name: 'cancelled-without-reason',
    imitates: 'auth_cancelled comes with reason null.',
    source: 'OpenAPI, AuthErrorEvent: reason may be null',
    changes: { failureReason: null },
  },
  {
    name: 'cancelled-unknown-reason',
    imitates: 'auth_cancelled comes with an unknown reason.',
    source: 'OpenAPI, AuthErrorEvent: reason is open text',
    changes: { failureReason: 'provider exploded <b>twice</b>' },
  },
  {
    name: 'link-survives-denial',
    imitates: 'The consent page stays usable after Deny: the same Terra user can be approved later.',
    source: 'not documented: no source says that a denied link is closed',
    changes: { afterDenial: 'link_usable' },
  },
  {
    name: 'link-used-twice',
    imitates:
      'The consent page stays usable after Approve: a second approval, perhaps of another account, authenticates the same Terra user again.',
    source: 'not documented: no source says that a link works once',
    changes: { afterApproval: 'link_usable' },
  },
  {
    name: 'auth-bare',
    imitates: 'The auth event has only its required fields: no message, widget_session_id or flow_id.',
    source: 'OpenAPI, AuthSuccessEvent: required are type, status, user',
    changes: { authExtras: 'bare' },
  },
  {
    name: 'auth-documented',
    imitates: 'The auth event also has a top-level reference_id and version.',
    source: 'Docs: handling-authentication-events',
    changes: { authExtras: 'documented' },
  },
  {
    name: 'auth-warning',
    imitates: 'The auth event has the status warning.',
    source: 'not documented; other events have this status',
    changes: { authStatus: 'warning' },
  },
  {
    name: 'auth-null-widget-session',
    imitates: 'The auth event has widget_session_id null, also for a connection made in the widget.',
    source: 'OpenAPI, AuthSuccessEvent: widget_session_id may be null',
    changes: { authExtras: 'null_session' },
  },
  {
    name: 'user-without-created-at',
    imitates: 'Terra users have no created_at.',
    source: 'terra-api 2.1.0 TerraUser; the OpenAPI webhook examples',
    changes: { userCreatedAt: 'absent' },
  },
  {
    name: 'user-created-at-number',
    imitates: 'created_at is a number, of seconds since 1970.',
    source: 'seen in an application that takes Terra’s webhooks',
    changes: { userCreatedAt: 'epoch_seconds' },
  },
  {
    name: 'created-on-approval',
    imitates: 'created_at is when the end user approved, not when the link was made.',
    source: 'not documented; authenticateUser returns a user_id before approval, so the default is the earlier time',
    changes: { userCreated: 'on_approval' },
  },
  {
    name: 'scopes-padded',
    imitates: 'Scopes come with spaces around the commas.',
    source: 'Agent skills: auth-parse-scopes',
    changes: { scopesForm: 'padded' },
  },
  {
    name: 'scopes-empty',
    imitates: 'Scopes are an empty string.',
    source: 'Agent skills: auth-parse-scopes',
    changes: { scopesForm: 'empty' },
  },
  {
    name: 'scopes-null',
    imitates: 'Scopes are null.',
    source: 'OpenAPI, TerraUser: scopes may be null',
    changes: { scopesForm: 'null' },
  },
  {
    name: 'scopes-list',
    imitates: 'Scopes are a list of strings.',
    source: 'OpenAPI, Connection (V3): scopes is a list there',
    changes: { scopesForm: 'list' },
  },
  {
    name: 'newer-identity',
    imitates: 'The same provider account under another reference_id keeps both Terra users.',
    source: 'FAQ: same-account-multiple-reference-ids-duplicates ("newer API version")',
    changes: { identity: 'newer' },
  },
  {
    name: 'reauth-by-reference',
    imitates:
      'Any new connection of the same reference_id and provider replaces the old one, also from another account.',
    source: 'FAQ: reference-id-uniqueness-per-user; user-uniqueness-reference-id says the opposite',
    changes: { reauthMatch: 'reference' },
  },
  {
    name: 'reauth-before-auth',
    imitates: 'user_reauth arrives before the auth of the same reconnection.',
    source: reauthSource,
    changes: { reauthOrder: 'reauth_first' },
  },
  {
    name: 'null-old-user',
    imitates: 'user_reauth has old_user null.',
    source: 'OpenAPI, UserReauthEvent: old_user may be null',
    changes: { reauthOldUser: 'null' },
  },
  {
    name: 'absent-old-user',
    imitates: 'user_reauth has no old_user at all.',
    source: 'OpenAPI, UserReauthEvent: old_user is not required',
    changes: { reauthOldUser: 'absent' },
  },
  {
    name: 'old-user-without-reference',
    imitates: 'user_reauth has an old_user whose reference_id is null.',
    source: 'OpenAPI, TerraUser: reference_id may be null',
    changes: { reauthOldUser: 'without_reference' },
  },
  {
    name: 'limit-reached',
    imitates: 'The environment has reached its user limit; new connections fail.',
    source: 'Docs: understanding-terra-environments (50 in testing and staging; the error itself is not documented)',
    changes: { userLimit: 0 },
  },
  {
    name: 'limit-50',
    imitates: 'A testing environment: the 51st user fails.',
    source: 'Docs: understanding-terra-environments',
    changes: { userLimit: 50 },
  },
  {
    name: 'redirect-second-question-mark',
    imitates: "The redirect's parameters are appended with ? even if the URL already has a query.",
    source: 'not documented; the example app arrives with &, one integrator refused to rely on it',
    changes: { redirectJoin: 'second_question_mark' },
  },
  {
    name: 'redirect-reference-null',
    imitates: 'The redirect says reference_id=null.',
    source: 'Docs: customising-authentication-redirects',
    changes: { redirectReference: 'null' },
  },
  {
    name: 'redirect-without-reference',
    imitates: 'The redirect has no reference_id.',
    source: 'Docs: docs/quickstart (older)',
    changes: { redirectReference: 'absent' },
  },
  {
    name: 'redirect-with-reason',
    imitates: 'The failure redirect also has a reason.',
    source: 'not documented; one integrator tolerates it',
    changes: { redirectReason: 'present' },
  },
  {
    name: 'redirect-failure-without-user',
    imitates: 'The failure redirect has no user_id.',
    source: 'not documented: customising-authentication-redirects lists the parameters once, for success and failure',
    changes: { failureRedirectUser: 'absent' },
  },
  {
    name: 'redirect-failure-user-null',
    imitates: 'The failure redirect says user_id=null.',
    source: 'not documented: customising-authentication-redirects lists the parameters once, for success and failure',
    changes: { failureRedirectUser: 'null' },
  },
  {
    name: 'redirect-after-webhook',
    imitates: 'The browser returns only after the webhook was delivered.',
    source: 'not documented: either can come first',
    changes: { redirectTiming: 'after_webhook' },
  },
  {
    name: 'redirect-never',
    imitates: "The browser stays on Terra's own page although redirect URLs were given.",
    source: 'FAQ: auth-success-redirect-not-firing',
    changes: { redirectTiming: 'never' },
  },
  {
    name: 'revoked-a-week-later',
    imitates: 'Seven days after connecting, the user revokes access at the provider.',
    source: 'OpenAPI v2, webhook access_revoked',
    changes: { later: { event: 'access_revoked', afterSeconds: WEEK_SECONDS } },
  },
  {
    name: 'deauth-a-week-later',
    imitates: 'Seven days after connecting, the provider ends the connection, as Fitbit does when access is revoked.',
    source: 'FAQ: detect-expirations-via-webhooks-not-polling',
    changes: { later: { event: 'deauth', afterSeconds: WEEK_SECONDS } },
  },
  {
    name: 'connection-error-later',
    imitates: "An hour after connecting, the provider rejects Terra's token.",
    source: 'OpenAPI v2, webhook connection_error',
    changes: { later: { event: 'connection_error', afterSeconds: 3600 } },
  },
  {
    name: 'permission-change-later',
    imitates: 'An hour after connecting, the user revokes one permission.',
    source: 'OpenAPI v2, webhook permission_change',
    changes: { later: { event: 'permission_change', afterSeconds: 3600 } },
  },
] as const satisfies readonly Scenario[];
