import { load } from './modules';

const { readLanding } = load<{
  readLanding(address: string): { landing: Record<string, unknown> | undefined; clean: string };
}>('landing.js');

const at = (query: string) => readLanding(`http://localhost:4000/${query}`);

test.each([
  ['?session_id=s1&status=returned&code=c1', { kind: 'returned', sessionId: 's1', code: 'c1' }],
  ['?session_id=s1&status=returned', { kind: 'returned', sessionId: 's1', code: undefined }],
  ['?session_id=s1&status=failed&error=denied', { kind: 'failed', sessionId: 's1', error: 'denied' }],
  ['?session_id=s1&status=failed', { kind: 'failed', sessionId: 's1', error: 'unknown' }],
  ['?session_id=s1&status=sdk_required&provider=APPLE', { kind: 'sdk_required', sessionId: 's1', provider: 'APPLE' }],
  ['?session_id=s1&status=something_new', undefined],
  ['?status=returned&code=c1', undefined],
  ['', undefined],
])('%s is read, and nothing of it stays in the address', (query, landing) => {
  expect(at(query)).toEqual({ landing, clean: '/' });
});

test('what is not ours stays in the address', () => {
  expect(at('?lang=en&session_id=s1&status=returned&code=c1#top').clean).toBe('/?lang=en#top');
});
