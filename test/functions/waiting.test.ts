import { nextTryNumber, readTryNumber, secondsToNextTry } from '../../functions/core/http/waiting-page';

test('the pauses grow, and after the sixth try the page no longer reloads itself', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(secondsToNextTry);

  expect(pauses).toEqual([2, 4, 8, 15, 30, undefined, undefined, undefined, undefined]);
});

test.each([6, 7, 8, 9])('the button after try %p leads to a numbered try without a pause', tryNumber => {
  const next = nextTryNumber(tryNumber);

  expect(secondsToNextTry(next)).toBeUndefined();
  expect(readTryNumber(String(next))).toBe(next);
});

test.each(['1', '2', '3', '4', '5', '6', '7', '8', '9'])('the query value %p is that number of the try', value => {
  expect(readTryNumber(value)).toBe(Number(value));
});

test.each([
  undefined,
  '',
  '0',
  '10',
  '02',
  '-2',
  '+2',
  '2.0',
  '2e0',
  '0x2',
  ' 2',
  '2 ',
  '2\n',
  '\n2',
  '2,3',
  '2\u0000',
  '\u0662',
  '２',
  'two',
  'NaN',
  'Infinity',
  '__proto__',
  '9'.repeat(5000),
])('the query value %p is the first try', value => {
  expect(readTryNumber(value)).toBe(1);
});
