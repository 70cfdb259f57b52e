import * as fc from 'fast-check';
import { sign } from '../../../functions/core/terra/signature';
import type { Route } from '../../../functions/routes';
import { terraEvent, told, WEBHOOK_SECRET } from '../../support/journey';
import { NOON, referenceIdOf, terraUser } from '../../support/world';
import { type Asked, ISSUER, routes, signedInAs } from './doors';
import { type Draw, drawing } from './draw';
import type { Population } from './population';

/** Part of every input that would be markup or script; no answer may contain it. */
export const MARK = 'xss7f3a';

const payloads = [
  `<script>${MARK}</script>`,
  `"><img src=x onerror=${MARK}()>`,
  `'-${MARK}-'`,
  `javascript:${MARK}()`,
  `access_denied</title><svg/onload=${MARK}>`,
  `error\r\nLocation: https://evil.example/${MARK}`,
  `\r\n\r\n<html>${MARK}`,
  `https://evil.example/${MARK}`,
  `//evil.example/${MARK}`,
  `exampleapp://connected?code=${MARK}`,
  '../../../etc/passwd',
  '..%2f..%2f',
  '%00',
  '\0',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'null',
  'undefined',
  'NaN',
  '0',
  '-1',
  '1e309',
  '\ud800',
  '\u202e\u0000\uffff',
  "' OR '1'='1",
  '$where',
  '{{7*7}}',
  '${7*7}',
  'session#',
  'connection#',
  '#reference-key',
  '#reconcile',
  'a'.repeat(255),
  'a'.repeat(3000),
  'é'.repeat(1025),
  terraUser(10),
  terraUser(21).toUpperCase(),
  terraUser(99),
  `${terraUser(10)},${terraUser(11)}`,
  'APPLE',
  'ſamsung',
  'GARMIN',
  'web',
] as const;

type Words = { text: string; json: unknown };

/** One hostile request to a route, made of what an attacker has, knows, guesses or types. */
export function hostileRequest(route: Route, seed: number, words: Words, people: Population): Asked {
  const draw = drawing(seed);
  const { known } = people;
  const word = (): string => (draw.chance(0.2) ? words.text : draw.pick<string>(draw.chance(0.6) ? payloads : known));
  const path = route.path.replace(/\{\w+\}/g, () =>
    encodeURIComponent(wellFormed(pathValue(route, draw, people, word))),
  );
  const body = bodyOf(route, draw, words, people, word);
  return {
    method: route.method,
    path: draw.chance(0.02) ? `${path}${draw.pick(['/', '//', '%2f', '?', '%', '/..'])}` : path,
    query: queryOf(draw, word),
    headers: headersOf(route, draw, body, word),
    ...(body !== undefined && { body }),
    claims: claimsOf(draw, word),
  };
}

export const words: fc.Arbitrary<Words> = fc.record({
  text: fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 400 }), fc.webUrl(), fc.uuid()),
  json: fc.jsonValue({ maxDepth: 3 }),
});

export const routeKeys = [...routes.keys()];

function pathValue(route: Route, draw: Draw, people: Population, word: () => string): string {
  const who = draw.pick([people.alice, people.mallory]);
  const sessions = Object.values(who.sessions);
  const kinds: Record<string, () => string> = {
    state: () => draw.pick(sessions).state,
    session: () => draw.pick(sessions).id,
    connection: () => draw.pick(who.connections).id,
  };
  const fitting = route.path.includes('{state}') ? 'state' : route.path.includes('sessions') ? 'session' : 'connection';
  if (draw.chance(0.6)) return kinds[fitting]?.() ?? '';
  if (draw.chance(0.3)) return spoiled(kinds[fitting]?.() ?? '', draw);
  return word() || '-';
}

function spoiled(text: string, draw: Draw): string {
  const at = draw.below(text.length);
  const other = draw.pick(['A', 'z', '-', '_', '.', '=', '+', 'é', '']);
  return draw.chance(0.5) ? `${text.slice(0, at)}${other}${text.slice(at + 1)}` : `${text}${other}`;
}

