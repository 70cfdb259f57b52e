import { type Client, type ClientOptions, createClient } from '../../client/index';
import type { FetchInit } from '../../client/platform';
import { type ErrorCode, errorStatus } from '../../functions/core/http/errors';
import { problemDocument } from '../../functions/core/http/serve';

/** What was asked of the API. */
export type Asked = { method: string; url: string; headers: Record<string, string>; body: unknown };

/** One answer, or what keeps it from coming. */
export type Answering = Response | Error | ((asked: Asked, init: FetchInit) => Promise<Response> | Response);

export const API_URL = 'https://api.example.com';

/**
 * A client whose API answers from a list, the last for ever; its time passes only while it sleeps. `asked` and `slept` say
 * what it did.
 */
export function answering(answers: readonly Answering[], options: Partial<ClientOptions> = {}) {
  const asked: Asked[] = [];
  const slept: number[] = [];
  const time = { ms: Date.UTC(2026, 0, 1) };
  const client: Client = createClient({
    apiUrl: API_URL,
    token: () => 'token',
    now: () => time.ms,
    sleep: async ms => {
      slept.push(ms);
      time.ms += ms;
    },
    fetch: async (url, init) => {
      const { method, headers, body } = init;
      const request = { method, url, headers, body: body === undefined ? undefined : JSON.parse(body) };
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? answer(request, init) : (answer?.clone() ?? Response.error());
    },
    ...options,
  });
  return { client, asked, slept, time };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** A problem as the functions answer it. */
export function problem(code: ErrorCode, headers: Record<string, string> = {}, detail = 'Something.'): Response {
  return json(errorStatus[code], problemDocument(code, detail, 'JKJaXmPLvHcESHA='), {
    ...headers,
    'content-type': 'application/problem+json',
  });
}

export const SESSION_ID = 'AAECAwQFBgcICQoLDA0ODw';
export const CODE = `cmVm.${SESSION_ID}.${'s'.repeat(43)}`;

export const connection = {
  id: 'con-1',
  provider: 'GARMIN',
  status: 'connected',
  scopes: [],
  updatedAt: '2026-01-01T00:00:00.000Z',
  version: 1,
};

export function session(status: string, more: object = {}) {
  return { id: SESSION_ID, flow: 'widget', status, expiresAt: '2026-01-01T00:15:00.000Z', ...more };
}

export const opened = json(201, session('pending', { url: 'https://widget.example.com/s/1' }));
export const confirmed = json(200, { id: SESSION_ID, status: 'completed', connection });

/** The outcome of a promise that must fail. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    value => Promise.reject(new Error(`did not fail but gave ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );
}
