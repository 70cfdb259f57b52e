import * as z from 'zod/mini';
import type { Clock, Instant } from '../platform/clock';
import { Problem } from '../http/errors';
import { providerId, providerKind } from './providers';
import type { TerraCredentials } from '../platform/secrets';
import {
  type Budget,
  type Exchange,
  type Send,
  sendOnce,
  sendWithin,
  TERRA_BUDGET,
  type TerraRequest,
} from './terra-http';
import { readProvider, readScopes, readTerraUserId, readTime } from './terra-user';

/** A link that a user opens to connect, and its lifetime. */
export type TerraLink = {
  url: string;
  expiresInSeconds: number;
  /** Only for a widget session. */
  terraSessionId?: string | undefined;
  /** Only for a direct link: the Terra user that it authenticates. */
  terraUserId?: string | undefined;
};

export type LinkRequest = {
  referenceId: string;
  language?: string | undefined;
  successUrl: string;
  failureUrl: string;
};

/** A Terra user as `/userInfo` returns it. */
export type TerraUser = {
  terraUserId: string;
  provider: string | undefined;
  referenceId: string | undefined;
  authenticated: boolean;
  createdAt: Instant | undefined;
  scopes: string[] | undefined;
};

export type TerraProvider = { id: string; name: string; icon?: string; kind: 'web' | 'sdk' };

