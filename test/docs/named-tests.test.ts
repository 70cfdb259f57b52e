import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** What a test is called with `…` for every value in it: `%s` of a table, `${…}` of a template. */
const plain = (title: string) => title.replace(/\$\{[^}]*\}|%[sjpidf]/g, '…').replace(/\\(.)/g, '$1');

/** The titles of a test file: of tests, of tables of tests and, in test/scenarios, the facts that scenarios show (play.ts). */
function titlesOf(file: string): string[] {
  const path = `test/${file}.test.ts`;
  if (!existsSync(join(root, path))) return [];
  const before = file.startsWith('scenarios/') ? String.raw`\btest\(|\)\(|\[` : String.raw`\btest\(|\)\(`;
  const title = String.raw`\s*(["'\`])((?:\\.|(?!\1).)*)\1\s*,`;
  const called = new RegExp(`(?:${before})${title}`, 'gs');
  return [...read(path).matchAll(called)].map(([, , text = '']) => plain(text));
}

/** The rows of the page's tables whose last column is called `test`, and each test that they name. */
function claimsOf(page: string) {
  const rows: { row: string; tests: { file: string; title: string }[] }[] = [];
  let isClaim = false;
  for (const line of read(page).split('\n')) {
    if (!line.startsWith('|')) isClaim = false;
    else if (/\| test \|$/.test(line)) isClaim = true;
    else if (isClaim && !line.startsWith('| ---')) {
      const cell = line.split(' | ').at(-1) ?? '';
      const tests = [...cell.matchAll(/`([\w/-]+)`((?:,? "[^"]+")+)/g)].flatMap(([, file = '', titles = '']) =>
        [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title })),
      );
      // Nothing in the cell is left unread.
      const left = cell.replace(/`[\w/-]+`(?:,? "[^"]+")+/g, '').replace(/[;|\s]/g, '');
      rows.push({ row: left === '' ? line : `cannot be read: ${left}`, tests });
    }
  }
  return rows;
}

describe.each([
  ['docs/security.md', 25],
  ['docs/state.md', 10],
])('%s', (page, least) => {
  const claims = claimsOf(page);

  test('each rule names a test', () => {
    expect(claims.length).toBeGreaterThanOrEqual(least);
    expect(
      claims.filter(({ row, tests }) => tests.length === 0 || row.startsWith('cannot')).map(({ row }) => row),
    ).toEqual([]);
  });

  test('each named test exists', () => {
    const named = claims.flatMap(({ tests }) => tests);
    expect(named.filter(({ file, title }) => !titlesOf(file).includes(title))).toEqual([]);
  });
});
