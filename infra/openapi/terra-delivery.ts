import { signatureHeaders } from '../../functions/core/terra/signature';
import { ids } from './examples';
import { ref } from './schemas';

const text = (description: string) => ({ type: ['string', 'null'], description });
const terraUser = (changes: object = {}) => ({
  user_id: ids.terraUser,
  provider: 'GARMIN',
  reference_id: ids.reference,
  scopes: 'ACTIVITY_EXPORT,HEALTH_EXPORT',
  created_at: '2026-11-20T18:31:05.000Z',
  active: true,
  ...changes,
});

/** The parts of Terra's events that are read. Terra can add fields and types. Source: github.com/tryterra/openapi. */
export const deliverySchemas = {
  TerraUser: {
    description: 'A Terra user: one connection of one user.',
    type: 'object',
    properties: {
      user_id: { type: 'string', format: 'uuid', description: 'Terra’s id of the user.' },
      provider: {
        description: 'The provider, upper case. If it is missing, it is taken from the connection or read from Terra.',
      },
      reference_id: text('The reference id of the user, which identifies the owner.'),
      scopes: { description: 'The granted scopes: a comma-separated string, or a list of strings.' },
      created_at: {
        description:
          'When Terra created the user: ISO 8601, or seconds or milliseconds since 1970. Anything else is ignored.',
      },
      active: { description: 'Not read.' },
    },
    required: ['user_id'],
    additionalProperties: true,
  },
  TerraEvent: {
    description: 'A Terra event. Unknown types get 200 with the outcome `ignored`.',
    type: 'object',
    properties: {
      type: {
        type: 'string',
        minLength: 1,
        maxLength: 100,
        description:
          '`auth`, `auth_cancelled`, `user_reauth`, `deauth`, `access_revoked`, `connection_error`, `permission_change`, or a data event such as `daily`.',
      },
      status: text(
        '`success`, `error` or `warning`, in any case. An `auth` counts with `success`, fails with `error`, and with anything else counts once Terra confirms it.',
      ),
      user: { ...ref('schemas', 'TerraUser'), description: 'The user that the event is about.' },
      new_user: { ...ref('schemas', 'TerraUser'), description: 'With `user_reauth`: the new user.' },
      old_user: {
        anyOf: [ref('schemas', 'TerraUser'), { type: 'null' }],
        description: 'With `user_reauth`: the user it replaces, if Terra names one.',
      },
      reference_id: text('With `auth_cancelled`, and with older `auth` events: the reference id.'),
      widget_session_id: text('With `auth`: the widget session of the authentication.'),
      reason: text('With a failure: Terra’s reason.'),
      message: text('A text for humans. Not read.'),
    },
    required: ['type'],
    additionalProperties: true,
  },
};

/** One delivery of each kind that has an effect. */
export const deliveries = {
  authenticated: {
    type: 'auth',
    status: 'success',
    user: terraUser(),
    message: 'User has successfully authenticated',
    widget_session_id: '4d6b9d2e-5c0c-4f0e-9a55-0c8f1f1a2b3c',
  },
  not_authenticated: { type: 'auth_cancelled', status: 'error', reason: 'access_denied', reference_id: ids.reference },
  reauthenticated: {
    type: 'user_reauth',
    status: 'warning',
    message: 'User has reauthenticated and old ID has been deleted',
    new_user: terraUser({ user_id: '7d3a9a31-60a4-4dd1-8f2f-3a3fca7ab0b9' }),
    old_user: terraUser({ active: false }),
  },
  gone: {
    type: 'access_revoked',
    status: 'warning',
    message: 'User revoked access',
    user: terraUser({ active: false }),
  },
  degraded: { type: 'connection_error', status: 'warning', user: terraUser() },
  permissions: {
    type: 'permission_change',
    status: 'warning',
    scopes_added: '',
    scopes_removed: 'HEALTH_EXPORT',
    user: terraUser({ scopes: 'ACTIVITY_EXPORT' }),
  },
  arrived: { type: 'daily', version: '2022-03-16', user: terraUser(), data: [] },
};

const [signature, olderSignature] = signatureHeaders;

/** The security scheme of the webhook. */
export const signatureScheme = {
  type: 'apiKey',
  in: 'header',
  name: signature,
  description: `Terra’s signature: \`t=<unix seconds>,v1=<hex>\`, HMAC-SHA256 over \`<t>.<raw body>\` with the destination’s signing secret. At most 512 bytes, exactly one \`t\`, one to four \`v1\`. \`t\` can be up to 300 seconds in the future and 26 hours in the past.`,
} as const;

/** Other headers of a delivery that are read. */
export const deliveryHeaders = [
  {
    name: olderSignature,
    in: 'header',
    description: `The older name of \`${signature}\`. If both are present they must be equal; one is enough.`,
    schema: { type: 'string', maxLength: 512 },
  },
  {
    name: 'x-terra-ordering-timestamp',
    in: 'header',
    description:
      'When Terra emitted the event, in Unix milliseconds, the same for every retry. It is not signed, so it is used only if it is between 26 hours before and 5 seconds after the signed time.',
    schema: { type: 'string', pattern: '^[1-9]\\d{12}$' },
    example: '1763802300000',
  },
];

const parameter = (name: string, description: string, example: string) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string' },
  example,
});

/** Query parameters that Terra adds to the callback URLs. They can be forged and decide nothing. Source: docs.tryterra.co, authentication redirects. */
export const redirectParameters = {
  returnSuccess: [
    parameter('user_id', 'Terra’s id of the new user, a UUID; `null` for a mobile provider.', ids.terraUser),
    parameter('reference_id', 'The reference id, or `null`. Not read.', ids.reference),
    parameter('resource', 'The provider. Read only if there is no `user_id`.', 'GARMIN'),
  ],
  returnFailure: [
    parameter('reason', 'Terra’s reason for the failure, mapped to one of four.', 'access_denied'),
    parameter('error', 'The same, if there is no `reason`.', 'access_denied'),
  ],
};
