import { errorStatus } from '../../functions/core/errors';
import { ConnectionReason, ConnectionStatus, SessionFailure, SessionStatus } from '../../functions/routes';
import { load } from './modules';

type Words = { tone: string; title: string; text: string };

const words = load<{
  statusWords: Record<string, { tone: string; label: string }>;
  reasonWords: Record<string, string>;
  sessionWords: Record<string, Words>;
  failureWords: Record<string, Words>;
  problemWords: Record<string, Words>;
  wordsForProblem(failure: { status: number; code?: string; retryAfterSeconds?: number }): Words;
  wordsForSession(session: { status: string; failure?: string }): Words;
}>('words.js');
const { ago } = load<{ ago(at: string, now: number): string }>('time-words.js');
const { shortReason } = load<{ shortReason: Record<string, string> }>('changes.js');
const { trackOf } = load<{ trackOf(progress: string): { name: string; state: string }[] }>('track.js');

const sorted = (names: readonly string[]) => [...names].sort();

test.each([
  ['a status of a connection', words.statusWords, ConnectionStatus.options],
  ['a reason of a connection', words.reasonWords, ConnectionReason.options],
  ['a reason of a connection, short', shortReason, ConnectionReason.options],
  ['a status of a session', words.sessionWords, SessionStatus.options],
  ['a failure of a session', words.failureWords, SessionFailure.options],
  ['an error code', words.problemWords, Object.keys(errorStatus)],
])('there are words for each %s, and for nothing else', (_what, said, known) => {
  expect(sorted(Object.keys(said))).toEqual(sorted(known));
});

test('a session that failed says why, and one that did not says how it stands', () => {
  expect(words.wordsForSession({ status: 'failed', failure: 'denied' })).toEqual(words.failureWords.denied);
  expect(words.wordsForSession({ status: 'failed' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'failed', failure: '<b>toString</b>' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'failed', failure: 'constructor' })).toEqual(words.sessionWords.failed);
  expect(words.wordsForSession({ status: 'completed', failure: 'denied' })).toEqual(words.sessionWords.completed);
});

test('a problem goes by its code, the gateway’s own answer by its status, and silence by itself', () => {
  expect(words.wordsForProblem({ status: 502, code: 'terra_rejected' })).toEqual(words.problemWords.terra_rejected);
  expect(words.wordsForProblem({ status: 401 })).toEqual(words.problemWords.unauthenticated);
  expect(words.wordsForProblem({ status: 418 }).title).toBe('Something went wrong');
  expect(words.wordsForProblem({ status: 0 }).title).toBe('No answer');
  expect(words.wordsForProblem({ status: 429, retryAfterSeconds: 7 }).text).toMatch(/Best in 7 seconds\.$/);
});

test('how long ago is said as people say it', () => {
  const now = Date.parse('2026-07-01T12:00:00Z');

  const said = ['11:59:55', '11:59:20', '11:30:00', '07:00:00', '12:00:30'].map(time =>
    ago(`2026-07-01T${time}Z`, now),
  );

  expect(said).toEqual(['just now', '40 s ago', '30 min ago', '5 h ago', 'just now']);
});

test('every step of every session has a place on the track', () => {
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
