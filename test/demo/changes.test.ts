import { load } from './modules';

type Change = { at: string; text: string };

const { withChanges } = load<{
  withChanges(known: Record<string, Change[]>, before: object[] | undefined, after: object[]): Record<string, Change[]>;
}>('changes.js');

const connection = (changes: object = {}) => ({
  id: 'c1',
  provider: 'GARMIN',
  status: 'connected',
  scopes: ['sleep', 'daily'],
  updatedAt: '2026-07-01T12:00:00Z',
  version: 1,
  ...changes,
});

const textsOf = (before: object[] | undefined, after: object[]) =>
  withChanges({}, before, after).c1?.map(({ text }) => text);

test.each([
  ['first seen', undefined, ['Connected']],
  ['nothing new', {}, []],
  ['revoked', { status: 'disconnected', reason: 'revoked' }, ['Disconnected: revoked at the provider']],
  ['a permission gone', { scopes: ['sleep'] }, ['Permission revoked: daily']],
  ['a permission more', { scopes: ['sleep', 'daily', 'body'] }, ['Permission granted: body']],
  ['data', { lastDataAt: '2026-07-01T12:05:00Z' }, ['New data arrived']],
])('%s', (_what, changes, texts) => {
  const before = changes === undefined ? undefined : [connection()];

  expect(textsOf(before, [connection({ ...changes, version: texts.length > 0 ? 2 : 1 })])).toEqual(texts);
});

test('newer changes are listed first, few are kept, and those of a deleted connection are removed', () => {
  const known = { c1: Array.from({ length: 6 }, (_, index) => ({ at: '', text: `${index}` })), c2: [] };

  const changes = withChanges(known, [connection()], [connection({ version: 2, scopes: ['sleep'] })]);

  expect(changes.c1?.map(({ text }) => text)).toEqual(['Permission revoked: daily', '0', '1', '2', '3', '4']);
  expect(changes).not.toHaveProperty('c2');
});
