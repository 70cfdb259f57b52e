import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { files, folder, read } from './modules';

const page = read('index.html');
const scripts = files.filter(file => file.endsWith('.js'));

test('every file that the page refers to exists', () => {
  const referred = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, file]) => file);

  expect(referred).toEqual(['demo.css', 'demo.js']);
  expect(files).toEqual(expect.arrayContaining(referred));
});

test.each(scripts)('%s imports only files of its folder and the client', file => {
  const imported = [...read(file).matchAll(/^(?:import|export) [^;]*?from '([^']+)';$|^import '([^']+)';$/gms)].map(
    ([, from, bare]) => from ?? bare,
  );

  for (const specifier of imported) {
    expect(specifier).toMatch(/^\.\/[\w-]+\.js$/);
    expect([...scripts, 'client.js']).toContain(specifier?.slice(2));
  }
});

test('only the client calls the API; the page itself calls local endpoints', () => {
  const having = (what: RegExp) => scripts.filter(file => what.test(read(file)));

  expect(having(/\bfetch\(/)).toEqual(['local-run.js']);
  expect(read('local-run.js')).not.toMatch(/\/v1/);
  expect(having(/authorization|Bearer|idempotency-key/i)).toEqual([]);
  expect(having(/location\.search|searchParams|session_id/)).toEqual([]);
});

test('changes are announced in a live region of their own once they settle; the lists are not live regions', () => {
  expect(page.match(/aria-live="\w+"/g)).toEqual(['aria-live="polite"', 'aria-live="polite"']);
  expect(page).toMatch(/<div id="happened"><\/div>/);
});

test.each(scripts)('%s parses no markup and runs no text', file => {
  expect(read(file)).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setAttribute\('on/,
  );
});

test('the page’s policy allows only its own files and the local ports', () => {
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];

  expect(policy?.split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self' http://localhost:*",
    "base-uri 'none'",
    "form-action 'none'",
  ]);
});

test('the page respects that policy: no inline script, style or handler', () => {
  expect(page).not.toMatch(/<script(?![^>]* src=)/);
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
});

test('the page loads nothing from other origins and sends no referrer', () => {
  const elsewhere = files
    .flatMap(file => [...read(file).matchAll(/(?:https?:)?\/\/[\w-]+[.:][^\s'"`)]*/g)].map(([url]) => url))
    .filter(url => !/^http:\/\/(localhost|www\.w3\.org\/2000\/svg)/.test(url));

  expect(elsewhere).toEqual([]);
  expect(page).toContain('<meta name="referrer" content="no-referrer">');
  expect(page.indexOf('name="referrer"')).toBeLessThan(page.indexOf('<link'));
});

test('every element that the scripts use exists in the page', () => {
  const parts = scripts.flatMap(file => [...read(file).matchAll(/(?:byId|goTo)\('([\w-]+)'\)/g)].map(([, id]) => id));

  expect(parts.length).toBeGreaterThan(8);
  for (const id of parts) expect(page).toContain(`id="${id}"`);
});

test('the page stores no token or code, only user, session and known names', () => {
  const stored = scripts.filter(file => /sessionStorage|localStorage|indexedDB|document\.cookie/.test(read(file)));

  expect(stored).toEqual(['session-store.js']);
  expect(read('session-store.js')).toContain(
    "{ user: 'terra-connect.user', people: 'terra-connect.people', attempt: 'terra-connect.attempt' }",
  );
});

test('the types in the comments are correct', () => {
  const compiler = join(__dirname, '../../node_modules/typescript/bin/tsc');

  expect(() => execFileSync(process.execPath, [compiler, '--noEmit', '-p', folder], { stdio: 'pipe' })).not.toThrow();
});