function queryOf(draw: Draw, word: () => string): string {
  const names = [
    'user_id',
    'reference_id',
    'resource',
    'reason',
    'error',
    'message',
    'code',
    'state',
    'session_id',
    'returnTo',
    'url',
    'lan',
    '__proto__',
    'user_id[]',
  ];
  return Array.from({ length: draw.below(5) }, () => {
    const value = draw.chance(0.35) ? terraUser(10 + draw.below(20)) : word();
    return `${encodeURIComponent(draw.pick(names))}=${draw.chance(0.9) ? encodeURIComponent(wellFormed(value)) : value.replace(/[^\x21-\x7e]/g, '')}`;
  }).join('&');
}

function claimsOf(draw: Draw, word: () => string): Record<string, unknown> | undefined {
  if (draw.chance(0.85)) return signedInAs(draw.pick(['alice', 'mallory', 'newcomer']));
  return draw.pick<Record<string, unknown> | undefined>([
    undefined,
    {},
    { sub: word(), iss: ISSUER },
    { sub: 'alice', iss: word() },
    { sub: ['alice'], iss: ISSUER },
    { sub: '', iss: ISSUER },
    { sub: 'x'.repeat(256), iss: ISSUER },
    { sub: '[alice mallory]', iss: ISSUER },
    { sub: 'alice' },
    { iss: ISSUER },
    { sub: '__proto__', iss: ISSUER },
    { sub: null, iss: ISSUER },
  ]);
}

function bodyOf(route: Route, draw: Draw, { json }: Words, people: Population, word: () => string): Buffer | undefined {
  if (route.path.includes('webhooks')) return webhookBody(draw, json, people, word);
  if (route.method === 'GET' && draw.chance(0.95)) return undefined;
  const whole = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');
  if (draw.chance(0.05)) return Buffer.from(draw.hex(40), 'hex');
  if (draw.chance(0.05)) return whole(json);
  if (draw.chance(0.02)) return Buffer.from(`{"returnTo":"${'x'.repeat(draw.below(40_000))}"}`);
  if (draw.chance(0.02)) return Buffer.from('['.repeat(draw.below(9000)));
  if (draw.chance(0.02)) return Buffer.from('{"returnTo":"web","returnTo":"app","__proto__":{"provider":"OURA"}}');
  const mine = Object.values(people[draw.pick(['alice', 'mallory'] as const)].codes);
  const fields: Record<string, () => unknown> = {
    provider: () => draw.pick(['GARMIN', 'oura', 'APPLE', word()]),
    providers: () =>
      draw.pick<unknown>([['GARMIN', 'OURA'], [], [word()], word(), Array.from({ length: 21 }, () => 'X1')]),
    returnTo: () => (draw.chance(0.8) ? draw.pick(['web', 'app']) : word()),
    language: () => draw.pick(['en', 'de-DE', word()]),
    code: () => (draw.chance(0.7) ? draw.pick(mine) : draw.chance(0.5) ? spoiled(draw.pick(mine), draw) : word()),
    reference_id: word,
    [word()]: () => json,
  };
  const likely: Record<string, string[]> = {
    '/v1/sessions': ['returnTo', 'returnTo', 'provider', 'providers', 'language'],
    '/v1/sessions/{id}/confirm': ['code'],
    '/v1/tokens': ['provider'],
  };
  const chosen = (likely[route.path] ?? []).filter(() => draw.chance(0.6));
  if (draw.chance(0.15)) chosen.push(draw.pick(Object.keys(fields)));
  return whole(Object.fromEntries(chosen.map(name => [name, draw.chance(0.93) ? fields[name]?.() : json])));
}

