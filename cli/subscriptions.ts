import * as z from 'zod';
import type { Clock, Instant } from '../functions/core/platform/clock';
import { Problem } from '../functions/core/http/errors';
import { parseJson } from './json';
import type { TerraCredentials } from '../functions/core/platform/secrets';
import { type Exchange, type Send, sendWithin, TERRA_BUDGET } from '../functions/core/terra/terra-http';
import { readScopes, readTerraUserId, readTime } from '../functions/core/terra/terra-user';
import { providerId } from '../functions/core/terra/providers';

/** A Terra user of this Terra account, also if another program created it. */
export type SubscribedUser = {
  terraUserId: string;
  provider: string;
  referenceId: string | undefined;
  isActive: boolean;
  createdAt: Instant | undefined;
  scopes: string[] | undefined;
};

export type SubscriptionsPage = {
  users: SubscribedUser[];
  /** Number of users without an id or a provider. */
  unreadable: number;
  next: number | undefined;
};

export type Subscriptions = (page: number, perPage: number) => Promise<SubscriptionsPage>;

const Text = z.string().nullish();
const User = z.object({
  user_id: z.string(),
  provider: z.string().regex(/^[\w-]{1,40}$/),
  reference_id: Text,
  active: z.boolean().nullish(),
  created_at: Text,
  scopes: Text,
});
const Page = z.object({ data: z.object({ next: z.int().nullish(), results: z.array(z.unknown()) }) });
/** Terra's answer if it does not page. */
const WholeList = z.object({ users: z.array(z.unknown()) });

/** Reads all users of the Terra account with `GET /subscriptions`, page by page; the first page is 0. */
export function terraSubscriptions(options: {
  apiUrl: string;
  credentials: () => Promise<TerraCredentials>;
  clock: Clock;
  send?: Send;
}): Subscriptions {
  return async (page, perPage) => {
    const { devId, apiKey } = await options.credentials();
    const url = new URL(`${options.apiUrl.replace(/\/$/, '')}/subscriptions`);
    url.search = String(new URLSearchParams({ page: `${page}`, per_page: `${perPage}` }));
    const headers = { 'dev-id': devId, 'x-api-key': apiKey, accept: 'application/json' };
    const request = { method: 'GET', url, headers } as const;
    return parseAnswer(await sendWithin(request, true, TERRA_BUDGET, options.clock, options.send));
  };
}

function parseAnswer(exchange: Exchange): SubscriptionsPage {
  if (exchange.kind === 'late') throw problem('terra_timeout', 'Terra did not answer in time');
  if (exchange.kind !== 'answer') throw problem('terra_unavailable', 'There is no connection to Terra');
  const { status, body } = exchange;
  if (status === 401 || status === 403) throw problem('terra_credentials', `Terra answered ${status}`);
  if (status === 410) throw problem('terra_endpoint_gone', 'Terra has withdrawn GET /subscriptions (410)');
  if (status === 429 || status >= 500) throw problem('terra_unavailable', `Terra answered ${status}`);
  const json = status >= 200 && status < 300 ? parseJson(body) : undefined;
  const paged = Page.safeParse(json);
  if (paged.success) return pageOf(paged.data.data.results, paged.data.data.next ?? undefined);
  const whole = WholeList.safeParse(json);
  if (whole.success) return pageOf(whole.data.users, undefined);
  throw problem('terra_rejected', `Terra answered ${status} without a list of users`);
}

function pageOf(results: readonly unknown[], next: number | undefined): SubscriptionsPage {
  const users = results.flatMap(result => readUser(result) ?? []);
  return { users, unreadable: results.length - users.length, next };
}

function readUser(result: unknown): SubscribedUser | undefined {
  const { data } = User.safeParse(result);
  const terraUserId = readTerraUserId(data?.user_id);
  if (data === undefined || terraUserId === undefined) return undefined;
  return {
    terraUserId,
    provider: providerId(data.provider),
    referenceId: data.reference_id ?? undefined,
    isActive: data.active !== false,
    createdAt: readTime(data.created_at),
    scopes: readScopes(data.scopes),
  };
}

type TerraCode = 'terra_credentials' | 'terra_endpoint_gone' | 'terra_rejected' | 'terra_timeout' | 'terra_unavailable';
const problem = (code: TerraCode, reason: string) => new Problem(code, reason, { reason });
