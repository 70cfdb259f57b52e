import * as routes from '../../functions/routes';

/** Requests a second, and at once, for all callers of a route together. Limits per owner are the functions' own. */
export type Throttle = { readonly perSecond: number; readonly burst: number };

/** A route by the name `functions/routes.ts` declares it under. */
export type RouteName = {
  [Name in keyof typeof routes]: (typeof routes)[Name] extends routes.Route ? Name : never;
}[keyof typeof routes];

/** A throttle for single routes, and for all `others` together with those not named. */
export type Throttles = { readonly [name in RouteName | 'others']?: Throttle };

/** Routes whose cost or importance asks for another rate have their own. */
export const defaultThrottles = {
  others: { perSecond: 50, burst: 100 },
  mintToken: { perSecond: 5, burst: 10 },
  createSession: { perSecond: 20, burst: 40 },
  receiveWebhook: { perSecond: 200, burst: 400 },
} satisfies Throttles;
