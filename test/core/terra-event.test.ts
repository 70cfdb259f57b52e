import { readTerraEvent } from '../../functions/core/terra/terra-event';
import { terraEvent, told } from '../support/journey';
import { terraUser } from '../support/world';

const readWhole = (event: unknown) => readTerraEvent(Buffer.from(JSON.stringify(event)));
const read = (event: unknown) => readWhole(event).event;
const user = { terraUserId: terraUser(1), provider: 'GARMIN' };
const withScopes = { ...user, scopes: ['ACTIVITY', 'DAILY'] };

test.each([
  [
    'auth',
    terraEvent.auth(terraUser(1), { session: 'ws-1' }),
    { kind: 'authenticated', user: withScopes, terraSessionId: 'ws-1' },
  ],
  ['auth, failed', terraEvent.authError(terraUser(1)), { kind: 'not_authenticated', cause: 'cancelled', user }],
  [
    'auth_cancelled',
    terraEvent.cancelled('ref-1'),
    { kind: 'not_authenticated', cause: 'denied', referenceId: 'ref-1', user: undefined },
  ],
  [
    'user_reauth',
    terraEvent.reauth(told(terraUser(2)), told(terraUser(1))),
    { kind: 'reauthenticated', user, previous: { terraUserId: terraUser(2) } },
  ],
  [
    'user_reauth without the old user',
    terraEvent.reauth(null, told(terraUser(1))),
    { kind: 'reauthenticated', previous: undefined },
  ],
  ['deauth', terraEvent.deauth(terraUser(1)), { kind: 'gone', reason: 'deauthorised', user }],
  ['access_revoked', terraEvent.revoked(terraUser(1)), { kind: 'gone', reason: 'revoked', user }],
  ['connection_error', terraEvent.error(terraUser(1)), { kind: 'degraded', user }],
  [
    'permission_change',
    terraEvent.permissions(terraUser(1), 'A , B,'),
    { kind: 'permissions', user: { scopes: ['A', 'B'] } },
  ],
  ['daily', terraEvent.data(terraUser(1)), { kind: 'arrived', user }],
  ['healthcheck', { type: 'healthcheck', status: 'success' }, { kind: 'irrelevant', type: 'healthcheck' }],
  ['s3_payload', { type: 's3_payload', url: 'https://x' }, { kind: 'irrelevant' }],
  ['a type Terra adds later', { type: 'brand_new', user: 7 }, { kind: 'irrelevant', type: 'brand_new' }],
])('%s is parsed', (_type, event, meaning) => {
  expect(read(event)).toMatchObject(meaning);
});

test('the reference id is the user’s, or else the one at the top level', () => {
  const bare = { ...terraEvent.auth(terraUser(1), { referenceId: null }), reference_id: 'at-the-top' };

  expect(read(bare)).toMatchObject({ user: { referenceId: 'at-the-top' } });
  expect(read(terraEvent.auth(terraUser(1), { referenceId: '' }))).toMatchObject({ user: { referenceId: undefined } });
});