function webhookBody(draw: Draw, json: unknown, { alice, mallory }: Population, word: () => string): Buffer {
  const sub = draw.pick([alice, mallory]).sub;
  const user = draw.chance(0.8) ? terraUser(10 + draw.below(20)) : word();
  const more = {
    sub,
    ...(draw.chance(0.2) && { referenceId: word() }),
    ...(draw.chance(0.3) && { provider: draw.pick(['OURA', 'APPLE', word()]) }),
    ...(draw.chance(0.2) && {
      createdAt: draw.pick(['2026-11-22T12:00:00', '9999-12-31T23:59:59Z', '+275760-09-13T00:00:00Z', word()]),
    }),
    ...(draw.chance(0.4) && { session: draw.pick([`terra-session-${1 + draw.below(12)}`, word()]) }),
  };
  const event = draw.pick<() => Record<string, unknown>>([
    () => terraEvent.auth(user, more),
    () => terraEvent.authError(user, more),
    () => terraEvent.cancelled(draw.chance(0.8) ? referenceIdOf(sub) : word(), word()),
    () => terraEvent.reauth(draw.chance(0.2) ? null : told(terraUser(10 + draw.below(15)), { sub }), told(user, more)),
    () => terraEvent.deauth(user, more),
    () => terraEvent.revoked(user, more),
    () => terraEvent.error(user, more),
    () => terraEvent.permissions(user, draw.chance(0.9) ? 'DAILY, SLEEP' : 'S,'.repeat(draw.below(300_000)), more),
    () => terraEvent.data(user, more),
    () => ({ type: draw.pick(['healthcheck', 's3_payload', 'brand_new', word()]), url: word() }),
  ])();
  if (draw.chance(0.2)) event[draw.pick([...Object.keys(event), 'user', 'type', 'status', word()])] = json;
  if (draw.chance(0.1) && typeof event.user === 'object') {
    event.user = {
      ...event.user,
      [draw.pick(['user_id', 'provider', 'reference_id', 'scopes', 'created_at'])]: draw.chance(0.5) ? json : word(),
    };
  }
  if (draw.chance(0.03)) return Buffer.from(`{"type":"auth","user":${'['.repeat(draw.below(200_000))}`);
  if (draw.chance(0.03)) return Buffer.from(draw.hex(60), 'hex');
  return Buffer.from(JSON.stringify(draw.chance(0.97) ? event : json) ?? '');
}

function headersOf(
  route: Route,
  draw: Draw,
  body: Buffer | undefined,
  word: () => string,
): readonly (readonly [string, string])[] {
  const headers: [string, string][] = [];
  const header = (name: string, value: string) => headers.push([name, value.replace(/[^\x20-\xff]/g, '')]);
  if (draw.chance(0.8))
    header(
      'content-type',
      draw.pick(['application/json', 'application/json; charset=utf-8', 'text/plain', 'image/png', word()]),
    );
  if (draw.chance(0.2)) header('idempotency-key', draw.pick(['key-1', 'key-2', word()]));
  if (draw.chance(0.1)) header('idempotency-key', 'key-1');
  if (draw.chance(0.1))
    header(draw.pick(['x-forwarded-for', 'cookie', 'origin', 'referer', 'authorization', 'x-terra-trace-id']), word());
  if (!route.path.includes('webhooks')) return headers;

  const at = NOON / 1000 - draw.pick([0, 0, 1, 3600, 26 * 3600 + 1]);
  const signature = sign(body ?? '', draw.chance(0.85) ? WEBHOOK_SECRET : word(), at);
  header('x-terra-signature', draw.chance(0.95) ? signature : word());
  if (draw.chance(0.1)) header('terra-signature', draw.chance(0.5) ? signature : word());
  if (draw.chance(0.6)) {
    header(
      'x-terra-ordering-timestamp',
      draw.pick([String(NOON), String(NOON - draw.below(90_000_000)), '9999999999999', '1000000000000', word()]),
    );
  }
  return headers;
}

/** Browsers and gateways know no lone surrogates. */
const wellFormed = (text: string) => Buffer.from(text).toString();
