import * as z from 'zod/mini';
import * as routes from '../../functions/routes';

/** Texts of one schema of `functions/routes.ts`. */
type Described = {
  readonly schema: z.ZodMiniType;
  readonly description: string;
  /** Meaning of each field of an object. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Meaning of each value of an enum. */
  readonly words?: Readonly<Record<string, string>>;
  /** JSON Schema keywords that override the generated ones. */
  readonly keywords?: Readonly<Record<string, unknown>>;
};

/** The field is described by the schema that it refers to. */
const asNamed = '';

const object = <S extends z.ZodMiniObject>(
  schema: S,
  description: string,
  fields: { readonly [F in keyof z.infer<S>]-?: string },
): Described => ({ schema, description, fields });

const list = <W extends string>(
  schema: z.ZodMiniType<W>,
  description: string,
  words: { readonly [K in W]: string },
): Described => ({ schema, description, words });

const { createSession, confirmSession, mintToken, listConnections, erase, listProviders, receiveWebhook } = routes;
const provider = listProviders.replies[200].shape.providers.def.element;

/** The named schemas of the document. The types require a text for every field and enum value. */
export const schemas = {
  Time: {
    schema: routes.Connection.shape.updatedAt,
    description: 'A time in ISO 8601, always in UTC with `Z`, to the millisecond.',
    // Replaces a long generated pattern; `format` already says the same.
    keywords: { pattern: 'Z$' },
  },
  ProviderId: {
    schema: mintToken.body.shape.provider.def.innerType,
    description: 'The `id` of a provider from `GET /v1/providers`. Not case-sensitive.',
  },
  Flow: list(routes.Session.shape.flow, 'How the user gets to the provider.', {
    widget: 'through Terra’s page, where users choose a provider.',
    direct: 'directly to the provider in the request.',
  }),
  Connection: object(routes.Connection, 'A lasting link between the signed-in user and one provider account.', {
    id: 'Public id, 22 characters of base64url. It stays the same if the same provider account is authenticated again as a new Terra user.',
    provider: 'The provider, in Terra’s upper-case spelling.',
    status: asNamed,
    reason: asNamed,
    terraUserId:
      'Terra’s id of the user of this connection, for reading data from Terra. Only after the connection was connected. It changes when the user authenticates again.',
    scopes: 'The scopes that the user granted, as Terra names them. Empty if Terra names none.',
    connectedAt: 'When the connection was first connected.',
    lastDataAt: 'When health data last arrived, to the hour: the time is written at most once an hour.',
    needsAction:
      'What the user must do. `confirm`: redeem the one-time code of the return URL, which is still valid. `reconnect`: open a new session.',
    updatedAt: 'When the connection last changed.',
    version:
      'Increases with every change, also when a new Terra user replaces the old one. Of two copies, the one with the greater version is newer.',
  }),
  ConnectionStatus: list(routes.ConnectionStatus, 'The status of a connection.', {
    unconfirmed:
      'the provider granted access, but it is not yet proved that the user is the owner. Do not use its data.',
    connected: 'proved by Terra and confirmed by the owner.',
    error:
      'the provider rejects Terra’s access. It becomes `connected` again when data arrives or the user connects again.',
    disconnecting: 'ended here, but Terra has not confirmed the end yet. Stop using its data.',
    disconnected: 'ended, here and at Terra.',
  }),
  ConnectionReason: list(routes.ConnectionReason, 'The reason for the status. Missing while it is `connected`.', {
    awaiting_confirmation: 'with `unconfirmed`: the one-time code was not redeemed yet.',
    unsolicited: 'with `unconfirmed`: no session and no token of the owner started it.',
    provider_rejected: 'with `error`: the provider rejected Terra’s access.',
    owner: 'the owner disconnected.',
    erased: 'the owner’s records are being erased.',
    wrong_owner: 'another user or another browser took part in the session, or the link was used twice.',
    not_confirmed: 'the code was not redeemed in time.',
    revoked: 'the user revoked the access at the provider.',
    deauthorised: 'Terra reported that the user was deauthenticated.',
    absent: 'the daily check found that Terra no longer has the user.',
  }),
  Session: object(routes.Session, 'One attempt to connect.', {
    id: 'The session’s id, 22 characters of base64url.',
    flow: asNamed,
    status: asNamed,
    provider: 'The provider: of a direct link from the start, of a widget after the user connected.',
    url: 'The URL to open. Only while `pending` and before `expiresAt`. It is a secret of this user: do not log or share it.',
    expiresAt: 'Until when the link can be opened. A user who opened it in time has 60 more minutes to finish.',
    connectionId: 'The resulting connection. Only if `completed`.',
    failure: asNamed,
  }),
  SessionStatus: list(routes.SessionStatus, 'The status of a session.', {
    pending: 'the browser has not returned yet.',
    returned: 'the browser returned, but the code or Terra’s confirmation is missing.',
    completed: 'connected.',
    failed: 'cancelled, denied or refused. The user can still succeed with the same link until it expires.',
    expired: 'the user did not finish in time.',
    rejected: 'another user or browser took part, or the link was used twice. Nobody is connected.',
  }),
  SessionFailure: list(
    routes.SessionFailure,
    'Why a session failed. Only if it is `failed`, `expired` or `rejected`.',
    {
      cancelled: 'the user left the provider’s page.',
      denied: 'the user did not grant access.',
      expired: 'the user did not finish in time.',
      provider_error: 'the provider reported an error.',
      wrong_owner: 'another user or browser finished it, or the link was used twice.',
      unknown: 'Terra gave another reason, or none.',
    },
  ),
  SessionRequest: object(
    createSession.body,
    'What to open. With `provider` it is a direct link; without it the user chooses in Terra’s widget. Both `provider` and `providers` are an error.',
    {
      provider: 'The provider of a direct link.',
      providers: 'The providers in the widget, 1 to 20. Default: all of the Terra account.',
      returnTo: 'Name of a return target in the deployment’s settings, never a URL.',
      language: 'Language of Terra’s pages, such as `en` or `de-AT`.',
    },
  ),
  OpenedSession: object(createSession.replies[201], 'A new session.', {
    id: 'The session’s id, 22 characters of base64url.',
    flow: asNamed,
    status: '`pending`, or a later status if the request repeats an `Idempotency-Key`.',
    url: 'The URL to open. Missing if a repeated request finds a session that was already used.',
    expiresAt: 'Until when the link can be opened.',
  }),
  ConfirmRequest: object(confirmSession.body, 'The proof that the user who finished is the one who started.', {
    code: 'The `code` of the return URL, at most 512 characters. Not needed in deployments with `confirmation: "off"`.',
  }),
  ConfirmedSession: object(confirmSession.replies[200], 'Connected.', {
    id: 'The session’s id.',
    status: 'Always `completed`.',
    connection: 'The resulting connection.',
  }),
  AwaitedSession: object(
    confirmSession.replies[202],
    'The code is redeemed and Terra’s confirmation is pending. Poll `GET /v1/sessions/{id}` until it is `completed`. The code need not be sent again.',
    { id: 'The session’s id.', status: 'The session’s status, usually `returned`.' },
  ),
  TokenRequest: object(mintToken.body, 'What the token is for.', {
    provider: 'The mobile provider to connect, such as `APPLE`. Without it, the token is valid for any.',
  }),
  Token: object(
    mintToken.replies[201],
    'A single-use token for Terra’s mobile SDK. Pass it to the SDK at once; never store it.',
    {
      token: 'The token, for `initConnection` of the SDK. It works once.',
      referenceId: 'The user’s reference id at Terra. Initialise the SDK with exactly this value.',
      expiresIn: 'Lifetime of the token in seconds from the request, a whole number.',
      expiresAt: 'When the token expires, by the server’s clock.',
    },
  ),
  ConnectionList: object(listConnections.replies[200], 'All connections of the signed-in user.', {
    connections: 'Newest first, by their first authentication. Not paged.',
  }),
  Erasure: object(erase.replies[202], 'The erasure has started.', {
    status: 'Always `erasing`. New sessions and tokens are refused with `erasing` until it is done.',
  }),
  Provider: object(provider, 'A provider that users can connect.', {
    id: 'Terra’s identifier in upper case, for `provider` and `providers`.',
    name: 'Name to show to users.',
    icon: 'URL of a logo, https.',
    kind: 'How it is connected. `web`: with a session. `sdk`: on the phone, with a token for the mobile SDK.',
  }),
  ProviderList: object(listProviders.replies[200], 'The providers of this deployment’s Terra account.', {
    providers: 'Sorted by name.',
  }),
  Delivery: object(receiveWebhook.replies[200], 'The result of a delivery.', {
    outcome:
      '`applied`: something changed. `unchanged`: nothing new. `foreign`: not one of this deployment’s users. `noted`: the end of a Terra user without a reference id; the next check of all connections looks for it. `ignored`: a type that has no effect here. `poison`: signed, but without a type or without the Terra user that the type requires.',
  }),
} satisfies Record<string, Described>;

