import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConnectError, type ConnectErrorCode, createClient } from '../../client/index';
import { errorStatus, errorTitle } from '../../functions/core/http/errors';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/client.md'), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (yes|no|[\d, ]+) \| (.*) \|$/gm)].map(
  ([, code = '', status = '', retryable = '', meaning = '']) => ({ code, status, retryable, meaning }),
);

test('the page lists every error of the API and of the client', () => {
  const own = ['network', 'unexpected_answer', 'popup_blocked'];
  expect(rows.map(({ code }) => code)).toEqual([...Object.keys(errorStatus), ...own]);
  for (const { code, status, retryable, meaning } of rows.slice(0, -own.length)) {
    const known = code as keyof typeof errorStatus;
    expect([code, status]).toEqual([code, String(errorStatus[known])]);
    expect([code, retryable]).toEqual([
      code,
      new ConnectError(known, { status: Number(status) }).retryable ? 'yes' : 'no',
    ]);
    expect(meaning.startsWith(errorTitle[known])).toBe(true);
  }
});

test('the client’s own errors match the page', () => {
  for (const code of ['network', 'popup_blocked'] satisfies ConnectErrorCode[]) {
    const row = rows.find(each => each.code === code);
    expect([row?.status, row?.retryable]).toEqual(['0', new ConnectError(code).retryable ? 'yes' : 'no']);
  }
  const retryable = [400, 429, 500, 502, 503, 504].filter(
    status => new ConnectError('unexpected_answer', { status }).retryable,
  );
  expect(rows.find(({ code }) => code === 'unexpected_answer')?.retryable).toBe(retryable.join(', '));
});

test('the page lists every method', () => {
  const client = createClient({ apiUrl: 'https://api.example.com', token: () => 'token' });
  expect(Object.keys(client).filter(call => !page.includes(`\`${call}(`))).toEqual([]);
});

test.each(['docs/client.md', 'client/README.md'])('links in %s lead somewhere', file => {
  const text = readFileSync(join(root, file), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link);
  expect(links.filter(link => !existsSync(join(root, dirname(file), link)))).toEqual([]);
});
