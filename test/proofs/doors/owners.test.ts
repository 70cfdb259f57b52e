import { opaqueReferenceId, ownerNaming } from '../../../functions/core/state/owner';
import { newId, newSecret, systemRandom } from '../../../functions/core/platform/random';
import { REFERENCE_KEY } from '../../support/world';
import { size } from '../effort';
import { strictStore } from './strict-store';

const naming = (namespace: string, key = REFERENCE_KEY) =>
  ownerNaming({
    referenceId: 'opaque',
    namespace,
    referenceKey: async () => key,
    store: strictStore(),
    mayBeFirst: true,
    alarm: () => {},
  });

test('one subject in two namespaces is two owners', async () => {
  const ids = await Promise.all(
    ['https://a.example', 'https://a.example/', 'https://b.example'].map(async namespace =>
      naming(namespace)({ sub: 'alice' }),
    ),
  );

  expect(new Set(ids.map(({ referenceId }) => referenceId)).size).toBe(3);
});

test.each([
  [
    ['a', 'b|c'],
    ['a|b', 'c'],
  ],
  [
    ['a"', 'b'],
    ['a', '"b'],
  ],
  [
    ['', 'ab'],
    ['a', 'b'],
  ],
  [
    ['a","b', 'c'],
    ['a', 'b","c'],
  ],
])(
  'different pairs of namespace and subject are different owners: %j and %j',
  ([aSpace = '', aSub = ''], [bSpace = '', bSub = '']) => {
    expect(opaqueReferenceId(REFERENCE_KEY, aSpace, aSub)).not.toBe(opaqueReferenceId(REFERENCE_KEY, bSpace, bSub));
  },
);

test('subjects that differ only in spelling, spaces or form are different owners', () => {
  const subjects = ['alice', 'Alice', 'alice ', ' alice', 'alic\u00e9', 'alice\u0301', 'alice\0', '\uff41lice'];
  const ids = subjects.map(sub => opaqueReferenceId(REFERENCE_KEY, 'https://issuer.example', sub));

  expect(new Set(ids).size).toBe(subjects.length);
  for (const id of ids) expect(id).toMatch(/^[\w-]{32}$/);
});

const count = size(20_000, 1_000_000);

test(`${count} ids and secrets are all different, and each has 128 or 256 bits`, () => {
  const ids = new Set(Array.from({ length: count }, () => newId(systemRandom)));
  const secrets = new Set(Array.from({ length: count }, () => newSecret(systemRandom)));

  expect([ids.size, secrets.size]).toEqual([count, count]);
  expect([newId(systemRandom), newSecret(systemRandom)].map(text => Buffer.from(text, 'base64url').length)).toEqual([
    16, 32,
  ]);
});