export const ref = (kind: 'schemas' | 'responses' | 'headers' | 'examples', name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});

/** Returns the JSON Schema of each of `schemas` by name. Schemas refer to each other. */
export function jsonSchemas(): Record<string, object> {
  const named = z.registry<{ id: string }>();
  for (const [id, { schema }] of Object.entries<Described>(schemas)) named.add(schema, { id });
  const generated = z.toJSONSchema(named, {
    uri: id => ref('schemas', id).$ref,
    override: withoutNumberLimits,
  }).schemas;
  return Object.fromEntries(
    Object.entries<Described>(schemas).map(([id, described]) => [id, withTexts(id, generated[id] ?? {}, described)]),
  );
}

/** Returns the name of a schema. Throws if it has none. */
export function schemaName(schema: z.ZodMiniType): string {
  const [name] = Object.entries<Described>(schemas).find(([, described]) => described.schema === schema) ?? [];
  if (name === undefined) throw new Error('A route has a schema that infra/openapi/schemas.ts does not name');
  return name;
}

type Generated = { properties?: Record<string, object>; enum?: readonly unknown[] };

function withTexts(
  id: string,
  generated: object,
  { description, fields = {}, words = {}, keywords }: Described,
): object {
  const { $schema: _, $id: __, ...schema } = generated as Generated & { $schema?: string; $id?: string };
  const properties = Object.entries(fields).map(([field, meaning]) => {
    const declared = schema.properties?.[field];
    if (declared === undefined) throw new Error(`${id} has no field ${field}`);
    return [field, { ...declared, ...(meaning !== asNamed && { description: meaning }) }] as const;
  });
  const meanings = Object.entries(words).map(([word, meaning]) => `- \`${word}\`: ${meaning}`);
  return {
    description: [description, ...(meanings.length > 0 ? [meanings.join('\n')] : [])].join('\n\n'),
    ...schema,
    ...(properties.length > 0 && { properties: { ...schema.properties, ...Object.fromEntries(properties) } }),
    ...keywords,
  };
}

/** Removes the limits of JavaScript's safe integers, which zod adds to every integer. */
function withoutNumberLimits({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}
