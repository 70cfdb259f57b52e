import * as routes from '../functions/routes';

/** Requests a second, and at once, for all callers of a route together. Limits per owner are the functions' own. */
export type Throttle = { readonly perSecond: number; readonly burst: number };

export const defaultThrottle: Throttle = { perSecond: 50, burst: 100 };

/** Routes whose cost or importance asks for another rate. */
export const routeThrottles: readonly (readonly [routes.Route, Throttle])[] = [
  [routes.mintToken, { perSecond: 5, burst: 10 }],
  [routes.createSession, { perSecond: 20, burst: 40 }],
  [routes.receiveWebhook, { perSecond: 200, burst: 400 }],
];
