import { dueEntry, itemBytes, readUnits, writeUnits } from './units';

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });

test.each<[string, Record<string, Record<string, unknown>>, number]>([
  ['text: name and UTF-8 bytes', { name: S('Zoë') }, 4 + 4],
  ['an empty text', { a: S('') }, 1],
  ['a number: a byte for two digits, and one', { n: N('12345') }, 1 + 3 + 1],
  ['a number without the zeros around it', { n: N('1700000000000') }, 1 + 1 + 1],
  ['a fraction', { n: N('0.050') }, 1 + 1 + 1],
  ['a negative number', { n: N('-1763900000001') }, 1 + 7 + 1],
  ['zero', { n: N('0') }, 1 + 1],
  ['bytes, as many as they are before base64', { b: { B: Buffer.alloc(10).toString('base64') } }, 1 + 10],
  ['true, false and null', { t: { BOOL: true }, f: { BOOL: false }, n: { NULL: true } }, 3 * 2],
  ['sets', { s: { SS: ['ab', 'c'] }, n: { NS: ['10', '123'] } }, 1 + 3 + (1 + 2 + 3)],
  ['an empty list and map', { l: { L: [] }, m: { M: {} } }, 2 * (1 + 3)],
  ['a list: three, one for each element, and the elements', { l: { L: [S('ab'), N('7')] } }, 1 + 3 + (1 + 2) + (1 + 2)],
  ['a map: the same, with the names', { m: { M: { at: N('12'), via: S('x') } } }, 1 + 3 + (1 + 2 + 2) + (1 + 3 + 1)],
])('the size of %s', (_what, item, bytes) => {
  expect(itemBytes(item)).toBe(bytes);
});

test('a type without a rule is an error', () => {
  expect(() => itemBytes({ a: { X: 1 } })).toThrow('no rule for a value of the type X');
});

/** An item of exactly so many bytes. */
const sized = (bytes: number) => ({ a: S('x'.repeat(bytes - 1)) });

test.each<[string, number[], boolean, number]>([
  ['nothing', [], true, 1],
  ['nothing, not consistent', [], false, 0.5],
  ['one block', [4096], true, 1],
  ['a byte more', [4097], true, 2],
  ['many small ones together, not each by itself', [1000, 1000, 1000], true, 1],
  ['many, not consistent', [4096, 4096, 1], false, 1.5],
])('a read of %s', (_what, sizes, isConsistent, units) => {
  expect(readUnits({ items: sizes.map(sized), isConsistent })).toBe(units);
});

const whole = { put: undefined, isRefused: false };
const row = (dueAt?: string, dueShard?: string, more = 0) => ({
  owner: S('o'),
  item: S('i'.repeat(1 + more)),
  ...(dueAt !== undefined && { dueAt: N(dueAt) }),
  ...(dueShard !== undefined && { dueShard: S(dueShard) }),
});

test.each<[string, Parameters<typeof writeUnits>[0], { table: number; index: number }]>([
  ['a new item', { before: undefined, after: sized(1024), ...whole }, { table: 1, index: 0 }],
  ['a larger one', { before: undefined, after: sized(1025), ...whole }, { table: 2, index: 0 }],
  ['one that shrinks, by what it was', { before: sized(2049), after: sized(10), ...whole }, { table: 3, index: 0 }],
  ['one that grows, by what it is', { before: sized(10), after: sized(2049), ...whole }, { table: 3, index: 0 }],
  ['a deletion, by what it was', { before: sized(1500), after: undefined, ...whole }, { table: 2, index: 0 }],
  ['a deletion of nothing', { before: undefined, after: undefined, ...whole }, { table: 1, index: 0 }],
  [
    'a refused update, by what is there',
    { before: sized(1500), after: sized(1500), put: undefined, isRefused: true },
    { table: 2, index: 0 },
  ],
  [
    'a refused put, by what it would have been',
    { before: sized(10), after: sized(10), put: sized(3000), isRefused: true },
    { table: 3, index: 0 },
  ],
  [
    'a refused put of something due',
    { before: row(), after: row(), put: row('5', '1'), isRefused: true },
    { table: 1, index: 0 },
  ],
  ['an item that is due from now on', { before: row(), after: row('5', '1'), ...whole }, { table: 1, index: 1 }],
  ['a new item that is due', { before: undefined, after: row('5', '1'), ...whole }, { table: 1, index: 1 }],
  ['one due at another time', { before: row('5', '1'), after: row('6', '1'), ...whole }, { table: 1, index: 2 }],
  ['one due in another shard', { before: row('5', '1'), after: row('5', '2'), ...whole }, { table: 1, index: 2 }],
  [
    'one due as before',
    { before: row('5', '1'), after: { ...row('5', '1'), more: S('x') }, ...whole },
    { table: 1, index: 0 },
  ],
  ['one due no more', { before: row('5', '1'), after: row(), ...whole }, { table: 1, index: 1 }],
  ['the end of one that was due', { before: row('5', '1'), after: undefined, ...whole }, { table: 1, index: 1 }],
  [
    'a time without a shard, which the index does not hold',
    { before: row(), after: row('5'), ...whole },
    { table: 1, index: 0 },
  ],
  ['an entry of more than a KiB', { before: undefined, after: row('5', '1', 1100), ...whole }, { table: 2, index: 2 }],
])('a write of %s', (_what, use, units) => {
  expect(writeUnits(use)).toEqual(units);
});

test('an index entry contains only the keys', () => {
  expect(dueEntry({ ...row('5', '1'), url: S('https://terra.example') })).toEqual(row('5', '1'));
});
