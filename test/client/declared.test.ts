import type * as z from 'zod/mini';
import type * as client from '../../client/index';
import { ConnectError, createClient } from '../../client/index';
import { isErrorCode } from '../../client/error';
import { errorTitle, type ErrorCode } from '../../functions/core/http/errors';
import type * as routes from '../../functions/routes';
import { failureOf, problem } from './answering';

// Schemas give `field?: T | undefined`; JSON has no undefined, and the client's types leave it out.
type Told<T> = T extends readonly (infer Item)[]
  ? Told<Item>[]
  : T extends object
    ? { [K in keyof T]: undefined extends T[K] ? Told<Exclude<T[K], undefined>> : Told<T[K]> }
    : T;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type SameTold<A, B> = Same<Told<A>, Told<B>>;

type Reply<R extends { replies: object }, S extends keyof R['replies']> = R['replies'][S] extends z.ZodMiniType
  ? z.infer<R['replies'][S]>
  : never;
type Replies<K extends keyof typeof routes, S extends number> = (typeof routes)[K] extends { replies: object }
  ? Reply<(typeof routes)[K], S & keyof ((typeof routes)[K] & { replies: object })['replies']>
  : never;

/** A list of types that must all be `true`; the compiler is the test. */
type Holds<_ extends true[]> = true;

const answersAreTheRoutes: Holds<
  [
    SameTold<client.Connection, z.infer<typeof routes.Connection>>,
    SameTold<client.Session, z.infer<typeof routes.Session>>,
    SameTold<client.OpenedSession, Replies<'createSession', 201>>,
    SameTold<Omit<Extract<client.Confirmed, { connection: object }>, never>, Replies<'confirmSession', 200>>,
    SameTold<Omit<Exclude<client.Confirmed, { connection: object }>, 'connection'>, Replies<'confirmSession', 202>>,
    SameTold<client.MintedToken, Replies<'mintToken', 201>>,
    SameTold<{ connections: client.Connection[] }, Replies<'listConnections', 200>>,
    SameTold<client.Connection, Replies<'readConnection', 200>>,
    SameTold<client.Connection, Replies<'disconnect', 202>>,
    SameTold<{ status: 'erasing' }, Replies<'erase', 202>>,
    SameTold<{ providers: client.Provider[] }, Replies<'listProviders', 200>>,
    SameTold<client.SessionRequest, z.infer<ReturnType<() => typeof routes.createSession>['body']>>,
    Same<client.SessionStatus, z.infer<typeof routes.SessionStatus>>,
    Same<client.SessionFailure, z.infer<typeof routes.SessionFailure>>,
    Same<client.ConnectionStatus, z.infer<typeof routes.ConnectionStatus>>,
    Same<client.ConnectionReason, z.infer<typeof routes.ConnectionReason>>,
    Same<client.ErrorCode, ErrorCode>,
  ]
> = true;

const differencesAreSeen: [
  SameTold<client.Connection, Omit<client.Connection, 'version'>>,
  SameTold<{ a?: string }, { a: string }>,
  SameTold<{ a: 'b' }, { a: 'b' | 'c' }>,
] = [false, false, false];

test('the client’s types equal those of the routes', () => {
  expect(answersAreTheRoutes).toBe(true);
  expect(differencesAreSeen).toEqual([false, false, false]);
});

test.each(Object.entries(errorTitle))('%s has the title of the API’s problem', async (code, title) => {
  expect(isErrorCode(code)).toBe(true);
  const client = createClient({
    apiUrl: 'https://api.example.com',
    token: () => 'token',
    fetch: async () => problem(code as ErrorCode),
    sleep: () => Promise.reject(new Error('gave up')),
  });
  const error = await failureOf(client.mintToken());
  expect(error).toBeInstanceOf(ConnectError);
  expect((error as ConnectError).message).toBe(`${title} (${code})`);
});

test('the client’s own error codes are not codes of the API', () => {
  expect(['network', 'unexpected_answer', 'popup_blocked', 'toString', '__proto__', 7].map(isErrorCode)).toEqual(
    Array(6).fill(false),
  );
});
