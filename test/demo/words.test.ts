import { errorStatus } from '../../functions/core/http/errors';
import { ConnectionReason, ConnectionStatus, SessionFailure, SessionStatus } from '../../functions/routes';
import { load } from './modules';

type Words = { tone: string; title: string; text: string };

const words = load<{
  statusWords: Record<string, { tone: string; label: string }>;
  reasonWords: Record<string, string>;
  sessionWords: Record<string, Words>;
  failureWords: Record<string, Words>;
  problemWords: Record<string, Words>;
  wordsForProblem(failure: { status: number; code?: string; retryAfterMs?: number }): Words;
  wordsForSession(session: { status: string; failure?: string }): Words;
}>('words.js');
const { ago, span } = load<{ ago(at: string, now: number): string; span(ms: number): string }>('time-words.js');
const { CallFailed, failureOf } = load<{
  CallFailed: new (answer: { status: number }) => Error;
  failureOf(error: unknown): object;
}>('failure.js');
const { shortReason } = load<{ shortReason: Record<string, string> }>('changes.js');
const { trackOf } = load<{ trackOf(progress: string): { name: string; state: string }[] }>('track-view.js');

const sorted = (names: readonly string[]) => [...names].sort();

test.each([
  ['a status of a connection', words.statusWords, ConnectionStatus.options],
  ['a reason of a connection', words.reasonWords, ConnectionReason.options],
  ['a reason of a connection, short', shortReason, ConnectionReason.options],
  ['a status of a session', words.sessionWords, SessionStatus.options],
  ['a failure of a session', words.failureWords, SessionFailure.options],
  ['an error code', words.problemWords, [...Object.keys(errorStatus), 'network', 'unexpected_answer', 'popup_blocked']],
])('each %s has a text, and there is no other text', (_what, said, known) => {
  expect(sorted(Object.keys(said))).toEqual(sorted(known));
});

test('a failed session shows its cause, any other its status', () => {
  expect(words.wordsForSession({ status: 'failed', failure: 'denied' })).toEqual(words.failureWords.denied);
  expect(words.wordsForSession({ status: 'failed' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'failed', failure: '<b>toString</b>' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'failed', failure: 'constructor' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'completed', failure: 'denied' })).toEqual(words.sessionWords.completed);
});

test('a problem has the text of its code, and no answer has its own text', () => {
  expect(words.wordsForProblem({ status: 502, code: 'terra_rejected' })).toEqual(words.problemWords.terra_rejected);
  expect(words.wordsForProblem({ status: 0, code: 'popup_blocked' })).toEqual(words.problemWords.popup_blocked);
  expect(words.wordsForProblem({ status: 418 }).title).toBe('Something went wrong');
  expect(words.wordsForProblem({ status: 418, code: 'constructor' }).title).toBe('Something went wrong');
  expect(words.wordsForProblem({ status: 0 }).title).toBe('No answer');
  expect(words.wordsForProblem({ status: 429, retryAfterMs: 6500 }).text).toMatch(/Try again in 7 seconds\.$/);
});

test('failed calls of the client and of the page have the same form, and a programming error is not a failed call', () => {
  const failed = Object.assign(new Error('x'), { status: 429, code: 'rate_limited', retryAfterMs: 7000 });
  const mistake = new TypeError('x is not a function');

  expect(failureOf(failed)).toEqual({ status: 429, code: 'rate_limited', retryAfterMs: 7000 });
  expect(failureOf(new CallFailed({ status: 0 }))).toEqual({ status: 0, code: undefined, retryAfterMs: undefined });
  expect(() => failureOf(mistake)).toThrow(mistake);
});

test.each([
  [0, '0.0 s'],
  [-5, '0.0 s'],
  [1234, '1.2 s'],
  [9949, '9.9 s'],
  [9951, '10 s'],
  [99_400, '99 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [604_800_000, '7 d'],
])('%d ms is shown as %s', (ms, told) => {
  expect(span(ms)).toBe(told);
});

test('the time since an entry is shown in words', () => {
  const now = Date.parse('2026-07-01T12:00:00Z');

  const said = ['11:59:55', '11:59:20', '11:30:00', '07:00:00', '12:00:30'].map(time =>
    ago(`2026-07-01T${time}Z`, now),
  );

  expect(said).toEqual(['just now', '40 s ago', '30 min ago', '5 h ago', 'just now']);
});

test('every step of every session is shown on the track', () => {
  const grid = ['idle', ...SessionStatus.options, 'redeemed', 'refused'].map(
    progress =>
      `${progress}: ${trackOf(progress)
        .map(({ state }) => state)
        .join(' ')}`,
  );

  expect(grid).toEqual([
    'idle: todo todo todo todo',
    'pending: done now todo todo',
    'returned: done done now todo',
    'completed: done done done done',
    'failed: done wrong todo todo',
    'expired: done wrong todo todo',
    'rejected: done done wrong todo',
    'redeemed: done done done now',
    'refused: done done wrong todo',
  ]);
});
