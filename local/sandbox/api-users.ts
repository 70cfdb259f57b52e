import { z } from 'zod';
import { type Endpoint, json, parseJson, refuse } from './http';
import { hasUnconnectedUser } from './api-auth';
import { unconnectedUser } from './links';
import { terraTime, terraUser } from './terra-user';
import type { SandboxUser } from './users';
import type { World } from './world';

const DEFAULT_PER_PAGE = 500;

/** GET /v2/userInfo, by user_id or by reference_id. */
export const userInfo: Endpoint = (world, request) => {
  const userId = request.query.get('user_id');
  const referenceId = request.query.get('reference_id');
  if (userId) {
    const found = userById(world, userId);
    return found ? json(200, found) : refuse(world, request, 404, 'user not found');
  }
  if (!referenceId) return refuse(world, request, 400, 'user_id or reference_id is required');

  const shape = world.switches.knob('usersByReference');
  if (shape === 'gateway_timeout') return refuse(world, request, 504, 'upstream request timeout');
  const users = world.users
    .all()
    .filter(user => user.referenceId === referenceId)
    .map(user => terraUser(user, world.switches));
  if (users.length === 0 && world.switches.knob('unknownReference') === 'not_found') {
    return refuse(world, request, 404, 'user not found');
  }
  return json(200, shape === 'array' ? users : { status: 'success', users });
};

/** GET /v2/subscriptions: all users, or a zero-based page of them. */
export const subscriptions: Endpoint = (world, request) => {
  const users = world.users.all().map(user => terraUser(user, world.switches));
  const given = request.query.get('page');
  if (given === null) return json(200, { users });
  const page = wholeNumber(given, 0);
  const perPage = wholeNumber(request.query.get('per_page') ?? String(DEFAULT_PER_PAGE), 1);
  if (page === undefined) return refuse(world, request, 400, 'invalid page');
  if (perPage === undefined) return refuse(world, request, 400, 'invalid per_page');
  const lastPage = Math.max(0, Math.ceil(users.length / perPage) - 1);
  const results = users.slice(page * perPage, (page + 1) * perPage);
  return json(200, { data: { next: page < lastPage ? page + 1 : null, max_page: lastPage, results } });
};

/** POST /v2/bulkUserInfo: an array of user ids. Unknown ids are left out; 404 if none is known. */
export const bulkUserInfo: Endpoint = (world, request) => {
  const ids = z.array(z.string()).safeParse(parseJson(request.body)?.value);
  if (!ids.success) return refuse(world, request, 400, 'request body must be an array of user ids');
  const users = ids.data.map(id => world.users.find(id)).filter(user => user !== undefined);
  if (users.length === 0 && ids.data.length > 0) return refuse(world, request, 404, 'user not found');
  return json(
    200,
    users.map(user => terraUser(user, world.switches)),
  );
};

// A user exists as soon as its link does; is_authenticated says whether the flow was completed (FAQ:
// detect-connection-and-list-users).
function userById(world: World, userId: string): unknown {
  const user = visibleUser(world, userId);
  if (user) {
    const last = user.lastDataAtMs === null ? null : terraTime(user.lastDataAtMs);
    const shown = { ...terraUser(user, world.switches), last_polled_at: last, most_recent_data_at: last };
    return { status: 'success', is_authenticated: true, user: shown };
  }
  const isHidden = world.users.find(userId) !== undefined;
  const flow = world.flows.all().find(each => each.userId === userId && (isHidden || hasUnconnectedUser(world, each)));
  if (!flow) return undefined;
  const pending = terraUser(unconnectedUser(flow), world.switches);
  const shown = { ...pending, scopes: null, last_polled_at: null, most_recent_data_at: null };
  return { status: 'success', is_authenticated: false, user: shown };
}

/**
 * Returns the connected Terra user as userInfo shows it. While userInfo lags, that is the user before the latest
 * authentication, or undefined if there was none.
 */
function visibleUser({ users, authentications, clock, switches }: World, userId: string): SandboxUser | undefined {
  const user = users.find(userId);
  const all = (user && authentications.find(userId)) ?? [];
  const knownUntilMs = clock.now() - switches.knob('userInfoLagSeconds') * 1000;
  const known = all.filter(({ atMs }) => atMs <= knownUntilMs);
  return known.length === all.length ? user : known.at(-1)?.user;
}

function wholeNumber(text: string, least: number): number | undefined {
  return /^\d{1,9}$/.test(text) && Number(text) >= least ? Number(text) : undefined;
}
