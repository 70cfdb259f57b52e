import { signatureHeaders } from '../../functions/core/terra/signature';
import { ids } from './examples';
import { ref } from './schemas';

const text = (description: string) => ({ type: ['string', 'null'], description });
const person = (changes: object = {}) => ({
  user_id: ids.terraUser,
  provider: 'GARMIN',
  reference_id: ids.reference,
  scopes: 'ACTIVITY_EXPORT,HEALTH_EXPORT',
  created_at: '2026-11-20T18:31:05.000Z',
  active: true,
  ...changes,
});

/** What Terra sends, as far as it matters here; Terra may add fields and types. Source: github.com/tryterra/openapi. */
export const deliverySchemas = {
  TerraUser: {
    description: 'One connection of one person, as Terra knows it.',
    type: 'object',
    properties: {
      user_id: { type: 'string', format: 'uuid', description: 'Terra’s id of the user.' },
      provider: {
        description: 'The provider, upper case. If it is missing, it is taken from what is known, or Terra is asked.',
      },
      reference_id: text('The reference id the user was connected under: what tells whose it is.'),
      scopes: { description: 'What the person allowed: a string, separated by commas, or a list of strings.' },
      created_at: {
        description:
          'When the user was made at Terra: ISO 8601, or seconds or milliseconds since 1970. Anything else is left out.',
      },
      active: { description: 'Not read.' },
    },
    required: ['user_id'],
    additionalProperties: true,
  },
  TerraEvent: {
    description:
      'One of Terra’s events. Types that are not known, new ones included, are answered 200 with the outcome `ignored`.',
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
      user: { ...ref('schemas', 'TerraUser'), description: 'Whom it is about.' },
      new_user: { ...ref('schemas', 'TerraUser'), description: 'With `user_reauth`: the user from now on.' },
      old_user: {
        anyOf: [ref('schemas', 'TerraUser'), { type: 'null' }],
        description: 'With `user_reauth`: the user it replaces, if Terra names one.',
      },
      reference_id: text('With `auth_cancelled`, and with older `auth` events: the reference id.'),
      widget_session_id: text('With `auth`: the widget session the person came from.'),
      reason: text('With a failure: Terra’s word for why.'),
      message: text('Terra’s words for people. Not read.'),
    },
    required: ['type'],
    additionalProperties: true,
  },
};

/** One delivery of each kind that means something here. */
export const deliveries = {
  authenticated: {
    type: 'auth',
    status: 'success',
    user: person(),
    message: 'User has successfully authenticated',
    widget_session_id: '4d6b9d2e-5c0c-4f0e-9a55-0c8f1f1a2b3c',
  },
  not_authenticated: { type: 'auth_cancelled', status: 'error', reason: 'access_denied', reference_id: ids.reference },
  reauthenticated: {
    type: 'user_reauth',
    status: 'warning',
    message: 'User has reauthenticated and old ID has been deleted',
    new_user: person({ user_id: '7d3a9a31-60a4-4dd1-8f2f-3a3fca7ab0b9' }),
    old_user: person({ active: false }),
  },
  gone: { type: 'access_revoked', status: 'warning', message: 'User revoked access', user: person({ active: false }) },
  degraded: { type: 'connection_error', status: 'warning', user: person() },
  permissions: {
    type: 'permission_change',
    status: 'warning',
    scopes_added: '',
    scopes_removed: 'HEALTH_EXPORT',
    user: person({ scopes: 'ACTIVITY_EXPORT' }),
  },
  arrived: { type: 'daily', version: '2022-03-16', user: person(), data: [] },
};

const [signature, twin] = signatureHeaders;

/** Where the signature is; the scheme under which the document demands it. */
export const signatureScheme = {
  type: 'apiKey',
  in: 'header',
  name: signature,
  description: `Terra’s signature: \`t=<unix seconds>,v1=<hex>\`, HMAC-SHA256 over \`<t>.<raw body>\` with the destination’s signing secret. At most 512 bytes, exactly one \`t\`, one to four \`v1\`. \`t\` may be 300 seconds ahead and 26 hours behind.`,
} as const;

/** The headers of a delivery that are read, beside its signature. */
export const deliveryHeaders = [
  {
    name: twin,
    in: 'header',
    description: `The older name of \`${signature}\`. Where both are there they must be equal; either alone will do.`,
    schema: { type: 'string', maxLength: 512 },
  },
  {
    name: 'x-terra-ordering-timestamp',
    in: 'header',
    description:
      'When Terra emitted the event, in Unix milliseconds, the same for every retry. It is not signed, so it counts only from 26 hours before the signed time to 5 seconds after it.',
    schema: { type: 'string', pattern: '^[1-9]\\d{12}$' },
    example: '1763802300000',
  },
];

const said = (name: string, description: string, example: string) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string' },
  example,
});

/** What Terra adds to the callback URLs. It can be forged, so it decides nothing. Source: docs.tryterra.co, authentication redirects. */
export const redirectParameters = {
  returnSuccess: [
    said('user_id', 'Terra’s id of the new user, a UUID; `null` where the provider lives on the phone.', ids.terraUser),
    said('reference_id', 'The reference id, or `null`. Not read.', ids.reference),
    said('resource', 'The provider. Read only where there is no `user_id`.', 'GARMIN'),
  ],
  returnFailure: [
    said('reason', 'Why it failed, in Terra’s words; mapped to one of four.', 'access_denied'),
    said('error', 'The same, where there is no `reason`.', 'access_denied'),
  ],
};