test.each([
  ['no JSON', 'nonsense', 'none', 'body'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'none', 'body'],
  ['a list', '[]', 'none', 'body'],
  ['null', 'null', 'none', 'body'],
  ['no type', '{}', 'none', 'type'],
  ['a type that is no text', '{"type":7}', 'none', 'type'],
  ['an auth without a user', '{"type":"auth","status":"success"}', 'auth', 'user.user_id'],
  ['a user id that is no UUID', JSON.stringify(terraEvent.auth('__proto__')), 'auth', 'user.user_id'],
  ['a user_reauth without the new user', '{"type":"user_reauth","old_user":null}', 'user_reauth', 'new_user.user_id'],
  ['data about nobody', '{"type":"daily","data":[]}', 'daily', 'user.user_id'],
  ['deep nesting', `{"type":"auth","user":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'auth', 'user.user_id'],
])('%s is refused, and the type and the missing field are named', (_what, body, type, field) => {
  expect(readTerraEvent(Buffer.from(body))).toEqual({ event: undefined, type, unread: [field] });
});

const SECONDS = 1_763_802_300;
const bare = terraEvent.auth(terraUser(1), { createdAt: '2025-11-22T09:05:00Z' });
const withUser = (more: object) => ({ ...bare, user: { ...bare.user, ...more } });

test.each([
  ['an ISO time', '2025-11-22T09:05:00.000Z'],
  ['an ISO time with an offset and microseconds', '2025-11-22T10:05:00.000000+01:00'],
  ['an ISO time with a short offset', '2025-11-22 09:05:00+00'],
  ['an ISO time without a zone', '2025-11-22T09:05:00'],
  ['seconds since 1970', SECONDS],
  ['milliseconds since 1970', SECONDS * 1000],
  ['seconds since 1970 as text', String(SECONDS)],
])('%s is a creation time', (_form, createdAt) => {
  expect(readWhole(withUser({ created_at: createdAt }))).toMatchObject({
    event: { kind: 'authenticated', user: { createdAt: SECONDS * 1000 } },
    unread: [],
  });
});

test.each([
  ['created_at', 'yesterday'],
  ['created_at', 0],
  ['created_at', -1],
  ['created_at', 1e300],
  ['created_at', true],
  ['created_at', {}],
  ['created_at', '12'],
  ['scopes', 7],
  ['scopes', [7]],
  ['scopes', 'S'.repeat(4097)],
  ['provider', 7],
  ['provider', '<b>'],
  ['provider', 'P'.repeat(41)],
])('the %s %p is ignored and named, and the event counts', (field, value) => {
  const { event, unread } = readWhole(withUser({ [field]: value }));

  expect(event).toMatchObject({ kind: 'authenticated', user: { terraUserId: terraUser(1) } });
  expect(unread).toEqual([`user.${field}`]);
});

test('scopes may be a list; `active`, `last_webhook_update`, the version and the message may be anything', () => {
  const more = { scopes: ['DAILY', ' ACTIVITY'], active: 'yes', last_webhook_update: 7 };
  const event = { ...withUser({ ...more, created_at: SECONDS }), version: 3, message: [] };

  expect(readWhole(event)).toMatchObject({
    event: { kind: 'authenticated', user: { scopes: ['ACTIVITY', 'DAILY'] } },
    unread: [],
  });
});

test('a number is not a reference id, because rounding could give another user’s', () => {
  expect(readWhole(withUser({ reference_id: 12_345_678_901_234_567_000 }))).toMatchObject({
    event: { user: { referenceId: undefined } },
    unread: ['user.reference_id'],
  });
});

test('a widget session that cannot be read differs from one that is absent', () => {
  const naming = (session: unknown) => readWhole({ ...bare, widget_session_id: session });

  expect(naming(7)).toMatchObject({
    event: { terraSessionId: '' },
    unread: expect.arrayContaining(['widget_session_id']),
  });
  expect(naming(null)).toMatchObject({ event: { terraSessionId: undefined } });
});

test.each([
  ['success', 'authenticated'],
  ['SUCCESS', 'authenticated'],
  ['error', 'not_authenticated'],
  ['Error', 'not_authenticated'],
  ['warning', 'unclear'],
  [null, 'unclear'],
  [true, 'unclear'],
  [undefined, 'unclear'],
])('an auth with the status %p is %s', (status, kind) => {
  const { event, unread } = readWhole({ ...bare, status });

  expect(event).toMatchObject({ kind });
  expect(unread.includes('status')).toBe(kind === 'unclear');
});

test.each(['processed_activity', 'health_observation', 'unified_api.sleep.updated'])(
  'an event %s with a user and data counts as activity',
  type => {
    expect(read({ ...terraEvent.data(terraUser(1)), type })).toMatchObject({ kind: 'arrived', user });
  },
);

test('unknown types are named for counting, in at most a few plain characters', () => {
  const named = (type: string) => {
    const { type: name, unread } = readWhole({ type });
    return [name, unread];
  };

  expect(named('connection.updated')).toEqual(['connection.updated', ['type']]);
  expect(named('t'.repeat(41))).toEqual(['unnamed', ['type']]);
  expect(named('<script>')).toEqual(['unnamed', ['type']]);
  expect(named('healthcheck')).toEqual(['healthcheck', []]);
});