/** All requests to Terra. A refusal or failure throws a `Problem` with a `terra_…` code. */
export type Terra = {
  openWidget(request: LinkRequest & { providers?: readonly string[] | undefined }): Promise<TerraLink>;
  openDirect(request: LinkRequest & { provider: string }): Promise<TerraLink>;
  mintToken(referenceId: string): Promise<{ token: string; expiresInSeconds: number }>;
  /** Returns the user, or undefined if Terra has none. With `patience`, makes one attempt of at most that time. */
  findUser(terraUserId: string, patience?: Instant): Promise<TerraUser | undefined>;
  /** Returns which of up to 100 users Terra has. */
  findUsers(terraUserIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Resolves when Terra no longer has the user, also if it never had it. */
  deauthenticate(terraUserId: string): Promise<void>;
  listProviders(): Promise<TerraProvider[]>;
};

export type TerraOptions = {
  apiUrl: string;
  widgetUrl: string;
  widget: 'current' | 'legacy';
  /** Whether to accept a token that Terra may not have bound to the reference id. */
  allowUnboundTokens: boolean;
  credentials: () => Promise<TerraCredentials>;
  clock: Clock;
  budget?: Budget;
  send?: Send;
};

/** Lifetime of a link if Terra gives none (docs: 900 s), and the longest accepted one: a session is stored for two days. */
const LINK_SECONDS = 900;
const LINK_SECONDS_MOST = 24 * 3600;
/** Lifetime of a token if Terra gives none (openapi: 180 s), and the longest accepted one. */
const TOKEN_SECONDS = 180;
const TOKEN_SECONDS_MOST = 300;
const LINK_LIMIT_BYTES = 4096;

// Read by `secondsOf`: `z.catch` alone would bring 10 KB of zod into the bundles.
const Seconds = z.optional(z.unknown());
const Widget = z.object({ session_id: z.string().check(z.maxLength(200)), url: z.string(), expires_in: Seconds });
const Direct = z.object({ user_id: z.string(), auth_url: z.string(), expires_in: Seconds });
const Token = z.object({ token: z.string().check(z.regex(/^[\x21-\x7e]{8,4096}$/)), expires_in: Seconds });
const Text = z.nullish(z.string());
// Optional details, read by hand: a wrong type must not make the whole answer unusable.
const Detail = z.optional(z.unknown());
const UserInfo = z.object({
  is_authenticated: z.optional(z.boolean()),
  user: z.object({
    user_id: z.string(),
    provider: Detail,
    reference_id: Text,
    created_at: Detail,
    scopes: Detail,
  }),
});
const Users = z.array(z.object({ user_id: z.string() }));
const Agreement = z.object({ status: z.literal('success') });
const Providers = z.object({
  providers: z.array(
    z.object({ provider: z.string(), name: Text, icon: Text, setup: Text, enabled: z.nullish(z.boolean()) }),
  ),
});

/** The client of Terra's API. Only this module knows Terra's URLs, headers and quirks. */
export function terraClient(options: TerraOptions): Terra {
  const { widget, clock, budget = TERRA_BUDGET, send = sendOnce } = options;
  let tokensPath: '/auth/tokens' | '/auth/generateAuthToken' = '/auth/tokens';

  async function ask(
    method: TerraRequest['method'],
    url: URL,
    more: { body?: object; patience?: Instant | undefined; repeatable?: boolean } = {},
  ): Promise<Exchange> {
    const { devId, apiKey } = await options.credentials();
    const request = {
      method,
      url,
      headers: { 'dev-id': devId, 'x-api-key': apiKey, accept: 'application/json', 'content-type': 'application/json' },
      body: more.body && JSON.stringify(more.body),
    };
    if (more.patience !== undefined)
      return send(request, { connect: Math.min(budget.connect, more.patience), whole: more.patience });
    // Most POSTs create something at Terra, so they are repeated only if the first was never sent.
    return sendWithin(request, more.repeatable ?? method !== 'POST', budget, clock, send);
  }

  const apiUrl = (path: string, query: Record<string, string> = {}) =>
    new URL(`${options.apiUrl.replace(/\/$/, '')}${path}?${new URLSearchParams(query)}`.replace(/\?$/, ''));

  const linkBody = ({ referenceId, language, successUrl, failureUrl }: LinkRequest) => ({
    reference_id: referenceId,
    ...(language !== undefined && { language }),
    auth_success_redirect_url: successUrl,
    auth_failure_redirect_url: failureUrl,
  });

  async function askForToken(referenceId: string): Promise<Exchange> {
    const deadline = clock() + budget.total;
    const answer = await ask('POST', apiUrl(tokensPath, { reference_id: referenceId }));
    const isOlderTerra = answer.kind === 'answer' && answer.status === 404 && tokensPath === '/auth/tokens';
    if (!isOlderTerra || !options.allowUnboundTokens) return answer;
    // Both requests together must stay within the caller's time.
    const patience = Math.min(budget.attempt, deadline - clock());
    const older = await ask('POST', apiUrl('/auth/generateAuthToken', { reference_id: referenceId }), { patience });
    if (older.kind === 'answer' && older.status < 300) tokensPath = '/auth/generateAuthToken';
    return older;
  }

  return {
    async openWidget({ providers, ...request }) {
      const url = widget === 'current' ? new URL(options.widgetUrl) : apiUrl('/auth/generateWidgetSession');
      const body = { ...(providers && { providers: providers.join(',') }), ...linkBody(request) };
      const answer = parseAnswer(await ask('POST', url, { body }), Widget, 'url');
      return {
        url: readLink(answer.url),
        terraSessionId: answer.session_id,
        expiresInSeconds: linkSeconds(answer),
      };
    },

    async openDirect({ provider, ...request }) {
      const url = apiUrl('/auth/authenticateUser', { resource: provider });
      const answer = parseAnswer(await ask('POST', url, { body: linkBody(request) }), Direct, 'auth_url');
      const terraUserId = readTerraUserId(answer.user_id);
      if (terraUserId === undefined) throw unexpected('a user id that is not a UUID');
      return { url: readLink(answer.auth_url), terraUserId, expiresInSeconds: linkSeconds(answer) };
    },

    async mintToken(referenceId) {
      const answer = parseAnswer(await askForToken(referenceId), Token);
      const expiresInSeconds = Math.min(Math.floor(secondsOf(answer) ?? TOKEN_SECONDS), TOKEN_SECONDS_MOST);
      return { token: answer.token, expiresInSeconds };
    },

    async findUser(terraUserId, patience) {
      const exchange = await ask('GET', apiUrl('/userInfo', { user_id: terraUserId }), { patience });
      if (exchange.kind === 'answer' && exchange.status === 404) return undefined;
      const { user, is_authenticated } = parseAnswer(exchange, UserInfo);
      return {
        terraUserId: user.user_id.toLowerCase(),
        provider: readProvider(user.provider),
        referenceId: user.reference_id ?? undefined,
        authenticated: is_authenticated === true,
        createdAt: readTime(user.created_at),
        scopes: readScopes(user.scopes),
      };
    },

    async findUsers(terraUserIds) {
      const exchange = await ask('POST', apiUrl('/bulkUserInfo'), { body: terraUserIds, repeatable: true });
      return new Set(parseAnswer(exchange, Users).map(user => user.user_id.toLowerCase()));
    },

    async deauthenticate(terraUserId) {
      const exchange = await ask('DELETE', apiUrl('/auth/deauthenticateUser', { user_id: terraUserId }));
      const isAgreed = exchange.kind === 'answer' && (exchange.status === 404 || exchange.status === 204);
      if (!isAgreed) parseAnswer(exchange, Agreement);
    },

    async listProviders() {
      const answer = parseAnswer(await ask('GET', apiUrl('/integrations/detailed', { sdk: 'true' })), Providers);
      return answer.providers
        .filter(({ enabled }) => enabled !== false)
        .map(({ provider, name, icon, setup }) => ({
          id: providerId(provider),
          name: name || provider,
          ...(icon?.startsWith('https://') && { icon }),
          // Terra's list decides; `providerKind` is for providers whose entry has no `setup`.
          kind: setup?.toUpperCase() === 'SDK' ? 'sdk' : providerKind(provider),
        }));
    },
  };
}

/** Returns the parsed body or throws a `Problem`, whose texts contain nothing from Terra's answer. */
function parseAnswer<S extends z.ZodMiniType>(exchange: Exchange, schema: S, link?: 'url' | 'auth_url'): z.infer<S> {
  if (exchange.kind === 'late') throw new Problem('terra_timeout', 'Terra did not answer in time.');
  if (exchange.kind !== 'answer') throw unavailable(`the connection failed: ${exchange.kind}, ${exchange.reason}`);
  const { status, body } = exchange;
  if (status === 410)
    throw new Problem('terra_endpoint_gone', 'Terra has withdrawn this endpoint.', {
      reason: 'Terra answered 410; set "widget" to "current"',
    });
  if (status === 429 || status >= 500) throw unavailable(`Terra answered ${status}`);
  if (status >= 300 && /user.{0,3}limit|limit.{0,12}(exceeded|reached)/i.test(body.slice(0, 2000))) {
    throw new Problem('terra_limit_reached', 'The user limit of the Terra account is reached.', {
      reason: `Terra answered ${status} and named its limit`,
    });
  }
  if (status === 401 || status === 403) throw badCredentials(`Terra answered ${status}: dev-id or API key is wrong`);
  if (status < 200 || status >= 300) throw rejected(`Terra answered ${status}`);

  const json = parseJson(body);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  if (isSwappedSymptom(json, link)) {
    throw badCredentials('Terra answered without its link: dev-id and x-api-key are probably swapped');
  }
  throw unexpected('an answer that is not the expected JSON');
}

/** Returns `expires_in`; undefined if it is missing or invalid. */
const secondsOf = ({ expires_in: seconds }: { expires_in?: unknown }): number | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;

const linkSeconds = (answer: { expires_in?: unknown }): number =>
  Math.min(secondsOf(answer) ?? LINK_SECONDS, LINK_SECONDS_MOST);

/** Returns whether the answer is the one to swapped headers: `{"message":null}` or no link. Source: docs FAQ auth-flow-start. */
function isSwappedSymptom(json: unknown, link: string | undefined): boolean {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return false;
  const fields = new Map<string, unknown>(Object.entries(json));
  return fields.get('message') === null || (link !== undefined && (fields.get(link) ?? undefined) === undefined);
}

/** Checks that a link is https, or http on this machine. Any host is accepted. */
function readLink(text: string): string {
  const url = URL.canParse(text) && text.length <= LINK_LIMIT_BYTES ? new URL(text) : undefined;
  const isLoopback = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (
    !url ||
    url.username ||
    url.password ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback))
  ) {
    throw unexpected('a link that is not https');
  }
  return text;
}

const RETRY_AFTER_SECONDS = 5;

const unavailable = (reason: string) =>
  new Problem('terra_unavailable', 'Terra is not available at the moment.', {
    reason,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
const badCredentials = (reason: string) =>
  new Problem('terra_credentials', 'Terra did not accept the credentials of this deployment.', { reason });
const rejected = (reason: string) => new Problem('terra_rejected', 'Terra rejected the request.', { reason });
const unexpected = (what: string) => rejected(`Terra answered with ${what}`);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
