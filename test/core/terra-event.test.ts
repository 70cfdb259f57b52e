import { readTerraEvent } from '../../functions/core/terra-event';
import { terraEvent, told } from '../support/journey';
import { terraUser } from '../support/world';

const read = (event: unknown) => readTerraEvent(Buffer.from(JSON.stringify(event)));
const user = { terraUserId: terraUser(1), provider: 'GARMIN', scopes: ['ACTIVITY', 'DAILY'] };

test.each([
  ['auth', terraEvent.auth(terraUser(1), { session: 'ws-1' }), { kind: 'authenticated', user, terraSessionId: 'ws-1' }],
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
])('%s is understood', (_type, event, meaning) => {
  expect(read(event)).toMatchObject(meaning);
});

test('the reference id is the user’s, else the one at the top', () => {
  const bare = { ...terraEvent.auth(terraUser(1), { referenceId: null }), reference_id: 'at-the-top' };

  expect(read(bare)).toMatchObject({ user: { referenceId: 'at-the-top' } });
  expect(read(terraEvent.auth(terraUser(1), { referenceId: '' }))).toMatchObject({ user: { referenceId: undefined } });
});

test.each([
  ['no JSON', 'nonsense'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['a list', '[]'],
  ['null', 'null'],
  ['no type', '{}'],
  ['a type that is no text', '{"type":7}'],
  ['an auth without a user', '{"type":"auth","status":"success"}'],
  ['a user id that is no UUID', JSON.stringify(terraEvent.auth('__proto__'))],
  ['a provider with markup', JSON.stringify(terraEvent.auth(terraUser(1), { provider: '<b>' }))],
  ['data about nobody', '{"type":"daily","data":[]}'],
  ['deep nesting', `{"type":"auth","user":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
])('%s is poison', (_what, body) => {
  expect(readTerraEvent(Buffer.from(body))).toBeUndefined();
});
