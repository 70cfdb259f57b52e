import { Problem } from '../../functions/core/http/errors';
import { fingerprintOf, namingFault, type OwnerDeps, ownerNaming } from '../../functions/core/state/owner';
import type { Fingerprint } from '../../functions/core/store/store';
import { memoryStore } from '../support/memory-store';

const KEY = 'reference-key-for-tests-0123456789abcdef';
const alarms: string[] = [];
const begun = { referenceId: 'opaque', namespace: 'https://issuer.example/' } as const;

/** A table that this deployment has named an owner in. */
async function tableBegunWith(naming: Pick<OwnerDeps, 'referenceId' | 'namespace'> = begun) {
  const store = memoryStore();
  await named(store, naming);
  return store;
}

/** Names an owner as a deployment with these settings does; resolves with the reference id, or with why not. */
async function named(
  store: OwnerDeps['store'],
  changed: Partial<OwnerDeps> = {},
  key = KEY,
): Promise<{ id: string } | { code: string; reason: string | undefined }> {
  const deps = { ...begun, store, mayBeFirst: true, alarm: (name: string) => void alarms.push(name), ...changed };
  try {
    const { referenceId } = await ownerNaming({ ...deps, referenceKey: async () => key })({ sub: 'alice' });
    return { id: referenceId };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { code: error.code, reason: error.reason };
  }
}

beforeEach(() => {
  alarms.length = 0;
});

test.each<[string, Partial<OwnerDeps>, string]>([
  [
    'the issuer without its slash',
    { namespace: 'https://issuer.example' },
    '{"referenceId":"opaque","ownerNamespace":"https://issuer.example"}',
  ],
  ['another mode', { referenceId: 'subject' }, '{"referenceId":"subject"}'],
])('%s is refused, and the log names the setting to restore', async (_, changed, now) => {
  const store = await tableBegunWith();
  const first = '{"referenceId":"opaque","ownerNamespace":"https://issuer.example/"}';

  for (const mayBeFirst of [true, false]) {
    expect(await named(store, { ...changed, mayBeFirst })).toEqual({
      code: 'unavailable',
      reason:
        `this table was first used with the settings ${first}, but they are now ${now}; ` +
        `set ${first} in the settings and deploy; keep ownerNamespace when the issuer changes`,
    });
  }
  expect(alarms).toEqual(['reference_key_changed', 'reference_key_changed']);
  // What the refused deployment asked for is stored nowhere.
  expect(await named(store)).toEqual({ id: expect.stringMatching(/^[\w-]{32}$/) });
});

test('a different key is refused, whatever else differs', async () => {
  const store = await tableBegunWith();

  expect(await named(store, { namespace: 'another' }, `${KEY}-another`)).toEqual({
    code: 'unavailable',
    reason: expect.stringMatching(/^the reference-id key is not the first .* `npm run secrets -- import-key`$/),
  });
});

test('with `referenceId: "subject"` a different namespace changes no reference id and is accepted', async () => {
  const store = await tableBegunWith({ ...begun, referenceId: 'subject' });

  expect(await named(store, { referenceId: 'subject', namespace: 'another' })).toEqual({ id: 'alice' });
  expect(await named(store)).toMatchObject({ code: 'unavailable', reason: expect.stringContaining('"subject"') });
});

test('a function that creates no owner stores nothing', async () => {
  const store = memoryStore();

  expect(await named(store, { mayBeFirst: false })).toHaveProperty('id');
  expect(await store.findFingerprint()).toBeUndefined();
});

describe('a table from a version that stored only the key', () => {
  const { key, naming } = fingerprintOf(KEY, begun);
  const stored: Fingerprint[] = [];
  /** The row as that version left it. */
  const earlier = async () => {
    const store = memoryStore();
    await store.rememberFingerprint({ key } as Required<Fingerprint>);
    const { rememberFingerprint } = store;
    stored.length = 0;
    store.rememberFingerprint = async ours => {
      const now = await rememberFingerprint(ours);
      stored.push(now);
      return now;
    };
    return store;
  };

  test('is accepted, and extended once', async () => {
    const store = await earlier();

    expect(await named(store, { mayBeFirst: false })).toHaveProperty('id');
    expect(stored).toEqual([]);
    expect(await named(store)).toHaveProperty('id');
    expect(await named(store)).toHaveProperty('id');
    expect(stored).toEqual([{ key, naming }]);
    expect(await named(store, { namespace: 'another' })).toMatchObject({ code: 'unavailable' });
  });

  test('is not extended by a deployment with another key', async () => {
    const store = await earlier();

    expect(await named(store, {}, `${KEY}-another`)).toMatchObject({ code: 'unavailable' });
    expect(await store.findFingerprint()).toEqual({ key });
  });
});

test('the stored form is frozen: a different one would refuse every existing deployment', () => {
  expect(fingerprintOf('key', { referenceId: 'opaque', namespace: 'https://a.example/"' })).toEqual({
    key: 'ib3wJNPc3qqqQfPTr0EZ_qzVUSWkm_k-S2635JpTJrM',
    naming: '{"referenceId":"opaque","ownerNamespace":"https://a.example/\\""}',
  });
  expect(fingerprintOf('key', { referenceId: 'subject', namespace: 'a' }).naming).toBe('{"referenceId":"subject"}');
});

test('a table that stores the same values, or fewer, is accepted', () => {
  const ours = fingerprintOf(KEY, begun);

  expect(namingFault(ours, ours)).toBeUndefined();
  expect(namingFault({ key: ours.key }, ours)).toBeUndefined();
});
