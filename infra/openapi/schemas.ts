import * as z from 'zod/mini';
import * as routes from '../../functions/routes';

/** What is said of one schema of `functions/routes.ts`, beside what it declares itself. */
export type Described = {
  readonly schema: z.ZodMiniType;
  readonly description: string;
  /** Of an object: what each field means. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Of a closed list: what each word means. */
  readonly words?: Readonly<Record<string, string>>;
  /** Keywords to lay over those the schema gives. */
  readonly keywords?: Readonly<Record<string, unknown>>;
};

/** The field means what the schema it refers to says, each of its words included. */
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

/** Every schema that has a name in the document. A field that is not described, or is no more, does not compile. */
export const schemas = {
  Time: {
    schema: routes.Connection.shape.updatedAt,
    description: 'A time in ISO 8601, always in UTC with `Z`, to the millisecond.',
    // The generated pattern is a calendar; `format` says the same and people can read this.
    keywords: { pattern: 'Z$' },
  },
  ProviderId: {
    schema: mintToken.body.shape.provider.def.innerType,
    description: 'A provider by the `id` that `GET /v1/providers` gives it. Upper and lower case are the same.',
  },
  Flow: list(routes.Session.shape.flow, 'How the person is taken to the provider.', {
    widget: 'by Terra’s page, where people pick a provider.',
    direct: 'straight to the one provider the request named.',
  }),
  Connection: object(routes.Connection, 'A lasting link between the signed-in user and one provider account.', {
    id: 'Public id, 22 characters of base64url. It stays the same when the same link is authenticated again under a new Terra user.',
    provider: 'The provider, in Terra’s upper-case spelling.',
    status: asNamed,
    reason: asNamed,
    terraUserId:
      'Terra’s id of the user behind this connection, for reading data from Terra. Only once the connection was connected. It changes when people authenticate again.',
    scopes: 'What the person allowed, in Terra’s words. Empty where Terra names nothing.',
    connectedAt: 'When the connection was first connected.',
    lastDataAt: 'When health data last arrived, to the hour: the time is written at most once an hour.',
    needsAction:
      'What the person can do now. `confirm`: the one-time code of the return URL is still live, redeem it. `reconnect`: open a new session.',
    updatedAt: 'When the connection last changed.',
    version:
      'Rises with every change, and from an old Terra user to the next: of two copies, the one with the greater version is the newer.',
  }),
  ConnectionStatus: list(routes.ConnectionStatus, 'Where a connection stands.', {
    unconfirmed: 'the provider said yes, and the person has not yet been shown to be the owner. Do not use its data.',
    connected: 'proved by Terra and confirmed by the owner.',
    error: 'the provider rejects Terra’s access; it heals when data arrives or the person connects again.',
    disconnecting: 'stopped here, and Terra is being asked to stop. Stop using its data.',
    disconnected: 'over, here and at Terra.',
  }),
  ConnectionReason: list(
    routes.ConnectionReason,
    'Why a connection stands where it does. Not there while it is `connected`.',
    {
      awaiting_confirmation: 'with `unconfirmed`: the one-time code was not redeemed yet.',
      unsolicited: 'with `unconfirmed`: no session and no token of the owner asked for it.',
      provider_rejected: 'with `error`: the provider rejected Terra’s access.',
      owner: 'the owner disconnected.',
      erased: 'the owner’s records are being erased.',
      wrong_owner: 'another user or another browser had a part in the session, or the link was used twice.',
      not_confirmed: 'nobody confirmed in time.',
      revoked: 'the person revoked the access at the provider.',
      deauthorised: 'Terra told that the user is gone.',
      absent: 'Terra no longer has the user, found by the daily check.',
    },
  ),
  Session: object(routes.Session, 'One attempt to connect.', {
    id: 'The session’s id, 22 characters of base64url.',
    flow: asNamed,
    status: asNamed,
    provider: 'The provider: of a direct link from the start, of a widget once the person is connected.',
    url: 'Where to send the person. Only while `pending` and before `expiresAt`. It is a secret of this user: do not log or share it.',
    expiresAt: 'Until when the link may be opened. Who opened it in time has 60 more minutes to finish.',
    connectionId: 'The connection it led to. Only when `completed`.',
    failure: asNamed,
  }),
  SessionStatus: list(routes.SessionStatus, 'How an attempt to connect stands.', {
    pending: 'the person has not come back yet.',
    returned: 'the person came back; the code or Terra’s word is still missing.',
    completed: 'connected.',
    failed: 'cancelled, denied or refused. People may still succeed with the same link until its time is over.',
    expired: 'nobody finished in time.',
    rejected: 'another user or browser had a part in it, or the link was used twice: nobody is connected.',
  }),
  SessionFailure: list(
    routes.SessionFailure,
    'Why an attempt to connect came to nothing. Only when it is `failed`, `expired` or `rejected`.',
    {
      cancelled: 'the person went away from the provider’s page.',
      denied: 'the person did not allow it.',
      expired: 'nobody finished in time.',
      provider_error: 'something went wrong at the provider.',
      wrong_owner: 'somebody else than the signed-in user finished it.',
      unknown: 'Terra named a reason that is none of these, or none.',
    },
  ),
  SessionRequest: object(
    createSession.body,
    'What to open. `provider` is a direct link; without it the person picks in Terra’s widget. Both `provider` and `providers` is an error.',
    {
      provider: 'Go straight to this provider.',
      providers: 'Offer only these in the widget, 1 to 20 of them. Without it: all of the Terra account’s.',
      returnTo: 'Name of the return target, as the deployment’s settings have it: never a URL.',
      language: 'Language of Terra’s pages, such as `en` or `de-AT`.',
    },
  ),
  OpenedSession: object(createSession.replies[201], 'A session as it was opened.', {
    id: 'The session’s id, 22 characters of base64url.',
    flow: asNamed,
    status: '`pending`; a later one where the request repeats an `Idempotency-Key`.',
    url: 'Where to send the person. Not there where a repeated request meets a session that has served.',
    expiresAt: 'Until when the link may be opened.',
  }),
  ConfirmRequest: object(confirmSession.body, 'The proof that the person who finished is the one who started.', {
    code: 'The `code` of the return URL, at most 512 characters. Not needed in deployments with `confirmation: "off"`.',
  }),
  ConfirmedSession: object(confirmSession.replies[200], 'Connected.', {
    id: 'The session’s id.',
    status: 'Always `completed`.',
    connection: 'The connection it led to.',
  }),
  AwaitedSession: object(
    confirmSession.replies[202],
    'The code is redeemed and Terra’s word is on its way: ask `GET /v1/sessions/{id}` until it is `completed`. The code need not be sent again.',
    { id: 'The session’s id.', status: 'How the session stands; usually `returned`.' },
  ),
  TokenRequest: object(mintToken.body, 'What the token is for.', {
    provider: 'The mobile provider to connect, such as `APPLE`. Without it the token proves any.',
  }),
  Token: object(
    mintToken.replies[201],
    'A single-use token for Terra’s mobile SDK. Hand it to the SDK at once; never store it.',
    {
      token: 'The token, for `initConnection` of the SDK. It works once.',
      referenceId: 'What Terra knows this user by: the SDK must be initialised with exactly this reference id.',
      expiresIn: 'How long the token lives, in whole seconds from the request.',
      expiresAt: 'When the token dies, by the server’s clock.',
    },
  ),
  ConnectionList: object(listConnections.replies[200], 'All connections of the signed-in user.', {
    connections: 'Newest first, by their first authentication. Not paged.',
  }),
  Erasure: object(erase.replies[202], 'The erasure is under way.', {
    status: 'Always `erasing`. New sessions and tokens are refused with `erasing` until it is done.',
  }),
  Provider: object(provider, 'A provider that people can connect.', {
    id: 'Terra’s identifier, upper case: what `provider` and `providers` take.',
    name: 'Name to show to people.',
    icon: 'URL of a logo, https.',
    kind: 'How it is connected. `web`: with a session. `sdk`: on the phone, with a token for the mobile SDK.',
  }),
  ProviderList: object(listProviders.replies[200], 'What this deployment’s Terra account offers.', {
    providers: 'By name.',
  }),
  Delivery: object(receiveWebhook.replies[200], 'What became of a delivery.', {
    outcome:
      '`applied`: something changed. `unchanged`: nothing new. `foreign`: not one of this deployment’s users. `noted`: the end of a user whose owner Terra did not name; the next check of all connections looks for it. `ignored`: a type that means nothing here. `poison`: signed, but without a type or without the Terra user that the type needs.',
  }),
} satisfies Record<string, Described>;

export const ref = (kind: 'schemas' | 'responses' | 'headers' | 'examples', name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});

/** JSON Schema of everything in `schemas`, by name; where one uses another it refers to it. */
export function jsonSchemas(): Record<string, object> {
  const named = z.registry<{ id: string }>();
  for (const [id, { schema }] of Object.entries<Described>(schemas)) named.add(schema, { id });
  const generated = z.toJSONSchema(named, {
    uri: id => ref('schemas', id).$ref,
    override: withoutNumberLimits,
  }).schemas;
  return Object.fromEntries(
    Object.entries<Described>(schemas).map(([id, described]) => [id, withWords(id, generated[id] ?? {}, described)]),
  );
}

/** The name of a schema that is in the document; throws where a route uses one that has none. */
export function schemaName(schema: z.ZodMiniType): string {
  const [name] = Object.entries<Described>(schemas).find(([, described]) => described.schema === schema) ?? [];
  if (name === undefined) throw new Error('A route has a schema that infra/openapi/schemas.ts does not name');
  return name;
}

type Generated = { properties?: Record<string, object>; enum?: readonly unknown[] };

function withWords(
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

/** Every integer is given JavaScript's own limits, which say nothing. */
function withoutNumberLimits({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}
